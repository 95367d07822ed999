"""A table's contents as a snapshot holds them."""

from collections.abc import Mapping
from typing import cast

from heronry.replay.core.contents import Contents
from heronry.replay.core.effects import ColumnsDeclared, LimiterSet
from heronry.replay.core.reserved import CopySpace
from heronry.replay.core.state import State, float_of, int_of, part_of
from heronry.types.columns import ColumnSpec
from heronry.types.tables import RateLimiter
from heronry.types.tensors import Array, ElementType


def table_state(contents: Contents, space: CopySpace) -> State:
    """Return all of a table but its steps' bytes, copied into a space.

    Sessions, leases and lanes that go on are left out: they end with the service.
    """
    limiter = contents.limiter
    settings = limiter.settings
    return {
        "columns": _columns_state(contents),
        "items": contents.items.state(space),
        "sampler": contents.sampler.state(space),
        "remover": contents.remover.state(space),
        "limiter": {
            "settings": [settings.samples_per_insert, settings.min_size, settings.min_diff, settings.max_diff],
            "counters": [limiter.num_inserts, limiter.num_samples, limiter.num_deletes],
        },
        "maximum": contents.maximum.value,
        "lag": list(contents.lag.newest),
        "writers": contents.writers.state(),
        "num_lagging": contents.num_lagging,
        "num_ignored": contents.num_ignored,
        "incarnation": contents.incarnation,
        "rng": contents.rng.bit_generator.state,
        "store": dict(contents.store.state()) if contents.has_store else None,
    }


def restore_table(contents: Contents, state: State) -> None:
    """Make fresh contents of the same definition what `state` was taken of.

    The caller ends recovery when the effects since are applied too.
    """
    columns = cast("list[list[object]]", state["columns"])
    if columns:
        if not contents.has_store:
            contents.apply(ColumnsDeclared(tuple(_spec_of(c) for c in columns)))
        contents.store.restore(cast("Mapping[str, Array]", state["store"]))
    _restore_limiter(contents, part_of(state, "limiter"))
    contents.items.restore(part_of(state, "items"))
    contents.sampler.restore(part_of(state, "sampler"))
    contents.remover.restore(part_of(state, "remover"))
    contents.maximum.value = float_of(state, "maximum")
    epoch, number = cast("list[int]", state["lag"])
    contents.lag.newest = (epoch, number)
    contents.writers.restore(part_of(state, "writers"))
    contents.num_lagging = int_of(state, "num_lagging")
    contents.num_ignored = int_of(state, "num_ignored")
    contents.incarnation = int_of(state, "incarnation")
    contents.rng.bit_generator.state = part_of(state, "rng")
    _hold(contents)


def priority_exponent_of(state: State) -> float | None:
    """Return the exponent in force in a table's state, or None where nothing is prioritised."""
    for name in ("sampler", "remover"):
        part = part_of(state, name)
        if "exponent" in part:
            return float_of(part, "exponent")
    return None


def _hold(contents: Contents) -> None:
    if not contents.has_store:
        return
    contents.store.hold(contents.items.windows(contents.items.used_slots()))
    for writer in contents.writers:
        if writer.pending is not None:
            contents.store.hold(writer.pending.windows)


def _restore_limiter(contents: Contents, state: State) -> None:
    spi, min_size, min_diff, max_diff = cast("list[float]", state["settings"])
    contents.apply(LimiterSet(RateLimiter(spi, int(min_size), min_diff, max_diff)))
    limiter = contents.limiter
    limiter.num_inserts, limiter.num_samples, limiter.num_deletes = cast("list[int]", state["counters"])


def _columns_state(contents: Contents) -> list[list[object]]:
    if not contents.has_store:
        return []
    return [[s.path, s.element_type.name, list(s.shape)] for s in contents.store.specs]


def _spec_of(column: list[object]) -> ColumnSpec:
    path, kind, shape = cast("tuple[str, str, list[int]]", column)
    return ColumnSpec(path, ElementType[kind], tuple(shape))
