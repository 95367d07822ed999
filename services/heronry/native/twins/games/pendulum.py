"""Pendulum-v1 of Gymnasium."""

import math
from collections.abc import Mapping

import numpy as np

from heronry.native.arrays import Array, Bytes, Flags, Indices
from heronry.native.twins.games.canvas import Canvas
from heronry.native.twins.games.info import PRECISION, GameInfo, Option
from heronry.native.twins.games.lane_game import LaneGame, angle, clipped, python_square, wrapped


class Pendulum(LaneGame):
    """Swing a rod up and keep it there; its angle is from upright and never wrapped."""

    info = GameInfo(
        name="Pendulum-v1",
        observation_shape=(3,),
        num_actions=0,
        action_low=(-2.0,),
        action_high=(2.0,),
        time_limit=200,
        state_fields=("angle", "angular_velocity", "steps"),
        options={"g": Option(10.0), "precision": PRECISION},
    )

    def prepare(self, options: Mapping[str, float]) -> None:
        """Read the gravity."""
        super().prepare(options)
        self._pull = self.real(3.0 * options["g"] / 2.0)

    def begin_games(self, which: Indices) -> None:
        """Hang or stand anywhere, slowly moving."""
        self.fields[0, which] = self.draw_uniforms(which, -math.pi, math.pi)
        self.fields[1, which] = self.draw_uniforms(which, -1.0, 1.0)

    def step_games(self, actions: Array) -> tuple[Array, Flags]:
        """Integrate; an episode ends by its time alone."""
        real, (theta, omega) = self.real, self.fields
        torque = clipped(actions[:, 0].astype(np.float32), -2.0, 2.0)
        price = (np.float32(0.001) * python_square(torque)).astype(real)
        cost = python_square(wrapped(theta)) + real(0.1) * python_square(omega) + price
        push = (np.float32(3.0) * torque).astype(real)
        velocity = clipped(omega + (self._pull * angle(theta)[0] + push) * real(0.05), -8, 8)
        self.fields = np.stack([theta + velocity * real(0.05), velocity])
        return -cost, np.zeros(self.num_games, np.bool_)

    def observe_games(self, which: Indices) -> Array:
        """Show where the rod's end is, and its velocity."""
        sine, cosine = angle(self.fields[0, which])
        return np.column_stack([cosine, sine, self.fields[1, which]]).astype(np.float32)

    def draw_game(self, index: int, frame: Bytes) -> None:
        """Paint the rod."""
        theta = float(self.fields[0, index])
        canvas = Canvas(frame)
        canvas.fill((247, 246, 242))
        end = (200.0 - 110.0 * math.sin(theta), 150.0 - 110.0 * math.cos(theta))
        canvas.line((200.0, 150.0), end, 11.0, (192, 85, 78))
        canvas.disc((200.0, 150.0), 5.0, (52, 73, 94))
