"""The models that are measured, and what is pushed to them."""

import numpy as np
import numpy.typing as npt

from heronry.types.consistency import BufferedAsynchronous
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.tensors import Array

_NUM_TENSORS = 8
_SCALE = np.float32(0.01)
_NUM_SAMPLES = 16
_ANY_STALENESS = 1_000_000
Floats = npt.NDArray[np.float32]


def tensors_of(num_floats: int) -> dict[str, Array]:
    """Return the first values of a model: zeros, in tensors of equal sizes."""
    if num_floats % _NUM_TENSORS:
        raise ValueError(f"num_floats: got {num_floats}, allowed: a multiple of {_NUM_TENSORS}")
    return {f"layer_{i}": np.zeros(num_floats // _NUM_TENSORS, np.float32) for i in range(_NUM_TENSORS)}


def contribution_of(num_floats: int, seed: int) -> Floats:
    """Return [P] float32, normal around 0."""
    values = np.random.default_rng(seed).standard_normal(num_floats, np.float32)
    values *= _SCALE
    return values


def settings_of(num_contributions: int, level: str = "memory", num_versions_kept: int = 2) -> ModelSettings:
    """Return the settings of a model that releases a version every `num_contributions`, of any staleness."""
    return ModelSettings(
        consistency=BufferedAsynchronous(num_contributions, _ANY_STALENESS),
        acknowledgement=AcknowledgementLevel(level),
        num_versions_kept=num_versions_kept,
    )


def samples_of(values: Floats) -> list[float]:
    """Return some of the values, the first and the last among them."""
    places = np.linspace(0, values.size - 1, _NUM_SAMPLES).astype(np.int64)
    return [float(value) for value in values[places]]
