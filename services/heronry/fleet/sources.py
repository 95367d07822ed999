"""Where the versions come from that act: pulled into the fleet, or evaluated by the learner."""

import asyncio
import random
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from heronry.client.parameters import Parameters
from heronry.fleet.central_policy import CentralPolicy, weights_here
from heronry.fleet.weights import WeightsFeed
from heronry.maths.networks import Tensors
from heronry.types.errors import DeadlineExceededError, HeronryError, NotFoundError
from heronry.types.version import ParameterVersion
from heronry.wire.status import is_retryable

_log = structlog.get_logger("heronry.fleet")

_RETRY_S: Final = 1.0


@dataclass(frozen=True)
class Behaviour:
    """What acts in a block.

    Attributes:
      version: of the policy.
      newest: the newest version known.
      weights: what the fleet needs of that version; of one that is evaluated elsewhere little or nothing.
    """

    version: ParameterVersion
    newest: ParameterVersion
    weights: Tensors


class VersionSource(Protocol):
    """Has a version act in the next block; for one event loop."""

    @property
    def newest(self) -> ParameterVersion | None:
        """The newest version known."""
        ...

    async def any(self) -> Behaviour:
        """Take the newest version, after waiting for the first."""
        ...

    async def exactly(self, number: int) -> Behaviour | None:
        """Take version `number`, after waiting for some seconds; None when it did not come."""
        ...


class PulledVersions:
    """Versions whose weights the fleet has."""

    def __init__(self, feed: WeightsFeed) -> None:
        self._feed = feed

    @property
    def newest(self) -> ParameterVersion | None:
        return None if self._feed.newest is None else self._feed.newest.version

    async def any(self) -> Behaviour:
        return self._behaviour(await self._feed.wait_for_any())

    async def exactly(self, number: int) -> Behaviour | None:
        found = await self._feed.exactly(number)
        return None if found is None else self._behaviour(found)

    def _behaviour(self, weights: Parameters) -> Behaviour:
        return Behaviour(weights.version, self.newest or weights.version, weights)


class CentralVersions:
    """Versions that the learner evaluates; of others the fleet knows no more than that they are there."""

    def __init__(self, feed: WeightsFeed, policy: CentralPolicy) -> None:
        """Take a feed without values, and the policy's streams."""
        self._feed = feed
        self._policy = policy
        self._told: ParameterVersion | None = None

    @property
    def newest(self) -> ParameterVersion | None:
        known = None if self._feed.newest is None else self._feed.newest.version
        # The learner has its versions before params has told of them.
        return self._told if self._told is not None and self._told.is_newer_than(known) else known

    async def any(self) -> Behaviour:
        while True:
            behaviour = await self._taken(None)
            if behaviour is not None:
                return behaviour

    async def exactly(self, number: int) -> Behaviour | None:
        return await self._taken(number)

    async def _taken(self, number: int | None) -> Behaviour | None:
        try:
            begun = await self._policy.begin_unroll(number)
        except (DeadlineExceededError, NotFoundError):
            return None
        except HeronryError as error:
            if not is_retryable(error):
                raise
            _log.warning("inference_lost", number=number, error=str(error))
            await asyncio.sleep(_RETRY_S * random.uniform(0.5, 1.0))
            return None
        self._told = begun.newest
        return Behaviour(begun.version, begun.newest, weights_here(begun))
