"""MountainCarContinuous-v0 of Gymnasium, whose state is float32 after each step. Source: Moore 1990."""

from collections.abc import Mapping

import numpy as np

from heronry.native.arrays import Array, Bytes, Flags, Floats, Indices
from heronry.native.twins.games.info import PRECISION, GameInfo, Option
from heronry.native.twins.games.lane_game import LaneGame, RealLanes, angle, clipped
from heronry.native.twins.games.mountain import draw_mountain

_GOAL = 0.45


class MountainCarContinuous(LaneGame):
    """Swing a weak car out of a valley, sparing with force; both precisions keep float32 states."""

    info = GameInfo(
        name="MountainCarContinuous-v0",
        observation_shape=(2,),
        num_actions=0,
        action_low=(-1.0,),
        action_high=(1.0,),
        time_limit=999,
        state_fields=("position", "velocity", "steps"),
        options={"goal_velocity": Option(0.0), "precision": PRECISION},
    )

    def prepare(self, options: Mapping[str, float]) -> None:
        """Read how fast the car must be at the goal."""
        super().prepare(options)
        self._goal_velocity = np.float32(options["goal_velocity"])

    def begin_games(self, which: Indices) -> None:
        """Stand in the valley."""
        self.fields[0, which] = self.random.uniforms(which, -0.6, -0.4).astype(np.float32)
        self.fields[1, which] = 0

    def step_games(self, actions: Array) -> tuple[Array, Flags]:
        """Push, roll, stop at the wall on the left; the action as given, before it is clipped, has its price."""
        real, given = self.real, actions[:, 0].astype(np.float32)
        position, velocity = self.fields.astype(np.float32)
        velocity = clipped(velocity + self._pull(position, given), -0.07, 0.07)
        position = clipped(position + velocity, -1.2, 0.6)
        velocity = np.where((position == np.float32(-1.2)) & (velocity < 0), np.float32(0), velocity)
        over = (position >= np.float32(_GOAL)) & (velocity >= self._goal_velocity)
        self.fields = np.stack([position, velocity]).astype(real)
        price = given.astype(real)
        return np.where(over, real(100), real(0)) - price * price * real(0.1), over

    def observe_games(self, which: Indices) -> Array:
        """Show all."""
        return self.fields[:, which].T.astype(np.float32)

    def draw_game(self, index: int, frame: Bytes) -> None:
        """Paint hill, flag and car."""
        draw_mountain(float(self.fields[0, index]), _GOAL, frame)

    def _pull(self, position: RealLanes, action: Floats) -> RealLanes:
        """Return by how much the velocity changes, in float32."""
        single, force = np.float32, np.clip(action, np.float32(-1), np.float32(1))
        if self.real == np.float32:
            return force * single(0.0015) - single(0.0025) * angle(single(3) * position)[1]
        slope = 0.0025 * np.cos((single(3) * position).astype(np.float64))
        # A force at its bound is a Python float there: the difference is rounded to float32 once, not twice.
        at_bound = (force.astype(np.float64) * 0.0015 - slope).astype(np.float32)
        return np.where(force != action, at_bound, force * single(0.0015) - slope.astype(np.float32))
