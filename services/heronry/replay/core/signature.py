"""Checks of a table's declaration and of the columns that writers bring."""

from collections.abc import Mapping, Sequence

from heronry.replay.core.items import MAX_SLOTS
from heronry.replay.core.priorities import MAX_EXPONENT
from heronry.types.columns import ColumnSpec
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError, SchemaMismatchError, UnimplementedError
from heronry.types.experience import AcknowledgementLevel, ItemSlices
from heronry.types.patterns import Pattern
from heronry.types.tables import TableDefinition
from heronry.types.tensors import Array, ElementType

_FACT_PREFIX = "@"
_MAX_COLUMNS = 1024


def check_definition(definition: TableDefinition) -> None:
    """Check what a definition asks of this service, beyond the ranges of its fields.

    Raises:
      InvalidArgumentError: values that could never work together.
    """
    if definition.max_size > MAX_SLOTS // 2:
        raise InvalidArgumentError.of("definition.max_size", definition.max_size, f"at most {MAX_SLOTS // 2}")
    min_size = definition.rate_limiter.min_size
    if min_size > definition.max_size:
        allowed = f"at most max_size, {definition.max_size}: the table could never be sampled"
        raise InvalidArgumentError.of("rate_limiter.min_size", min_size, allowed)
    check_exponent("sampler.priority_exponent", definition.sampler.priority_exponent)
    check_exponent("remover.priority_exponent", definition.remover.priority_exponent)


def check_exponent(field: str, exponent: float) -> None:
    """Check an exponent of priorities.

    Raises:
      InvalidArgumentError: it is negative, not finite or so large that sums of weights would not be finite.
    """
    if not 0 <= exponent <= MAX_EXPONENT:
        raise InvalidArgumentError.of(field, exponent, f"0 to {MAX_EXPONENT:g}")


def check_level(definition: TableDefinition, *, has_journal: bool) -> None:
    """Check that somebody keeps the table's level.

    Raises:
      UnimplementedError: changes would have to survive, and nobody notes them.
    """
    if not has_journal and definition.acknowledgement is not AcknowledgementLevel.MEMORY:
        got = definition.acknowledgement.value
        details = {"field": "definition.acknowledgement", "value": got, "allowed": "memory"}
        raise UnimplementedError(f"definition.acknowledgement: got {got}, offered: memory", details=details)


def check_fits(definition: TableDefinition, specs: Sequence[ColumnSpec], max_bytes: int) -> None:
    """Check that an item of the longest kind fits a table's bytes.

    Raises:
      InvalidArgumentError: the pattern's window is larger than all that may be held.
    """
    step_bytes = sum(s.num_bytes for s in specs)
    num_steps = definition.pattern.num_steps
    if not definition.compressed_columns and num_steps * step_bytes > max_bytes:
        allowed = f"at most {max_bytes // step_bytes}: {max_bytes} bytes of steps of {step_bytes} bytes"
        raise InvalidArgumentError.of("pattern.num_steps", num_steps, allowed)


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


def check_items(items: ItemSlices, pattern: Pattern) -> None:
    """Check the arrays of explicit items; what they cover the step store checks.

    Raises:
      FailedPreconditionError: the table's pattern makes the items.
      InvalidArgumentError: the arrays differ in length.
    """
    if pattern.period:
        message = f"the table makes an item every {pattern.period} steps: only period 0 takes items from writers"
        raise FailedPreconditionError(message, details={"period": str(pattern.period)})
    count = len(items.lanes)
    for name in ("starts", "lengths", "priorities"):
        array = getattr(items, name)
        if array is not None and len(array) != count:
            raise InvalidArgumentError.of(f"items.{name}", f"{len(array)} values", f"as many as lanes, {count}")
