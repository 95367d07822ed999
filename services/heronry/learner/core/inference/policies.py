"""The versions of a policy that may act, each ready to be evaluated."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from heronry.maths.forwards import Forward
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.errors import VersionNotFoundError
from heronry.types.tensors import Array, FloatArray
from heronry.types.version import ParameterVersion

NEW_VERSION: Final = "new version"
"""The condition of those who wait for a version."""


class StatefulForward(Protocol):
    """A policy's head with a state a lane; for one thread at a time."""

    @property
    def width(self) -> int:
        """Values of one lane's state; 0: the policy has no memory."""
        ...

    def __call__(self, observations: Array, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return outputs `[N, n]` and the states after them `[N, S]`; `states` is not modified."""
        ...


class Stateless:
    """A forward pass without memory, as a recurrent one."""

    width = 0

    def __init__(self, forward: Forward) -> None:
        self._forward = forward

    def __call__(self, observations: Array, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self._forward(observations), states


@dataclass(frozen=True, eq=False)
class Policy:
    """One version; `log_std` is `[A]` of a Gaussian policy, empty for others."""

    version: ParameterVersion
    forward: StatefulForward
    log_std: FloatArray


class Policies:
    """The newest versions, and those that unrolls still act with.

    Numbers count in the epoch of the newest version: what is left of an earlier one is only held.
    """

    def __init__(self, num_kept: int) -> None:
        self._num_kept = num_kept
        self._kept: dict[tuple[int, int], Policy] = {}
        self._newest: Policy | None = None
        self._uses: Counter[Policy] = Counter()

    @property
    def newest(self) -> Policy | None:
        """The newest version; None before the first."""
        return self._newest

    def add(self, policy: Policy) -> Changed[None]:
        """Take a version. One that is older than the newest stays while it is held, and until the next is added."""
        self._kept[_key(policy.version)] = policy
        if self._newest is None or not self._newest.version.is_newer_than(policy.version):
            self._newest = policy
            self._forget()
        return Changed(None, frozenset({NEW_VERSION}))

    def choose(self, number: int | None) -> Policy:
        """Return a version by number, or the newest.

        Raises:
          WouldBlock: it is not there yet.
          VersionNotFoundError: it is kept no longer.
        """
        newest = self._newest
        if newest is None or (number is not None and number > newest.version.number):
            value = 0 if newest is None else newest.version.number
            raise WouldBlock(NEW_VERSION, Waiting("inference", "version number", value, number or 1))
        if number is None:
            return newest
        found = self._kept.get((newest.version.epoch, number))
        if found is None:
            have = sorted(n for epoch, n in self._kept if epoch == newest.version.epoch)
            raise VersionNotFoundError.of("version", number, have)
        return found

    def hold(self, policy: Policy) -> None:
        """Keep a version until it is released as often as it was held."""
        self._uses[policy] += 1

    def release(self, policy: Policy) -> None:
        """Undo one `hold`."""
        self._uses[policy] -= 1
        if self._uses[policy] <= 0:
            del self._uses[policy]
            self._forget()

    def _forget(self) -> None:
        if self._newest is None:
            return
        epoch = self._newest.version.epoch
        numbers = sorted(n for e, n in self._kept if e == epoch)
        newest = {(epoch, number) for number in numbers[-self._num_kept :]}
        self._kept = {key: p for key, p in self._kept.items() if key in newest or p in self._uses}


def evaluate(policy: Policy, observations: Array, states: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return outputs `[N, n]` and states `[N, S]` of their own memory."""
    outputs, after = policy.forward(observations, states)
    return np.array(outputs, np.float32), np.array(after, np.float32)


def _key(version: ParameterVersion) -> tuple[int, int]:
    return version.epoch, version.number
