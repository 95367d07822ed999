"""Games whose lane is a few reals: the same operations in the same order as the native ones, so the same bits."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from heronry.native.arrays import Flags, Indices, Reals
from heronry.native.twins.games.hosted import HostedGame

RealLanes = npt.NDArray[np.floating[Any]]

_QUARTER_TURN_PARTS: Final = (1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8)


class LaneGame(HostedGame):
    """Keeps the lanes field by field in the precision asked for; games fill in their rules."""

    real: type[np.floating[Any]]
    fields: RealLanes

    def prepare(self, options: Mapping[str, float]) -> None:
        """Make the fields."""
        self.real = np.float64 if options["precision"] == 64 else np.float32
        self.fields = np.zeros((len(self.info.state_fields) - 1, self.num_games), self.real)

    def save_games(self) -> Reals:
        """Return the fields, lane by lane."""
        return self.fields.T.astype(np.float64)

    def load_games(self, states: Reals) -> None:
        """Take over fields."""
        self.fields[:] = states.T

    def draw_uniforms(self, which: Indices, low: float, high: float) -> RealLanes:
        """Return a number of [low, high) for each lane, in the game's precision."""
        return self.random.uniforms(which, low, high).astype(self.real)


def angle(x: RealLanes) -> tuple[RealLanes, RealLanes]:
    """Return sine and cosine: for float32 the native polynomials, for float64 the library's."""
    if x.dtype == np.float64:
        return np.sin(x), np.cos(x)
    real = np.float32
    shifted = x * real(0.636619772367581343) + real(12582912.0)
    quarter = shifted.view(np.int32)
    turns = shifted - real(12582912.0)
    r = x
    for part in _QUARTER_TURN_PARTS:
        r = r - turns * real(part)
    z = r * r
    s = r + r * (z * ((real(-1.9515295891e-4) * z + real(8.3321608736e-3)) * z - real(1.6666654611e-1)))
    inner = (real(2.443315711809948e-5) * z - real(1.388731625493765e-3)) * z + real(4.166664568298827e-2)
    c = (real(1.0) - real(0.5) * z) + z * z * inner
    swap = (quarter & 1) != 0
    return (
        _with_sign(np.where(swap, c, s), (quarter & 2) != 0),
        _with_sign(np.where(swap, s, c), ((quarter + 1) & 2) != 0),
    )


def python_square(x: RealLanes) -> RealLanes:
    """Return what `x ** 2` is for one number: of float64 the library's power, now and then an ulp off the product."""
    if x.dtype == np.float32:
        return x * x
    return np.array([value**2 for value in x], np.float64)


def wrapped(x: RealLanes) -> RealLanes:
    """Return the angle between minus and plus half a turn; of float64 as Python's remainder has it."""
    if x.dtype == np.float64:
        return (x + math.pi) % (2.0 * math.pi) - math.pi
    real = np.float32
    turns = (x * real(0.159154943091895336) + real(12582912.0)) - real(12582912.0)
    for part in _QUARTER_TURN_PARTS:
        x = x - turns * real(4.0 * part)
    return x


def clipped(value: RealLanes, low: float, high: float) -> RealLanes:
    """Return the values held within the bounds."""
    return np.minimum(np.maximum(value, value.dtype.type(low)), value.dtype.type(high))


def _with_sign(value: RealLanes, is_negative: Flags) -> RealLanes:
    return np.where(is_negative, -value, value)
