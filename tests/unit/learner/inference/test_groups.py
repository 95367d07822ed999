"""What is remembered of a group: its last answer and its states, across streams."""

import numpy as np
import pytest

from heronry.learner.core.inference import Policy
from heronry.maths.networks import Layers, RecurrentForward, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.blocking import WouldBlock
from heronry.types.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    MessageTooLargeError,
    ResourceExhaustedError,
    SchemaMismatchError,
)
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion


def answered(bench, session, sequence, value=1.0, begins=None):
    """Ask one step and return its outputs."""
    assert bench.step(session, sequence, value, begins) is None
    ((_, number, rows),) = bench.run()
    assert number == sequence
    return rows


def test_the_step_answered_last_is_answered_from_memory(bench) -> None:
    session = bench.in_unroll()
    first = answered(bench, session, 1, value=7.0)

    again = bench.step(session, 1, value=-1.0)

    np.testing.assert_array_equal(again, first)
    assert bench.core.statistics().num_repeated == 1
    assert bench.core.statistics().num_rows == 3
    assert session.group.states[0, 0] == 1.0


def test_a_reconnect_goes_on_with_sequence_answer_and_states(bench) -> None:
    session = bench.in_unroll()
    answered(bench, session, 1)
    last = answered(bench, session, 2)
    bench.core.close(session)

    back, opened = bench.open()
    bench.core.begin_unroll(back, None)

    assert opened.last_sequence == 2
    np.testing.assert_array_equal(bench.step(back, 2), last)
    answered(bench, back, 3)
    assert back.group.states[0, 0] == 3.0


def test_a_step_that_nobody_evaluates_yet_is_dropped_with_its_stream(bench) -> None:
    session, _ = bench.in_unroll(), bench.in_unroll("other")
    bench.step(session, 1)
    bench.core.close(session)

    back, opened = bench.open()

    assert opened.last_sequence == 0
    assert bench.core.wake_s is None
    bench.core.begin_unroll(back, None)
    assert bench.step(back, 1) is None


def test_a_group_opens_again_when_its_step_has_been_evaluated(bench) -> None:
    session = bench.in_unroll()
    bench.step(session, 1)
    batch = bench.core.take()
    bench.core.close(session)

    with pytest.raises(WouldBlock, match="steps in evaluation"):
        bench.open()
    answers = bench.finish(batch)
    back, opened = bench.open()

    assert answers == []
    assert opened.last_sequence == 1
    bench.core.begin_unroll(back, None)
    np.testing.assert_array_equal(bench.step(back, 1), np.ones((3, 2), np.float32))


def test_another_start_of_the_fleet_forgets_the_group(bench) -> None:
    session = bench.in_unroll()
    answered(bench, session, 1)
    bench.core.close(session)

    back, opened = bench.open(num_starts=2)
    bench.core.begin_unroll(back, None)

    assert opened.last_sequence == 0
    answered(bench, back, 1)
    assert back.group.states[0, 0] == 1.0


def test_a_group_is_its_client_s_own(bench, make_lanes) -> None:
    mine = bench.in_unroll()
    answered(bench, mine, 1)

    # Another client by the same name for its group neither ends the stream nor is told what was answered.
    assert bench.core.older(make_lanes(), "stranger") is None
    theirs, opened = bench.core.open(make_lanes(), "stranger")
    assert opened.last_sequence == 0
    bench.core.begin_unroll(theirs, None)
    bench.step(theirs, 1, value=5.0)
    bench.step(mine, 2, value=2.0)

    answers = [float(rows[0, 0]) for _, _, rows in bench.run()]
    assert sorted(answers) == [2.0, 5.0]
    assert (mine.group.last_sequence, theirs.group.last_sequence) == (2, 1)


def test_an_answer_for_an_earlier_start_reaches_nobody(bench) -> None:
    session = bench.in_unroll()
    bench.step(session, 1)
    batch = bench.core.take()
    bench.core.close(session)
    back, _ = bench.open(num_starts=2)

    assert bench.finish(batch) == []
    assert back.group.last_sequence == 0


def test_a_service_that_knows_nothing_takes_any_sequence(bench) -> None:
    session = bench.in_unroll()

    answered(bench, session, 41)

    with pytest.raises(InvalidArgumentError, match=r"step.sequence: got 43, allowed: 41 or 42"):
        bench.step(session, 43)


@pytest.mark.parametrize("sequence", [0, 1, 4])
def test_a_step_out_of_turn_is_refused(bench, sequence) -> None:
    session = bench.in_unroll()
    answered(bench, session, 1)
    answered(bench, session, 2)

    with pytest.raises(InvalidArgumentError, match=rf"step.sequence: got {sequence}"):
        bench.step(session, sequence)


def test_a_second_step_before_the_answer_is_refused(bench) -> None:
    session = bench.in_unroll()
    bench.step(session, 1)

    with pytest.raises(FailedPreconditionError, match="step 2 came before the answer to the step that is out"):
        bench.step(session, 2)
    with pytest.raises(FailedPreconditionError, match="begin_unroll came before the answer"):
        bench.core.begin_unroll(session, None)


def test_a_step_before_an_unroll_is_refused(bench) -> None:
    session, _ = bench.open()

    with pytest.raises(FailedPreconditionError, match="step 1 came before begin_unroll"):
        bench.step(session, 1)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"run_id": "other"}, FailedPreconditionError, "run 'other' is not assigned here, 'run' is"),
        ({"shape": (2, 1)}, SchemaMismatchError, r"open.shape: got \[2, 1\], allowed: \[2\]"),
        ({"element_type": ElementType.UINT8}, SchemaMismatchError, "open.element_type: got 'uint8', allowed: float32"),
        ({"num_lanes": 101}, InvalidArgumentError, "open.num_lanes: got 101, allowed: 1 to 100"),
        ({"num_lanes": 60}, MessageTooLargeError, r"open.num_lanes: got '60 \(540 bytes\)', allowed: at most 500"),
        ({"num_lanes": 51}, MessageTooLargeError, r"got '51 \(408 bytes\)', allowed: at most 400 bytes an answer"),
    ],
)
def test_lanes_that_do_not_fit_are_refused_by_name(make_bench, changes, error, message) -> None:
    bench = make_bench(max_lanes=100, max_step_bytes=500, max_answer_bytes=400)

    with pytest.raises(error, match=message):
        bench.open(**changes)


def test_a_group_has_the_same_lanes_throughout_a_start(bench) -> None:
    session, _ = bench.open(num_lanes=3)
    bench.core.close(session)

    with pytest.raises(SchemaMismatchError, match=r"got '4 lanes of float32 \[2\]', allowed: 3 lanes"):
        bench.open(num_lanes=4)


def test_streams_have_a_bound_and_groups_without_one_are_forgotten_in_turn(make_bench) -> None:
    bench = make_bench(max_streams=2)
    bench.publish(1)
    for i in range(6):
        session = bench.in_unroll(f"g{i}")
        answered(bench, session, 5)
        bench.core.close(session)

    (_, oldest), (_, newest) = bench.open("g0"), bench.open("g5")

    # Twice as many groups as streams are remembered.
    assert (oldest.last_sequence, newest.last_sequence) == (0, 5)
    with pytest.raises(ResourceExhaustedError, match="2 inference streams are open, at most 2"):
        bench.open("g9")


def gru(seed=0):
    network = network_for(
        "external", Layers((8,), recurrent=5), ObservationSpace((2,)), ActionSpace("discrete", num_actions=2)
    )
    return RecurrentForward(network, "policy", network.init(np.random.default_rng(seed)))


def test_a_recurrent_policy_sees_each_lane_s_own_episode(make_bench) -> None:
    bench = make_bench(max_batch_size=64)
    bench.core.add(Policy(ParameterVersion(1, 1), gru(), np.empty(0, np.float32)))
    rng = np.random.default_rng(1)
    observations = rng.normal(size=(6, 2, 3, 2)).astype(np.float32)
    begins = rng.random((6, 2, 3)) < 0.3
    sessions = [bench.in_unroll(name, 3) for name in ("a", "b")]
    reference, states = gru(), np.zeros((2, 3, 5), np.float32)

    for t in range(6):
        for i, session in enumerate(sessions):
            if t == 3:
                bench.core.close(session)
                session = sessions[i] = bench.in_unroll("ab"[i], 3)
            bench.core.step(session, _step(t + 1, observations[t, i], begins[t, i]))
        answers = {name: rows for name, _, rows in bench.run()}
        for i in range(2):
            fresh = np.where(begins[t, i][:, None], np.float32(0.0), states[i])
            outputs, states[i] = reference(observations[t, i], fresh)
            np.testing.assert_allclose(answers["ab"[i]], outputs, atol=1e-6)
        # Asked again, nothing moves on.
        assert bench.core.step(sessions[0], _step(t + 1, observations[t, 0], begins[t, 0])) is not None

    np.testing.assert_allclose(sessions[0].group.states, states[0], atol=1e-6)


def _step(sequence, observations, begins):
    from heronry.types.inference import InferenceStep

    return InferenceStep(sequence, observations, begins)
