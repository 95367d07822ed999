"""When to evaluate, on which seeds, and when the target is reached."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from heronry.coordinator.core.evaluation_plan import EvaluationPlan, Verdict
from heronry.spec import EvaluationSettings
from heronry.types.version import ParameterVersion

GOOD, BAD = [500.0] * 10, [100.0] * 10


def version(number: int, epoch: int = 1) -> ParameterVersion:
    return ParameterVersion(epoch, number, bytes([epoch, number % 256]))


def plan(target: float | None = 475.0, seed: int = 0, **settings: float) -> EvaluationPlan:
    return EvaluationPlan(EvaluationSettings(every_updates=8, **settings), target, seed)


def record(made: EvaluationPlan, number: int, returns: Sequence[float]) -> Verdict:
    return made.record(version(number), returns, env_steps=number * 256, now_s=float(number))


def test_a_candidate_is_due_every_few_versions_and_at_once_in_a_new_epoch() -> None:
    made = plan()
    assert not made.wants(version(7), 0.0)
    assert made.wants(version(8), 0.0)

    record(made, 8, BAD)

    assert not made.wants(version(15), 9.0)
    assert made.wants(version(16), 9.0)
    assert made.wants(version(3, epoch=2), 9.0)


def test_candidates_are_at_least_the_interval_apart() -> None:
    made = plan(min_interval_s=2.0)
    made.record(version(8), BAD, 0, now_s=10.0)

    assert not made.wants(version(99), 11.9)
    assert made.wants(version(99), 12.0)


def test_evaluations_take_no_more_than_their_share_of_the_time() -> None:
    made = plan(max_share=0.25)
    made.record(version(8), BAD, 0, now_s=10.0, took_s=1.0)

    # One second of playing, so three of rest.
    assert not made.wants(version(99), 12.9)
    assert made.wants(version(99), 13.0)


def test_the_target_is_reached_when_one_version_passes_often_enough_in_a_row() -> None:
    made = plan(passes=3)

    verdicts = [record(made, 8, GOOD) for _ in range(3)]

    assert verdicts == [Verdict.CONFIRM, Verdict.CONFIRM, Verdict.REACHED]
    assert made.has_reached_target
    assert made.best is not None
    assert (made.best.version, made.best.num_episodes) == (version(8), 30)


def test_a_failed_confirmation_starts_over_with_the_next_candidate() -> None:
    made = plan(passes=2)

    assert record(made, 8, GOOD) is Verdict.CONFIRM
    assert record(made, 8, BAD) is Verdict.GO_ON
    assert record(made, 16, GOOD) is Verdict.CONFIRM
    assert not made.has_reached_target


def test_passes_of_different_versions_do_not_add_up() -> None:
    made = plan(passes=2)

    assert record(made, 8, GOOD) is Verdict.CONFIRM
    assert record(made, 16, GOOD) is Verdict.CONFIRM


def test_a_pass_must_beat_the_target_by_the_margin() -> None:
    assert record(plan(margin=10.0, passes=1), 8, [484.0] * 10) is Verdict.GO_ON
    assert record(plan(margin=10.0, passes=1), 8, [485.0] * 10) is Verdict.REACHED


def test_without_a_target_the_best_is_kept_and_nothing_is_reached() -> None:
    made = plan(target=None)

    verdicts = [record(made, number, [mean] * 4) for number, mean in ((8, 10.0), (16, 30.0), (24, 20.0))]

    assert set(verdicts) == {Verdict.GO_ON}
    assert made.best is not None
    assert made.best.version == version(16)


def test_mean_and_deviation_are_over_all_episodes_of_a_version() -> None:
    made = plan(passes=2, target=0.0)
    record(made, 8, [1.0, 3.0])
    record(made, 8, [5.0, 7.0])

    assert made.best is not None
    # Mean 4, squares 9 + 1 + 1 + 9 over 4.
    assert made.best.mean_return == 4.0
    assert abs(made.best.sd_return - 5.0**0.5) < 1e-12


def test_a_candidate_that_was_not_confirmed_in_time_can_still_be_the_best() -> None:
    made = plan(passes=2)
    record(made, 8, BAD)
    record(made, 16, GOOD)

    assert made.best is not None
    assert made.best.version == version(8)
    assert made.settle()
    assert made.best.version == version(16)


@given(st.integers(0, 2**31 - 1), st.integers(1, 300), st.integers(1, 50), st.integers(1, 50))
def test_seeds_of_selection_and_judging_never_meet_and_fit_32_bits(
    seed: int, selections: int, judgings: int, episodes: int
) -> None:
    made = plan(seed=seed)
    chosen = [made.selection_seed() for _ in range(selections)]
    judged = [made.judging_seed() for _ in range(judgings)]

    used = [s + i for s in (*chosen, *judged) for i in (0, episodes - 1, 9_999)]
    assert len({s // 10_000 for s in (*chosen, *judged)}) == selections + judgings
    assert max(chosen) < min(judged)
    assert 0 <= min(used) <= max(used) < 2**32


def test_seeds_go_on_after_a_restart_of_the_coordinator() -> None:
    first = plan()
    used = [first.selection_seed(), first.selection_seed(), first.judging_seed()]
    record(first, 8, GOOD)
    record(first, 8, GOOD)

    second = EvaluationPlan(EvaluationSettings(), 475.0, 0, first.state())

    assert second.selection_seed() not in used
    assert second.judging_seed() not in used
    assert second.has_reached_target
    assert second.best == first.best


def test_passes_count_for_the_values_and_neither_for_the_epoch_nor_for_the_number() -> None:
    restored, moved, other = plan(), plan(), plan()
    first, values = ParameterVersion(1, 8, b"a" * 32), GOOD
    for made, again in [
        (restored, ParameterVersion(2, 8, b"a" * 32)),
        (moved, ParameterVersion(2, 8, b"b" * 32)),
        (other, ParameterVersion(1, 8, b"b" * 32)),
    ]:
        made.record(first, values, 0, 1.0)
        made.record(again, values, 0, 2.0)

    assert [made.has_reached_target for made in (restored, moved, other)] == [True, False, False]


def test_a_best_version_that_is_gone_leaves_everything_to_be_selected_anew() -> None:
    made = plan()
    record(made, 8, GOOD)
    record(made, 8, GOOD)

    made.forget_best()

    assert made.best is None
    assert not made.has_reached_target
    assert not made.settle()
