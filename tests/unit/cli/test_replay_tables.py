"""What `heronry replay inspect` shows of a service's tables."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from heronry.cli.replay_tables import show_tables, table_fields
from heronry.types.blocking import Waiting
from heronry.types.columns import ColumnSpec
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition, TableInfo
from heronry.types.tensors import ElementType

LIMITER = RateLimiter.sample_to_insert_ratio(8, 1000, 4096)
BUSY = TableInfo(
    TableDefinition(
        "experience",
        Selector.prioritized(0.6),
        Selector.fifo(),
        LIMITER,
        1_000_000,
        acknowledgement=AcknowledgementLevel.PROCESS,
    ),
    num_items=654_321,
    num_bytes=12_345_678,
    num_inserts=1_060_000,
    num_samples=8_470_000,
    num_writers=16,
    waiting=(Waiting("insert", "inserts * samples_per_insert - samples", 12_100, 12_096, 3.5),),
    durable_position=123_456,
)
FREE = TableInfo(TableDefinition("q", Selector.fifo(), Selector.fifo(), RateLimiter.of_min_size(5), 100), num_items=3)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, highlight=False, soft_wrap=True)


def shown(console: Console, *infos: TableInfo) -> list[str]:
    show_tables(console, {"tables": [table_fields(info) for info in infos]})
    return console.file.getvalue().splitlines()


def test_each_table_has_one_line_that_fits(console: Console) -> None:
    lines = shown(console, BUSY, FREE)

    assert max(len(line) for line in lines[:3]) <= 80
    assert "654,321 of 1,000,000" in lines[1]
    assert lines[2].split() == ["q", "3", "of", "100", "0.0", "0", "0", "0", "memory"]


def test_the_limiter_and_those_who_wait_are_told_in_words(console: Console) -> None:
    lines = shown(console, BUSY, FREE)[3:]

    assert lines == [
        "experience: inserts * 8 - samples is 10000 of 3904 to 12096; 1,000 items before the first sample",
        "experience: durable up to 123,456; 0 items found at the start",
        "experience: insert has waited 3.5 s: inserts * samples_per_insert - samples is 12100, needs at most 12096",
        "q: 5 items before the first sample, no bound on samples",
    ]


def test_a_service_without_tables_says_so(console: Console) -> None:
    assert shown(console) == ["no tables"]


def test_no_bound_is_null_in_json() -> None:
    fields = json.loads(json.dumps(table_fields(FREE)))

    assert (fields["limiter"]["min_diff"], fields["limiter"]["max_diff"]) == (None, None)
    assert fields["sampler"] == "fifo"
    assert json.loads(json.dumps(table_fields(BUSY)))["sampler"] == "prioritized(0.6)"


def test_one_table_shows_what_it_is_made_of(console: Console) -> None:
    spec = ColumnSpec("observation", ElementType.FLOAT32, (4,))
    lines = shown(console, replace(FREE, definition=replace(FREE.definition, columns=(spec,), pattern=Pattern(4, 2))))

    assert lines[2:5] == [
        "  sampler: fifo; remover: fifo",
        "  pattern: items of 4 steps, one every 2; at an episode's end: cross",
        "  column observation  float32[4]",
    ]
    assert max(map(len, lines)) <= 80
