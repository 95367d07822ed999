"""MountainCar-v0 of Gymnasium. Source: Moore 1990."""

from collections.abc import Mapping

import numpy as np

from heronry.native.arrays import Array, Bytes, Flags, Indices
from heronry.native.twins.games.info import PRECISION, GameInfo, Option
from heronry.native.twins.games.lane_game import LaneGame, angle, clipped
from heronry.native.twins.games.mountain import draw_mountain

_GOAL = 0.5


class MountainCar(LaneGame):
    """Swing a weak car out of a valley: left, coast or right."""

    info = GameInfo(
        name="MountainCar-v0",
        observation_shape=(2,),
        num_actions=3,
        time_limit=200,
        state_fields=("position", "velocity", "steps"),
        options={"goal_velocity": Option(0.0), "precision": PRECISION},
    )

    def prepare(self, options: Mapping[str, float]) -> None:
        """Read how fast the car must be at the goal."""
        super().prepare(options)
        self._goal_velocity = self.real(options["goal_velocity"])

    def begin_games(self, which: Indices) -> None:
        """Stand in the valley."""
        self.fields[0, which] = self.draw_uniforms(which, -0.6, -0.4)
        self.fields[1, which] = 0

    def step_games(self, actions: Array) -> tuple[Array, Flags]:
        """Push, roll, stop at the wall on the left."""
        real, (position, velocity) = self.real, self.fields
        _, cosine = angle(real(3) * position)
        pull = (actions.astype(real) - real(1)) * real(0.001) + cosine * real(-0.0025)
        velocity = clipped(velocity + pull, -0.07, 0.07)
        position = clipped(position + velocity, -1.2, 0.6)
        velocity = np.where((position == real(-1.2)) & (velocity < 0), real(0), velocity)
        self.fields = np.stack([position, velocity])
        over = (position >= real(_GOAL)) & (velocity >= self._goal_velocity)
        return np.full(self.num_games, -1, np.float32), over

    def observe_games(self, which: Indices) -> Array:
        """Show all."""
        return self.fields[:, which].T.astype(np.float32)

    def draw_game(self, index: int, frame: Bytes) -> None:
        """Paint hill, flag and car."""
        draw_mountain(float(self.fields[0, index]), _GOAL, frame)
