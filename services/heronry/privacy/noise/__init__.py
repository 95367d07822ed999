"""Noise on an integer grid from cryptographic keys: rounded Gaussian, exact discrete Gaussian, Skellam; a self test."""

from heronry.privacy.noise.discrete import add_discrete_gaussian, add_skellam
from heronry.privacy.noise.keys import NoiseKey
from heronry.privacy.noise.keystream import CHUNK_VALUES
from heronry.privacy.noise.normals import add_rounded_normals, fill_normals
from heronry.privacy.noise.self_test import NoiseSelfTest

__all__ = [
    "CHUNK_VALUES",
    "NoiseKey",
    "NoiseSelfTest",
    "add_discrete_gaussian",
    "add_rounded_normals",
    "add_skellam",
    "fill_normals",
]
