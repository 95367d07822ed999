"""Figures of a run, summed over services and their restarts."""

from hypothesis import given
from hypothesis import strategies as st

from heronry.coordinator.core.progress import Progress


def test_steps_of_a_restarted_fleet_add_to_those_of_its_former_life() -> None:
    progress = Progress()
    progress.report("fleet-0", 1, {"env_steps": 100.0}, None)
    progress.report("fleet-1", 1, {"env_steps": 10.0}, None)

    progress.report("fleet-0", 2, {"env_steps": 7.0}, None)

    assert progress.total("env_steps") == 117


def test_a_count_that_falls_within_one_life_began_anew() -> None:
    progress = Progress()
    progress.report("fleet-0", 1, {"env_steps": 100.0}, None)
    progress.report("fleet-0", 1, {"env_steps": 5.0}, None)

    assert progress.total("env_steps") == 105


def test_a_late_report_of_a_former_life_is_ignored() -> None:
    progress = Progress()
    progress.report("fleet-0", 2, {"env_steps": 50.0}, None)
    progress.report("fleet-0", 1, {"env_steps": 99.0}, None)

    assert progress.total("env_steps") == 50


def test_updates_are_the_learners_own_total_and_never_fall() -> None:
    progress = Progress()
    for incarnation, updates in ((1, 40.0), (2, 0.0), (2, 35.0)):
        progress.report("learner-0", incarnation, {"updates": updates}, None)

    assert progress.total("updates") == 40


def test_gauges_are_means_over_the_living() -> None:
    progress = Progress()
    progress.report("fleet-0", 1, {"mean_return": 10.0}, None)
    progress.report("fleet-1", 1, {"mean_return": 30.0}, None)
    assert progress.gauge("mean_return") == 20.0

    progress.forget("fleet-1")

    assert progress.gauge("mean_return") == 10.0
    assert progress.gauge("nothing") is None


def test_the_first_step_is_the_earliest_of_all_fleets() -> None:
    progress = Progress()
    for time_s in (None, 12.0, 11.0, 13.0):
        progress.report("fleet-0", 1, {}, time_s)

    assert progress.first_step_time_s == 11.0


reports = st.lists(
    st.tuples(st.sampled_from(["fleet-0", "fleet-1"]), st.integers(1, 3), st.integers(0, 1000).map(float)), max_size=40
)


@given(reports, st.integers(0, 40))
def test_totals_never_fall_not_even_over_a_restart_of_the_coordinator(
    sent: list[tuple[str, int, float]], restart_at: int
) -> None:
    progress = Progress()
    totals = [0]
    for index, (instance, incarnation, count) in enumerate(sent):
        if index == restart_at:
            progress = Progress(progress.state())
        progress.report(instance, incarnation, {"env_steps": count}, None)
        totals.append(progress.total("env_steps"))

    assert totals == sorted(totals)
