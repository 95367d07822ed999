"""Publishes weights, one push at a time, until params has them."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from heronry.client.params import ParamsClient
from heronry.learner.transient import is_transient
from heronry.runtime.backoff import Backoff
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    FailedPreconditionError,
    HeronryError,
    ModelNotFoundError,
    NotFoundError,
)
from heronry.types.models import ModelSettings
from heronry.types.tensors import Array
from heronry.types.version import ParameterVersion

# How long one call waits for a release; the next one goes on waiting.
_RELEASE_WAIT_S: Final = 5.0

_log = structlog.get_logger("heronry.learner")

Tensors = Mapping[str, Array]
OnVersion = Callable[[ParameterVersion, Tensors], Awaitable[None]]


class Publisher:
    """Keeps one model at params up to date with the learner; for one event loop.

    `publish` hands weights over and returns: the push goes on beside the next update. The next
    `publish` waits for it, so params sees the weights in order and is never two behind.
    """

    def __init__(
        self, params: ParamsClient, model: str, settings: ModelSettings, on_version: OnVersion | None = None
    ) -> None:
        """Take the model's settings; under a claim of privacy nothing is published but what params has noised.

        `on_version` is called with each version that params has, and the weights it was made of.
        """
        self._params = params
        self._model = model
        self._settings = settings
        self._on_version = on_version
        self._push: asyncio.Task[None] | None = None
        self.version: ParameterVersion | None = None

    async def register(self, tensors: Tensors) -> bool:
        """Make the model, or find it; waits while params is away. Returns whether it is new.

        Raises:
          AlreadyExistsError: there is a model of another shape under the name.
        """
        backoff = Backoff()
        request_id = uuid.uuid4().hex
        while True:
            try:
                self.version, created = await self._params.register_model(
                    self._model, tensors, self._settings, request_id=request_id
                )
            except HeronryError as error:
                await self._wait_after(error, backoff)
            else:
                if created:
                    await self._tell(self.version, tensors)
                return created

    async def newest(self) -> Tensors:
        """Return params' newest weights, whose version pushes are based on from now on.

        Raises:
          FailedPreconditionError: params has lost a private model.
        """
        return await self._pulled(None)

    async def released(self) -> Tensors:
        """Wait until params has released what was published, and return that version's weights.

        Raises:
          HeronryError: it was refused for good: the privacy budget is spent.
        """
        await self.settled()
        return await self._pulled(self.version)

    async def _pulled(self, newer_than: ParameterVersion | None) -> Tensors:
        backoff = Backoff()
        while True:
            try:
                wait_s = None if newer_than is None else _RELEASE_WAIT_S
                parameters = await self._params.pull(self._model, newer_than=newer_than, wait_s=wait_s)
            except HeronryError as error:
                self._check_not_lost(error)
                await self._wait_after(error, backoff)
                continue
            if parameters is not None:
                self.version = parameters.version
                await self._tell(parameters.version, parameters)
                return parameters

    async def publish(self, tensors: Tensors, sample_count: int) -> None:
        """Begin to push weights, once the push before has ended.

        Raises:
          HeronryError: the push before was refused for good.
        """
        await self.settled()
        self._push = asyncio.create_task(self._push_until_taken(tensors, sample_count))

    async def settled(self) -> None:
        """Wait until params has everything that was published.

        Raises:
          HeronryError: it was refused for good.
        """
        push = self._push
        if push is not None:
            # A caller who stops waiting does not stop the push.
            await asyncio.shield(push)
            self._push = None

    async def close(self) -> None:
        """Give up a push that is under way."""
        push, self._push = self._push, None
        if push is not None:
            push.cancel()
            await asyncio.gather(push, return_exceptions=True)

    async def _push_until_taken(self, tensors: Tensors, sample_count: int) -> None:
        backoff = Backoff()
        request_id = uuid.uuid4().hex
        while True:
            try:
                await self._push_once(tensors, sample_count, request_id)
            except ModelNotFoundError as error:
                self._check_not_lost(error)
                # Params came back without the model: the weights in hand are all there is of it.
                if not await self.register(tensors):
                    await self.newest()
                return
            except (FailedPreconditionError, NotFoundError) as error:
                # Params was restored: another epoch, or the base is gone. A new base is a new contribution.
                _log.info("rebased", model=self._model, reason=str(error))
                await self.newest()
                request_id = uuid.uuid4().hex
                await asyncio.sleep(backoff.next_s())
            except HeronryError as error:
                await self._wait_after(error, backoff)
            else:
                return

    async def _push_once(self, tensors: Tensors, sample_count: int, request_id: str) -> None:
        if self.version is None:
            raise ModelNotFoundError.of("model", self._model, "none registered by this learner")
        acknowledgement = await self._params.push(
            self._model,
            tensors,
            base_version=self.version,
            kind=ContributionKind.WEIGHTS,
            request_id=request_id,
            sample_count=sample_count,
        )
        if self._settings.privacy is None:
            # A private one tells the version before: who is answered must not see who took part.
            self.version = acknowledgement.version
            await self._tell(acknowledgement.version, tensors)

    async def _tell(self, version: ParameterVersion, tensors: Tensors) -> None:
        if self._on_version is not None:
            await self._on_version(version, tensors)

    async def _wait_after(self, error: HeronryError, backoff: Backoff) -> None:
        if not is_transient(error):
            raise error
        _log.warning("params_away", model=self._model, reason=str(error))
        await asyncio.sleep(backoff.next_s())

    def _check_not_lost(self, error: HeronryError) -> None:
        """Give up a private model that params no longer has.

        The learner's own weights have no noise: to publish them would void the claim. What was spent is lost too.
        """
        if self._settings.privacy is None or not isinstance(error, ModelNotFoundError):
            return
        allowed = "a new run (params has lost the model, and with it what its privacy claim had spent)"
        raise FailedPreconditionError(
            f"model {self._model!r}: got lost, allowed: {allowed}",
            details={"field": "privacy", "value": self._model, "allowed": allowed},
        ) from error
