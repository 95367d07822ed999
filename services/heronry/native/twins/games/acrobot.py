"""Acrobot-v1 of Gymnasium, the book's equations. Source: Sutton 1996; Sutton and Barto 2018."""

import math

import numpy as np

from heronry.native.arrays import Array, Bytes, Flags, Indices
from heronry.native.twins.games.canvas import Canvas
from heronry.native.twins.games.info import PRECISION, GameInfo
from heronry.native.twins.games.lane_game import LaneGame, RealLanes, angle, clipped, python_square, wrapped


class Acrobot(LaneGame):
    """Swing the tip of two links above a line by torque at the joint between them."""

    info = GameInfo(
        name="Acrobot-v1",
        observation_shape=(6,),
        num_actions=3,
        time_limit=500,
        state_fields=("angle_1", "angle_2", "angular_velocity_1", "angular_velocity_2", "steps"),
        options={"precision": PRECISION},
    )

    def begin_games(self, which: Indices) -> None:
        """Hang all but still."""
        for field in self.fields:
            field[which] = self.random.uniforms(which, -0.1, 0.1).astype(np.float32)

    def step_games(self, actions: Array) -> tuple[Array, Flags]:
        """Integrate by the method of Runge and Kutta."""
        real, state = self.real, self.fields
        torque = actions.astype(real) - real(1)
        k1 = _slope(state, torque)
        k2 = _slope(state + real(0.1) * k1, torque)
        k3 = _slope(state + real(0.1) * k2, torque)
        k4 = _slope(state + real(0.2) * k3, torque)
        state = state + real(0.2 / 6.0) * (k1 + real(2) * k2 + real(2) * k3 + k4)
        self.fields = np.stack(
            [
                _unwound(state[0]),
                _unwound(state[1]),
                clipped(state[2], -4 * math.pi, 4 * math.pi),
                clipped(state[3], -9 * math.pi, 9 * math.pi),
            ]
        )
        over = -angle(self.fields[0])[1] - angle(self.fields[1] + self.fields[0])[1] > real(1)
        return np.where(over, real(0), real(-1)), over

    def observe_games(self, which: Indices) -> Array:
        """Show the angles by cosine and sine, and the velocities."""
        sine1, cosine1 = angle(self.fields[0, which])
        sine2, cosine2 = angle(self.fields[1, which])
        return np.column_stack([cosine1, sine1, cosine2, sine2, *self.fields[2:, which]]).astype(np.float32)

    def draw_game(self, index: int, frame: Bytes) -> None:
        """Paint both links and the line."""
        first = float(self.fields[0, index])
        second = first + float(self.fields[1, index])
        joint = (200.0 + 62.0 * math.sin(first), 150.0 + 62.0 * math.cos(first))
        tip = (joint[0] + 62.0 * math.sin(second), joint[1] + 62.0 * math.cos(second))
        canvas = Canvas(frame)
        canvas.fill((247, 246, 242))
        canvas.box((0.0, 87.0), (400.0, 89.0), (182, 199, 170))
        canvas.line((200.0, 150.0), joint, 7.0, (86, 130, 163))
        canvas.line(joint, tip, 7.0, (86, 130, 163))
        canvas.disc((200.0, 150.0), 6.0, (211, 122, 62))
        canvas.disc(joint, 6.0, (211, 122, 62))


def _slope(state: RealLanes, torque: RealLanes) -> RealLanes:
    """Return velocities and accelerations, for links of unit mass and length and unit moments of inertia."""
    real, (theta1, theta2, omega1, omega2) = state.dtype.type, state
    sine, cosine = angle(theta2)
    square1, square2 = python_square(omega1), python_square(omega2)
    d1 = real(0.25) + (real(1.25) + cosine) + real(1) + real(1)
    d2 = (real(0.25) + real(0.5) * cosine) + real(1)
    phi2 = real(0.5 * 9.8) * _lagging_cosine(theta1 + theta2)
    phi1 = (
        real(-0.5) * square2 * sine - omega2 * omega1 * sine + real((0.5 + 1.0) * 9.8) * _lagging_cosine(theta1) + phi2
    )
    numerator = torque + d2 / d1 * phi1 - real(0.5) * square1 * sine - phi2
    acceleration2 = numerator / (real(1.25) - python_square(d2) / d1)
    return np.stack([omega1, omega2, -(d2 * acceleration2 + phi1) / d1, acceleration2])


def _lagging_cosine(x: RealLanes) -> RealLanes:
    """Return the cosine of the angle less a quarter turn: for float32 its sine, which saves a rounding."""
    return angle(x)[0] if x.dtype == np.float32 else np.cos(x - math.pi / 2.0)


def _unwound(x: RealLanes) -> RealLanes:
    """Return the angle between minus and plus half a turn, by whole turns."""
    if x.dtype == np.float32:
        return wrapped(x)
    while (above := x > math.pi).any():
        x = np.where(above, x - 2.0 * math.pi, x)
    while (below := x < -math.pi).any():
        x = np.where(below, x + 2.0 * math.pi, x)
    return x
