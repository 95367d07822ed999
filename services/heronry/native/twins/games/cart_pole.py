"""CartPole-v1 of Gymnasium. Source: Barto, Sutton and Anderson 1983; Florian 2005 for the equations."""

import math
from collections.abc import Mapping

import numpy as np

from heronry.native.arrays import Array, Bytes, Flags, Indices
from heronry.native.twins.games.canvas import Canvas
from heronry.native.twins.games.info import PRECISION, GameInfo, Option
from heronry.native.twins.games.lane_game import LaneGame, angle


class CartPole(LaneGame):
    """Balance a pole on a cart by pushes from left and right."""

    info = GameInfo(
        name="CartPole-v1",
        observation_shape=(4,),
        num_actions=2,
        time_limit=500,
        state_fields=("position", "velocity", "angle", "angular_velocity", "steps"),
        options={"sutton_barto_reward": Option(default=False), "precision": PRECISION},
    )

    def prepare(self, options: Mapping[str, float]) -> None:
        """Choose the rewards."""
        super().prepare(options)
        self._upright, self._fallen = (0, -1) if options["sutton_barto_reward"] else (1, 1)

    def begin_games(self, which: Indices) -> None:
        """Stand all but still, all but upright."""
        for field in self.fields:
            field[which] = self.draw_uniforms(which, -0.05, 0.05)

    def step_games(self, actions: Array) -> tuple[Array, Flags]:
        """Integrate by Euler's method."""
        real = self.real
        gravity, pole_mass, total_mass, length = real(9.8), real(0.1), real(0.1 + 1.0), real(0.5)
        pole_moment, tau, third = real(0.1 * 0.5), real(0.02), real(4.0 / 3.0)
        x, v, theta, omega = self.fields
        sine, cosine = angle(theta)
        force = np.where(actions == 1, real(10), real(-10))
        push = (force + pole_moment * (omega * omega) * sine) / total_mass
        turn = (gravity * sine - cosine * push) / (length * (third - pole_mass * (cosine * cosine) / total_mass))
        pull = push - pole_moment * turn * cosine / total_mass
        self.fields = np.stack([x + tau * v, v + tau * pull, theta + tau * omega, omega + tau * turn])
        over = (np.abs(self.fields[0]) > real(2.4)) | (np.abs(self.fields[2]) > real(12 * 2 * math.pi / 360))
        return np.where(over, self._fallen, self._upright), over

    def observe_games(self, which: Indices) -> Array:
        """Show all."""
        return self.fields[:, which].T.astype(np.float32)

    def draw_game(self, index: int, frame: Bytes) -> None:
        """Paint cart, pole and track."""
        x, theta = 200.0 + 75.0 * float(self.fields[0, index]), float(self.fields[2, index])
        canvas = Canvas(frame)
        canvas.fill((247, 246, 242))
        canvas.box((0.0, 233.0), (400.0, 235.0), (150, 150, 150))
        canvas.box((x - 32.0, 208.0), (x + 32.0, 233.0), (52, 73, 94))
        canvas.line((x, 210.0), (x + 140.0 * math.sin(theta), 210.0 - 140.0 * math.cos(theta)), 5.0, (211, 122, 62))
        canvas.disc((x, 210.0), 4.0, (247, 246, 242))
