"""Follows the versions of the run's policy in the background, so that pulling never stalls stepping."""

import asyncio
import random
from typing import Final

import structlog

from heronry.client.parameters import Parameters
from heronry.client.params import ParamsClient
from heronry.types.errors import DeadlineExceededError, HeronryError, NotFoundError

_log = structlog.get_logger("heronry.fleet")

_WAIT_S: Final = 10.0
_FIRST_RETRY_S: Final = 0.05
_MAX_RETRY_S: Final = 1.0


class WeightsFeed:
    """Keeps the newest version of one model; for one event loop.

    Args:
      params: has the model.
      model: its name.
      with_values: whether its weights are wanted, or only which versions there are.
    """

    def __init__(self, params: ParamsClient, model: str, *, with_values: bool = True) -> None:
        self._params = params
        self._model = model
        self._with_values = with_values
        self._newest: Parameters | None = None
        self._has_any = asyncio.Event()

    @property
    def newest(self) -> Parameters | None:
        """The newest version received; None before the first."""
        return self._newest

    async def wait_for_any(self) -> Parameters:
        """Return the newest version, after waiting for the first."""
        while self._newest is None:
            await self._has_any.wait()
        return self._newest

    async def follow(self) -> None:
        """Receive versions for ever; a lost connection is tried again without end."""
        delay_s = _FIRST_RETRY_S
        while True:
            before = self._newest
            try:
                await self._receive()
            except HeronryError as error:
                _log.warning("weights_lost", model=self._model, error=str(error))
            delay_s = _FIRST_RETRY_S if self._newest is not before else min(_MAX_RETRY_S, 2 * delay_s)
            # Jitter: the fleets of a mesh lose their parameter service all at once.
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))

    async def exactly(self, number: int) -> Parameters | None:
        """Wait for version `number` for some seconds; None when it did not come."""
        try:
            return await self._params.pull(self._model, number=number, wait_s=_WAIT_S)
        except (DeadlineExceededError, NotFoundError):
            return None
        except HeronryError as error:
            _log.warning("weights_lost", model=self._model, number=number, error=str(error))
            await asyncio.sleep(_MAX_RETRY_S * random.uniform(0.5, 1.0))
            return None

    async def _receive(self) -> None:
        if self._newest is None and self._with_values:
            # A watch may refuse a model that is not registered yet; a pull waits for it.
            self._take(await self._params.pull(self._model, wait_s=_WAIT_S))
        newer_than = None if self._newest is None else self._newest.version
        async for parameters in self._params.watch(self._model, newer_than=newer_than, with_values=self._with_values):
            self._take(parameters)

    def _take(self, parameters: Parameters) -> None:
        self._newest = parameters
        self._has_any.set()
