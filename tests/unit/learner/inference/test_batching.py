"""Steps of several groups become one batch: by size, by deadline, or because nobody else can come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_step_waits_for_the_streams_that_may_come(bench) -> None:
    first = bench.in_unroll("a", 2)
    second = bench.in_unroll("b", 3)

    bench.step(first, 1)
    alone = bench.core.take()
    bench.step(second, 1)
    batch = bench.core.take()

    assert alone is None
    assert batch.num_rows == 5
    assert [s.group.lanes.group_id for s in batch.steps] == ["a", "b"]


def test_a_step_waits_for_no_stream_outside_an_unroll(bench) -> None:
    bench.open("idle")
    session = bench.in_unroll("a")

    bench.step(session, 1)

    assert bench.core.take() is not None


def test_a_step_waits_for_no_stream_that_has_been_silent_for_long(bench) -> None:
    silent, session = bench.in_unroll("silent"), bench.in_unroll("a")
    bench.clock.now_s += 5 * 0.5
    bench.core.begin_unroll(session, None)

    bench.step(session, 1)
    without_it = bench.core.take()
    bench.finish(without_it)
    bench.step(silent, 1)
    bench.clock.now_s += 0.1

    assert without_it.num_rows == 3
    # It has come again; now the other is waited for.
    assert bench.core.take() is None


def test_a_stream_that_ends_is_waited_for_no_longer(bench) -> None:
    first, second = bench.in_unroll("a"), bench.in_unroll("b")
    bench.step(first, 1)

    bench.core.close(second)

    assert bench.core.take() is not None


def test_a_batch_is_due_when_its_first_step_has_waited_long_enough(bench) -> None:
    first, _ = bench.in_unroll("a"), bench.in_unroll("b")
    bench.step(first, 1)
    due_s = bench.core.wake_s

    bench.clock.now_s = due_s - 0.01
    before = bench.core.take()
    bench.clock.now_s = due_s
    at_deadline = bench.core.take()

    assert due_s == 100.5
    assert before is None
    assert at_deadline.num_rows == 3


def test_a_batch_is_due_when_its_rows_reach_the_size_and_the_rest_stays(bench) -> None:
    sessions = [bench.in_unroll(name) for name in "abcd"]

    for session in sessions[:3]:
        bench.step(session, 1)
    batch = bench.core.take()

    # 8 rows at most: two groups of three fit, the third stays, and is not due by itself.
    assert batch.num_rows == 6
    assert bench.core.take() is None


def test_a_step_larger_than_the_size_is_evaluated_by_itself(bench) -> None:
    large, small = bench.in_unroll("large", 20), bench.in_unroll("small", 1)
    bench.step(large, 1)
    bench.step(small, 1)

    assert bench.core.take().num_rows == 20
    assert bench.core.take().num_rows == 1


def test_each_version_has_batches_of_its_own(bench) -> None:
    old = bench.in_unroll("old", 2)
    bench.publish(2)
    new = bench.in_unroll("new", 2)

    bench.step(old, 1)
    bench.step(new, 1)
    answers = {name: rows[0, 0] for name, _, rows in bench.run()}

    assert answers == {"old": 1.0, "new": 2.0}
    assert bench.core.statistics().num_batches == 2


def test_steps_that_come_during_an_evaluation_make_the_next_batch(bench) -> None:
    first, second = bench.in_unroll("a"), bench.in_unroll("b")
    bench.step(first, 1)
    bench.clock.now_s += 1.0
    batch = bench.core.take()

    bench.step(second, 1)
    meanwhile = bench.core.take()
    answered = bench.finish(batch)

    # Everybody waits: there is nobody to wait for.
    assert meanwhile.num_rows == 3
    assert [name for name, _, _ in answered] == ["a"]


def test_a_batch_that_fails_ends_its_streams_and_may_be_asked_again(bench) -> None:
    session = bench.in_unroll("a")
    bench.step(session, 1)

    failed = bench.core.fail(bench.core.take()).value

    assert failed == [session]
    assert bench.step(session, 1) is None
    assert len(bench.run()) == 1


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    max_rows=st.integers(1, 12),
    num_steps=st.integers(1, 4),
)
def test_every_lane_gets_its_own_answer_whatever_the_batches(sizes, max_rows, num_steps) -> None:
    from heronry.learner.core.inference import Inference, InferenceLimits
    from tests.unit.learner.inference.conftest import OBSERVED, Bench, Clock

    clock = Clock()
    bench = Bench(Inference("run", OBSERVED, 2, InferenceLimits(max_rows, 0.5, 2), clock), clock)
    bench.publish(3)
    sessions = [bench.in_unroll(f"g{i}", size) for i, size in enumerate(sizes)]

    for number in range(1, num_steps + 1):
        for i, session in enumerate(sessions):
            bench.step(session, number, value=10.0 * i + number)
        answers = {name: (sequence, rows) for name, sequence, rows in bench.run()}
        for i, size in enumerate(sizes):
            sequence, rows = answers[f"g{i}"]
            assert sequence == number
            np.testing.assert_array_equal(rows, np.full((size, 2), 3.0 * (10.0 * i + number), np.float32))

    assert bench.core.statistics().num_rows == num_steps * sum(sizes)
    assert all(s.group.states[0, 0] == num_steps for s in sessions)


def test_figures_count_steps_rows_batches_and_times(bench) -> None:
    first, second = bench.in_unroll("a", 2), bench.in_unroll("b", 4)
    bench.step(first, 1)
    bench.clock.now_s += 0.25
    bench.step(second, 1)
    bench.run()

    statistics = bench.core.statistics()

    assert (statistics.num_streams, statistics.num_steps, statistics.num_rows, statistics.num_batches) == (2, 2, 6, 1)
    assert statistics.evaluation_time_s == 0.25
    assert statistics.median_latency_s == pytest.approx(0.125)
    assert bench.core.figures.batch_rows.counts[3] == 1  # 4 < 6 <= 8
