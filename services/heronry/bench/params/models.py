"""The models that are measured, and what is pushed to them."""

import numpy as np
import numpy.typing as npt

from heronry.types.consistency import BufferedAsynchronous
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.privacy import (
    BufferedFactorisation,
    CorrelatedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    Noise,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)
from heronry.types.tensors import Array

_NUM_TENSORS = 8
_SCALE = np.float32(0.01)
_NUM_SAMPLES = 16
_ANY_STALENESS = 1_000_000
NOISE_MULTIPLIER = 1.0
CLIPPING_NORM = 1.0
_HORIZON = 64
_EPSILON_LIMIT = 1e6
_DELTA = 1e-5
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


def settings_of(
    num_contributions: int, level: str = "memory", num_versions_kept: int = 2, noise: str = ""
) -> ModelSettings:
    """Return the settings of a model that releases a version every `num_contributions`, of any staleness.

    With `noise` it is a private one: `rounded`, `discrete`, or `buffers_N`, correlated in N vectors.
    """
    return ModelSettings(
        consistency=BufferedAsynchronous(num_contributions, _ANY_STALENESS),
        acknowledgement=AcknowledgementLevel(level),
        num_versions_kept=num_versions_kept,
        privacy=_privacy_of(noise, num_contributions) if noise else None,
    )


def _privacy_of(noise: str, population: int) -> PrivacySettings:
    """Return a claim that any number of rounds keeps, with the noise of a real one."""
    return PrivacySettings(
        unit=PrivacyUnit.CLIENT,
        relation=NeighbourRelation.ZERO_OUT_ONE,
        population=population,
        delta=_DELTA,
        epsilon_limit=_EPSILON_LIMIT,
        clip=FixedClip(CLIPPING_NORM),
        noise=_noise_of(noise),
    )


def _noise_of(noise: str) -> Noise:
    if noise == "rounded":
        return IndependentNoise(NOISE_MULTIPLIER, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False)
    if noise == "discrete":
        return IndependentNoise(NOISE_MULTIPLIER, NoiseSampler.DISCRETE_GAUSSIAN, is_amplified=False)
    buffers = BufferedFactorisation(int(noise.removeprefix("buffers_")))
    return CorrelatedNoise(NOISE_MULTIPLIER, _HORIZON, _HORIZON, 1, buffers)


def samples_of(values: Floats) -> list[float]:
    """Return some of the values, the first and the last among them."""
    places = np.linspace(0, values.size - 1, _NUM_SAMPLES).astype(np.int64)
    return [float(value) for value in values[places]]
