"""The supervisor's restart policy."""

import pytest

from heronry.launch.restart_policy import RestartPolicy


def test_the_delay_doubles_with_each_early_death_up_to_its_maximum() -> None:
    policy = RestartPolicy(first_delay_s=0.1, max_delay_s=1.0)

    delays = [policy.delay_s(n) for n in (1, 2, 3, 4, 5, 50)]

    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_a_death_after_a_healthy_life_waits_only_the_first_delay() -> None:
    policy = RestartPolicy(first_delay_s=0.25)

    assert policy.delay_s(0) == 0.25


@pytest.mark.parametrize(("deaths", "gives_up"), [(0, False), (4, False), (5, True), (6, True)])
def test_it_gives_up_after_too_many_early_deaths_in_a_row(deaths: int, gives_up: bool) -> None:
    assert RestartPolicy(max_early_deaths=5).gives_up(deaths) is gives_up
