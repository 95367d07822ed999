"""Many CartPoles of different build, stepped together in NumPy."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MAX_STEPS = 500
_STEP_S, _START = 0.02, 0.05
_MAX_POSITION, _MAX_ANGLE = 2.4, 12 * 2 * np.pi / 360


@dataclass(frozen=True)
class Variants:
    """How each of a batch of CartPoles is built: one row each, [B]."""

    gravity: Floats
    cart_mass: Floats
    pole_mass: Floats
    half_length: Floats
    force: Floats

    @classmethod
    def standard(cls, num: int) -> Self:
        """Return `num` rows of the build that Gymnasium's CartPole-v1 has."""
        return cls(**{name: np.full(num, value) for name, value in STANDARD.items()})

    @classmethod
    def drawn(cls, rngs: list[np.random.Generator]) -> Self:
        """Draw one build from each generator, every constant uniformly from its range."""
        shares = np.stack([rng.uniform(-1, 1, len(STANDARD)) for rng in rngs], axis=1)
        rows = zip(STANDARD.items(), shares, strict=True)
        return cls(**{name: value * (1 + SPREAD[name] * share) for (name, value), share in rows})

    def rows(self, index: npt.NDArray[np.intp]) -> "Variants":
        """Return the builds of these rows, in this order; a row may come often."""
        return Variants(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.gravity)


STANDARD = {"gravity": 9.8, "cart_mass": 1.0, "pole_mass": 0.1, "half_length": 0.5, "force": 10.0}
# A build's constants lie within these shares of the standard ones.
SPREAD = {"gravity": 0.2, "cart_mass": 0.3, "pole_mass": 0.5, "half_length": 0.5, "force": 0.4}


def start_state(rng: np.random.Generator, num: int) -> Floats:
    """Return [4, num] states to begin from: position, velocity, angle, angular velocity."""
    return rng.uniform(-_START, _START, (4, num))


def step(variants: Variants, state: Floats, pushes_right: Bools) -> Floats:
    """Return the states [4, B] one step later (Gymnasium's CartPole-v1, Euler)."""
    position, velocity, angle, spin = state
    sine, cosine = np.sin(angle), np.cos(angle)
    mass = variants.cart_mass + variants.pole_mass
    lever = variants.pole_mass * variants.half_length
    push = (np.where(pushes_right, variants.force, -variants.force) + lever * np.square(spin) * sine) / mass
    inertia = variants.half_length * (4.0 / 3.0 - variants.pole_mass * np.square(cosine) / mass)
    spin_up = (variants.gravity * sine - cosine * push) / inertia
    speed_up = push - lever * spin_up * cosine / mass
    return np.stack(
        [
            position + _STEP_S * velocity,
            velocity + _STEP_S * speed_up,
            angle + _STEP_S * spin,
            spin + _STEP_S * spin_up,
        ]
    )


def has_fallen(state: Floats) -> Bools:
    """Tell of each state whether the cart left its track or the pole its cone."""
    is_off_track: Bools = np.abs(state[0]) > _MAX_POSITION
    is_tilted: Bools = np.abs(state[2]) > _MAX_ANGLE
    return is_off_track | is_tilted
