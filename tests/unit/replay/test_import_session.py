import numpy as np
import pytest

from heronry.replay.core.import_session import ImportSession, RunFacts
from heronry.replay.core.windows import StoredRun
from heronry.types.errors import InvalidArgumentError
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition

QUEUE = TableDefinition.queue("t", size=4, pattern=Pattern(2, 1))


def run(first: int, num_steps: int, starts: list[int], length: int = 2) -> StoredRun:
    count = len(starts)
    return StoredRun(
        lane=0,
        first_step=0,
        columns={"step": np.arange(first, first + num_steps)},
        starts=np.array(starts, np.uint32),
        lengths=np.full(count, length, np.uint32),
        indices=np.arange(count),
    )


def facts(priorities: list[float], numbers: list[int]) -> RunFacts:
    count = len(priorities)
    return RunFacts(
        np.array(priorities),
        np.arange(count, dtype=np.uint32),
        np.full(count, 2, np.uint64),
        np.array(numbers, np.uint64),
    )


def test_items_come_with_their_facts_and_the_limiter_does_not_hold_them_back(bench) -> None:
    bench = bench(QUEUE)
    bench.writer().close()
    session = ImportSession(bench.table)

    session.insert_run(run(100, 8, [0, 1, 2, 3, 4, 6]), facts([1, 2, 3, 4, 5, 9], [7, 7, 8, 8, 8, 7]))
    session.insert_run(run(200, 3, [1]), facts([0.5], [9]))
    assert (session.close().value, session.num_steps) == (7, 11)

    info = bench.table.info()
    assert (info.num_inserts, info.num_items, info.num_deletes) == (7, 4, 3)
    batch = bench.sample(4)
    assert batch.columns["step"].T.tolist() == [[103, 104], [104, 105], [106, 107], [201, 202]]
    assert batch.priorities.tolist() == [4.0, 5.0, 9.0, 0.5]
    assert batch.behaviour_numbers.tolist() == [8, 8, 7, 9]
    assert batch.times_sampled.tolist() == [4, 5, 6, 1]
    assert bench.table.info().num_bytes == 0


def test_a_run_whose_facts_do_not_fit_is_refused_and_nothing_is_stored(bench) -> None:
    bench = bench(TableDefinition("t", Selector.fifo(), Selector.fifo(), RateLimiter.of_min_size(1), 9))
    bench.writer().close()
    session = ImportSession(bench.table)

    with pytest.raises(InvalidArgumentError, match=r"run\.priorities: got '1 values', allowed: 2"):
        session.insert_run(run(0, 4, [0, 1], 1), facts([1.0], [1]))
    with pytest.raises(InvalidArgumentError, match=r"run\.priorities\[1\]: got nan"):
        session.insert_run(run(0, 4, [0, 1], 1), facts([1.0, np.nan], [1, 1]))
    with pytest.raises(InvalidArgumentError, match=r"items\.starts\[0\]"):
        session.insert_run(run(0, 4, [4], 1), facts([1.0], [1]))

    session.close()
    assert (bench.table.info().num_items, bench.table.info().num_bytes) == (0, 0)
