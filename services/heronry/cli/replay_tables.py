"""`heronry replay inspect` of a service: what its tables hold and who waits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from heronry.cli.access import Access
from heronry.cli.replay_service import ask_replay
from heronry.cli.screen import print_line, print_table
from heronry.client.replay import ReplayClient
from heronry.types.blocking import Waiting
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern
from heronry.types.tables import Selector, TableInfo

if TYPE_CHECKING:
    from rich.console import Console

# Limiters without a bound carry the largest number there is.
_NO_BOUND = 1e300


def tables_fields(access: Access, table: str) -> dict[str, object]:
    """Return the tables of a service, or the one named, as plain values."""

    async def ask(client: ReplayClient) -> tuple[TableInfo, ...]:
        return (await client.get_table(table),) if table else await client.list_tables()

    return {"tables": [table_fields(info) for info in ask_replay(access, ask)]}


def table_fields(info: TableInfo) -> dict[str, object]:
    """Return a table as JSON can carry it."""
    definition = info.definition
    limiter = definition.rate_limiter
    return {
        "table": definition.table,
        "sampler": _selector(definition.sampler),
        "remover": _selector(definition.remover),
        "items": info.num_items,
        "max_size": definition.max_size,
        "bytes": info.num_bytes,
        "step_bytes": info.num_step_bytes,
        "inserts": info.num_inserts,
        "samples": info.num_samples,
        "deletes": info.num_deletes,
        "lagging": info.num_lagging,
        "ignored": info.num_ignored,
        "recovered": info.num_recovered,
        "writers": info.num_writers,
        "shard": info.shard,
        "mass": info.mass,
        "acknowledgement": definition.acknowledgement.value,
        "durable_position": info.durable_position,
        "limiter": {
            "samples_per_insert": limiter.samples_per_insert,
            "min_size": limiter.min_size,
            "min_diff": _bound(limiter.min_diff),
            "max_diff": _bound(limiter.max_diff),
            "diff": info.num_inserts * limiter.samples_per_insert - info.num_samples,
        },
        "waiting": [
            {"side": w.side, "term": w.term, "value": w.value, "bound": w.bound, "waited_s": w.waited_s}
            for w in info.waiting
        ],
        "pattern": _pattern_fields(definition.pattern),
        "columns": {c.path: [c.element_type.name.lower(), list(c.shape)] for c in definition.columns},
    }


def show_tables(console: "Console", fields: Mapping[str, object]) -> None:
    """Print one line a table, and below it who waits for what."""
    tables = cast("Sequence[Mapping[str, object]]", fields["tables"])
    columns = ("table", "items", "MB", "inserts", "samples", "writers", "level")
    print_table(console, columns, [_row(table) for table in tables], "no tables")
    if len(tables) == 1:
        show_declaration(console, tables[0])
    for table in tables:
        print_line(console, f"{table['table']}: {_describe_limiter(table)}")
        if table["acknowledgement"] != AcknowledgementLevel.MEMORY.value:
            found = f"{table['recovered']:,} items found at the start"
            print_line(console, f"{table['table']}: durable up to {table['durable_position']:,}; {found}")
        for waiting in cast("Sequence[Mapping[str, object]]", table["waiting"]):
            print_line(console, f"{table['table']}: {describe_waiting(waiting)}")


def show_declaration(console: "Console", table: Mapping[str, object]) -> None:
    """Print how a table chooses its items, what these are made of, and its columns, each on a line that fits."""
    pattern = cast("Mapping[str, object]", table["pattern"])
    steps, period = pattern["num_steps"], pattern["period"]
    print_line(console, f"  sampler: {table['sampler']}; remover: {table['remover']}")
    print_line(
        console,
        f"  pattern: items of {'up to ' if pattern['has_lengths'] else ''}{steps} step{'' if steps == 1 else 's'}, "
        f"{f'one every {period}' if period else 'made by writers'}; at an episode's end: {pattern['episode_end']}",
    )
    columns = cast("Mapping[str, Sequence[object]]", table["columns"])
    width = max((len(path) for path in columns), default=0)
    for path, (kind, shape) in columns.items():
        print_line(console, f"  column {path:<{width}}  {kind}{shape}")
    if not columns:
        print_line(console, "  columns: those of the first writer")


def describe_waiting(waiting: Mapping[str, object]) -> str:
    """Return who waits for what in one sentence."""
    side, term = str(waiting["side"]), str(waiting["term"])
    waits = Waiting(side, term, cast("float", waiting["value"]), cast("float", waiting["bound"]))
    return f"{side} has waited {waiting['waited_s']:.1f} s: {waits}"


def _row(table: Mapping[str, object]) -> tuple[str, ...]:
    return (
        str(table["table"]),
        f"{table['items']:,} of {table['max_size']:,}",
        f"{cast('int', table['bytes']) / 1e6:,.1f}",
        f"{table['inserts']:,}",
        f"{table['samples']:,}",
        str(table["writers"]),
        str(table["acknowledgement"]),
    )


def _describe_limiter(table: Mapping[str, object]) -> str:
    limiter = cast("Mapping[str, float | None]", table["limiter"])
    low, high = limiter["min_diff"], limiter["max_diff"]
    noun = "item" if limiter["min_size"] == 1 else "items"
    first = f"{limiter['min_size']:,} {noun} before the first sample"
    if low is None and high is None:
        return f"{first}, no bound on samples"
    bounds = f"{'-' if low is None else f'{low:g}'} to {'-' if high is None else f'{high:g}'}"
    return f"inserts * {limiter['samples_per_insert']:g} - samples is {limiter['diff']:g} of {bounds}; {first}"


def _pattern_fields(pattern: Pattern) -> dict[str, object]:
    return {
        "num_steps": pattern.num_steps,
        "period": pattern.period,
        "episode_end": pattern.episode_end.value,
        "has_lengths": pattern.has_lengths,
        "outputs": [column.name for column in pattern.columns],
    }


def _selector(selector: Selector) -> str:
    kind = selector.kind.value
    return f"{kind}({selector.priority_exponent:g})" if selector.priority_exponent else kind


def _bound(value: float) -> float | None:
    return None if abs(value) >= _NO_BOUND else value
