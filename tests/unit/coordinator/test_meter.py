"""Steps, time and CPU time of one moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.coordinator.core.meter import CpuClock, Meter


def test_cpu_time_is_carried_to_the_moment_at_the_last_pace_and_no_further_than_a_heartbeat() -> None:
    clock = CpuClock()
    clock.report(10.0, 4.0)
    clock.report(10.5, 4.4)

    assert [clock.at(t) for t in (10.5, 10.75, 11.0, 20.0)] == pytest.approx([4.4, 4.6, 4.8, 4.8])


def test_the_cpu_time_of_a_process_that_died_stays_spent() -> None:
    clock = CpuClock()
    for time_s, cpu_s in [(1.0, 3.0), (2.0, 4.0), (3.0, 0.5), (4.0, 1.0)]:
        clock.report(time_s, cpu_s)

    assert clock.at(4.0) == pytest.approx(4.0 + 1.0)
    assert clock.at(4.5) == pytest.approx(4.0 + 1.25)


def test_a_mark_is_made_when_steps_are_counted_and_at_no_other_moment() -> None:
    meter = Meter()
    meter.count(1.0, 100, 0)
    first = meter.newest
    meter.spend("learner-0", 1.2, 0.5)
    meter.count(1.3, 100, 4)

    assert meter.newest is first
    assert meter.first_update is None

    meter.count(1.5, 200, 4)
    assert meter.first_update is meter.newest
    assert meter.newest is not None
    assert (meter.newest.time_s, meter.newest.env_steps) == (1.5, 200)


def test_the_first_update_of_a_run_that_goes_on_is_one_that_it_makes_now() -> None:
    meter = Meter(num_updates_before=20)

    meter.count(1.0, 100, 20)
    assert meter.first_update is None
    meter.count(2.0, 200, 21)
    assert meter.first_update is not None


@given(
    rate=st.floats(1e3, 2e4),
    pace=st.floats(0.1, 2.0),
    phases=st.tuples(st.floats(0.0, 0.49), st.floats(0.0, 0.49), st.floats(0.0, 0.49)),
    end_s=st.floats(2.0, 4.0),
)
def test_the_rates_of_a_short_run_are_true_whatever_the_phases_of_its_heartbeats(
    rate: float, pace: float, phases: tuple[float, float, float], end_s: float
) -> None:
    fleet, learner, other = phases
    beats = sorted((phase + 0.5 * i, who) for who, phase in enumerate((fleet, learner, other)) for i in range(10))
    meter = Meter()
    steps = updates = 0
    for time_s, who in [(t, w) for t, w in beats if t < end_s] + [(end_s, 0)]:
        meter.spend(f"service-{who}", time_s, pace * time_s)
        steps = int(rate * time_s) if who == 0 else steps
        updates = int(10 * time_s) if who == 1 else updates
        meter.count(time_s, steps, updates)

    first, last = meter.first_update, meter.newest
    assert first is not None
    assert last is not None
    seconds = last.time_s - first.time_s
    assert (last.env_steps - first.env_steps) / seconds == pytest.approx(rate, abs=2 / seconds)
    assert (last.cpu_s - first.cpu_s) / seconds == pytest.approx(3 * pace, rel=0.35)


def test_services_of_one_process_spend_its_cpu_time_once_even_when_their_reports_overtake_each_other() -> None:
    meter = Meter()
    for instance, time_s, cpu_s in [("params-0", 1.0, 3.0), ("fleet-0", 1.1, 3.5), ("learner-0", 1.2, 3.4)]:
        meter.spend(instance, time_s, cpu_s, "host:7:1")
    meter.spend("fleet-1", 1.2, 1.0, "host:8:1")
    meter.count(1.2, 100, 1)

    assert meter.newest is not None
    assert 4.5 <= meter.newest.cpu_s <= 5.1
