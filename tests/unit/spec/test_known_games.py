"""What is refused before anything starts, because our own games are known."""

from typing import Any

import pytest

from heronry.native.games import GAMES
from heronry.spec import RunSpec, check_network
from heronry.types.errors import InvalidArgumentError

BREAKOUT, POLE, PENDULUM = ({"id": name} for name in ("MinAtar/Breakout-v1", "CartPole-v1", "Pendulum-v1"))


def spec(environment: dict[str, Any], **sections: Any) -> RunSpec:
    return RunSpec.from_dict({"environment": environment, **sections})


def convolution(**values: int) -> dict[str, Any]:
    return {"convolution": [{"channels": 4, **values}]}


@pytest.mark.parametrize(
    ("environment", "sections", "field", "allowed"),
    [
        (BREAKOUT, {"network": convolution(kernel=11)}, "network.convolution.kernel", r"at most 10 for a picture"),
        (POLE, {"network": convolution()}, "network.convolution", r"none, for observations are \[4\]"),
        ({**POLE, "engine": "native"}, {"network": convolution()}, "network.convolution", "none"),
        (PENDULUM, {"algorithm": {"name": "dqn"}}, "algorithm.name", "ppo, for the environment's actions are cont"),
    ],
)
def test_a_network_that_does_not_fit_a_game_is_refused_by_field(
    environment: dict[str, Any], sections: dict[str, Any], field: str, allowed: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=allowed) as caught:
        check_network(spec(environment, **sections))

    assert caught.value.details["field"] == field


@pytest.mark.parametrize(
    ("environment", "sections"),
    [
        (BREAKOUT, {"network": convolution(kernel=10)}),
        ({"id": "my_task:Env"}, {"network": convolution(kernel=64)}),
        ({**POLE, "engine": "gymnasium"}, {"network": convolution()}),
        ({**POLE, "wrappers": [{"factory": "my_task:as_pictures"}]}, {"network": convolution()}),
    ],
)
def test_what_fits_and_what_only_a_fleet_can_know_is_let_through(
    environment: dict[str, Any], sections: dict[str, Any]
) -> None:
    check_network(spec(environment, **sections))


@pytest.mark.parametrize("name", sorted(GAMES))
def test_the_usual_network_fits_every_game(name: str) -> None:
    check_network(spec({"id": name}))
