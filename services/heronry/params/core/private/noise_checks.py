"""The continuous self-test of a model's noise, and what of it may be told."""

from typing import Final

from heronry.params.core.private.private_sum import Integers
from heronry.privacy.noise import NoiseSelfTest

# All of a smaller model; of a larger one so many elements that a test takes some 6 ms, whatever the model's size. It
# finds a standard deviation that is off by 3 %, and in one of 10^12 sound releases too.
_NUM_SAMPLED: Final = 32_768


class NoiseChecks:
    """Looks at what the source of noise adds to a sum, whatever the sum holds already.

    What is told changes only when a release is made: noise is drawn for a round's first contribution, and that there
    is one may be a secret.
    """

    def __init__(self) -> None:
        self._test = NoiseSelfTest(num_sampled=_NUM_SAMPLED)
        self.num_checks = 0
        self.num_alarms = 0

    def sample(self, total: Integers) -> Integers:
        """Return a copy of the elements that are looked at."""
        # From one end to the other. Odd, so that it does not meet the same place of every chunk of the noise.
        stride = -(-len(total) // _NUM_SAMPLED) | 1
        return total[::stride].copy()

    def observe(self, before: Integers, total: Integers, deviation_steps: float) -> None:
        """Test what was added to `total` since `sample` returned `before`."""
        if len(before):
            self._test.observe(self.sample(total) - before, deviation_steps)

    def note_release(self) -> None:
        """Tell from now on what was found up to this release."""
        self.num_checks += 1
        self.num_alarms = self._test.num_alarms
