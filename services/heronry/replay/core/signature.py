"""Checks of a table's declaration and of the columns that writers bring."""

from collections.abc import Mapping, Sequence

from heronry.replay.core.items import MAX_SLOTS
from heronry.replay.core.priorities import MAX_EXPONENT
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError, UnimplementedError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import Selector, TableDefinition
from heronry.types.tensors import Array, ElementType

_FACT_PREFIX = "@"
_MAX_COLUMNS = 1024


def check_definition(definition: TableDefinition) -> None:
    """Check what a definition asks of this service, beyond the ranges of its fields.

    Raises:
      InvalidArgumentError: values that could never work together.
      UnimplementedError: an acknowledgement level that is not offered.
    """
    if definition.max_size > MAX_SLOTS // 2:
        raise InvalidArgumentError.of("definition.max_size", definition.max_size, f"at most {MAX_SLOTS // 2}")
    min_size = definition.rate_limiter.min_size
    if min_size > definition.max_size:
        allowed = f"at most max_size, {definition.max_size}: the table could never be sampled"
        raise InvalidArgumentError.of("rate_limiter.min_size", min_size, allowed)
    _check_exponent("sampler", definition.sampler)
    _check_exponent("remover", definition.remover)
    if definition.acknowledgement is not AcknowledgementLevel.MEMORY:
        got = definition.acknowledgement.value
        details = {"field": "definition.acknowledgement", "value": got, "allowed": "memory"}
        raise UnimplementedError(f"definition.acknowledgement: got {got}, offered: memory", details=details)


def check_specs(specs: Sequence[ColumnSpec]) -> None:
    """Check the columns of a first writer.

    Raises:
      SchemaMismatchError: none, too many, a path used twice or reserved for facts, or a step without bytes.
    """
    paths = [s.path for s in specs]
    if not 1 <= len(paths) <= _MAX_COLUMNS:
        raise SchemaMismatchError.of("columns", f"{len(paths)} columns", f"1 to {_MAX_COLUMNS}")
    for path in paths:
        if not path or path.startswith(_FACT_PREFIX) or paths.count(path) > 1:
            raise SchemaMismatchError.of(
                "columns.path", path, f"a name used once that does not begin with {_FACT_PREFIX}"
            )
    if sum(s.num_bytes for s in specs) == 0:
        raise SchemaMismatchError.of("columns", "0 bytes a step", "at least 1")


def check_signature(table: str, specs: Sequence[ColumnSpec], known: Sequence[ColumnSpec]) -> None:
    """Check that a writer brings the table's columns, in any order.

    Raises:
      SchemaMismatchError: names the first column that differs, what came and what is allowed.
    """
    expected = {s.path: s for s in known}
    for spec in specs:
        if spec.path not in expected:
            allowed = f"the columns of table {table!r}: {', '.join(sorted(expected))}"
            raise SchemaMismatchError.of("columns.path", spec.path, allowed)
        if spec != expected[spec.path]:
            raise SchemaMismatchError.of(f"columns.{spec.path}", signature(spec), signature(expected[spec.path]))
    missing = sorted(set(expected) - {s.path for s in specs})
    if missing or len(specs) != len(expected):
        raise SchemaMismatchError.of(
            "columns", f"without {', '.join(missing)}", f"all of {', '.join(sorted(expected))}"
        )


def check_block(columns: Mapping[str, Array], specs: Sequence[ColumnSpec], num_steps: int, num_lanes: int) -> None:
    """Check a block's arrays against the signature and its leading axes `[T, N]`.

    Raises:
      SchemaMismatchError: names the first column that differs, what came and what is allowed.
    """
    for spec in specs:
        array = columns.get(spec.path)
        expected = (num_steps, num_lanes, *spec.shape)
        if array is None or array.shape != expected or array.dtype != spec.element_type.dtype:
            got = "nothing" if array is None else f"{array.dtype}{list(array.shape)}"
            raise SchemaMismatchError.of(f"columns.{spec.path}", got, f"{spec.element_type.dtype}{list(expected)}")
    if len(columns) != len(specs):
        extra = sorted(set(columns) - {s.path for s in specs})
        raise SchemaMismatchError.of("columns.path", ", ".join(extra), ", ".join(s.path for s in specs))


def signature(spec: ColumnSpec) -> str:
    """Return a column's signature as people read it: `float32[4]`."""
    return f"{_NAMES[spec.element_type]}{list(spec.shape)}"


_NAMES = {t: t.name.lower() for t in ElementType}


def _check_exponent(field: str, selector: Selector) -> None:
    exponent = selector.priority_exponent
    if exponent > MAX_EXPONENT:
        raise InvalidArgumentError.of(f"{field}.priority_exponent", exponent, f"0 to {MAX_EXPONENT:g}")
