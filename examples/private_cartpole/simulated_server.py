"""The parameter server's mechanism in a few lines of NumPy: cohort, clip, noise, public denominator, step."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from policy import Array
from settings import Setting


class SimulatedServer:
    """Holds the weights; keeps the cohort's coins and the noise to itself."""

    def __init__(self, setting: Setting, weights: Array, client_ids: list[str], *, seed: int) -> None:
        self.weights = weights
        self._setting = setting
        self._noise_multiplier = setting.noise_multiplier()
        self._client_ids = client_ids
        self._rng = np.random.default_rng([seed, 0x5E])

    def cohort(self) -> list[str]:
        """Flip a coin for every client; return those of this round."""
        coins = self._rng.random(len(self._client_ids)) < self._setting.sampling_probability
        return [client_id for client_id, is_in in zip(self._client_ids, coins, strict=True) if is_in]

    def close(self, updates: Mapping[str, Array]) -> None:
        """Add the clipped updates and the noise up and take the step."""
        norm = self._setting.clipping_norm
        total = self._rng.normal(0, self._noise_multiplier * norm, len(self.weights))
        for update in updates.values():
            total += _clipped(update, norm)
        mean = total / self._setting.denominator
        self.weights = (self.weights + self._setting.learning_rate * mean).astype(np.float32)


def _clipped(update: Array, norm: float) -> npt.NDArray[np.float64]:
    length = float(np.linalg.norm(update.astype(np.float64)))
    return update.astype(np.float64) * min(1.0, norm / max(length, np.finfo(np.float64).tiny))
