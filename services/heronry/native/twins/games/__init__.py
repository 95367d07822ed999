"""NumPy twins of the native games."""

from collections.abc import Mapping

from heronry.native.twins.games.acrobot import Acrobot
from heronry.native.twins.games.cart_pole import CartPole
from heronry.native.twins.games.connect_four import ConnectFour
from heronry.native.twins.games.grid_world import GridWorld
from heronry.native.twins.games.hosted import HostedGame
from heronry.native.twins.games.info import GameInfo
from heronry.native.twins.games.minatar_twins import MINATAR_TWINS
from heronry.native.twins.games.mountain_car import MountainCar
from heronry.native.twins.games.mountain_car_continuous import MountainCarContinuous
from heronry.native.twins.games.pendulum import Pendulum

GAME_TWINS: tuple[type[HostedGame], ...] = (
    CartPole,
    MountainCar,
    MountainCarContinuous,
    Pendulum,
    Acrobot,
    *MINATAR_TWINS,
    GridWorld,
    ConnectFour,
)

__all__ = ["GAME_TWINS", "GameInfo", "HostedGame", "make_game"]


def make_game(name: str, num_lanes: int, options: Mapping[str, float], num_threads: int) -> HostedGame:
    """Return a game; threads are for the native one.

    Raises:
      IndexError: no such game.
      ValueError: no lanes or threads, or lanes that are no whole games.
    """
    if num_lanes <= 0 or num_threads <= 0:
        raise ValueError("no lanes or no threads")
    for twin in GAME_TWINS:
        if twin.info.name == name:
            if num_lanes % twin.info.lanes_per_game:
                raise ValueError("lanes that are no whole games")
            return twin(num_lanes, options)
    raise IndexError("no game of that name")
