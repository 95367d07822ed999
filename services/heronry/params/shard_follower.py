"""Keeps the shards of this service at the versions of their models' first shards."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from heronry.api.params.v1 import params_pb2 as pb
from heronry.api.params.v1 import params_pb2_grpc as pb_grpc
from heronry.client.connection import Connection
from heronry.client.options import ConnectionOptions
from heronry.params.core.model import Model
from heronry.params.core.sharding.following import RoundPlan
from heronry.params.open_state import OpenState
from heronry.runtime.backoff import Backoff
from heronry.runtime.clock import Clock
from heronry.types.blocking import Changed
from heronry.types.contribution import ClosedRound
from heronry.types.errors import DataLossError, HeronryError, ModelNotFoundError, UnavailableError
from heronry.types.models import ModelSettings
from heronry.wire.contributions import round_news_from_proto

T = TypeVar("T")
_log = structlog.get_logger(__name__)
# What was lost does not come back by asking often.
_LOST_PAUSE_S: Final = 30.0


class _GoneError(Exception):
    """The shard was deleted here."""


@dataclass(frozen=True)
class FollowerSettings:
    """How shards follow.

    Attributes:
      connection: how this service calls others.
      patience_s: how long a part that a round has counted is waited for.
      max_journal_bytes: a checkpoint is made when the journal is larger.
    """

    connection: ConnectionOptions
    patience_s: float
    max_journal_bytes: int


class ShardFollowers:
    """Runs a follower for every shard that is not the first of its model, from its registration to its end."""

    def __init__(self, state: OpenState, settings: FollowerSettings, clock: Clock) -> None:
        """Start following; call it on the service's loop."""
        self._state = state
        self._settings = settings
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = {asyncio.create_task(self._run())}

    async def close(self) -> None:
        """End all followers; what they have applied is in the journal."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._follow(await self._state.owner.call(self._state.models.new_followers))

    def _follow(self, models: Iterable[Model]) -> None:
        for model in models:
            follower = ShardFollower(model, self._state, self._settings, self._clock)
            task = asyncio.create_task(follower.run())
            self._tasks.add(task)
            # A shard that was deleted must not be kept in memory by its task.
            task.add_done_callback(self._tasks.discard)


class ShardFollower:
    """Applies every round that the first shard has closed, in order.

    Whatever breaks the stream, it is opened again after the last round that was applied.
    """

    def __init__(self, model: Model, state: OpenState, settings: FollowerSettings, clock: Clock) -> None:
        """Take a model that is a later shard, and how to reach the first one."""
        address = "" if model.settings.shard is None else model.settings.shard.first_address

        async def resolve() -> Sequence[str]:
            return (address,)

        self._model = model
        self._state = state
        self._settings = settings
        self._clock = clock
        self._connection = Connection("the first shard", resolve, settings.connection)
        self._backoff = Backoff()
        self._last_reason = ""

    async def run(self) -> None:
        """Follow until the model is deleted here, or the task is cancelled."""
        try:
            while True:
                pause_s = await self._follow_until_broken()
                await asyncio.sleep(pause_s)
        except _GoneError:
            _log.info("shard_gone", model=self._model.name)
        finally:
            await self._connection.close()

    async def _follow_until_broken(self) -> float:
        """Follow one stream to its end; return the seconds to wait before the next."""
        try:
            with self._connection.named_errors("WatchRounds"):
                await self._follow()
            raise UnavailableError("the first shard ended the stream")
        except HeronryError as error:
            self._tell(error)
            return _LOST_PAUSE_S if isinstance(error, DataLossError) else self._backoff.next_s()
        except _GoneError:
            raise
        except Exception as error:  # noqa: BLE001 # the shard must find its way back from anything
            _log.error("shard_does_not_follow", model=self._model.name, exc_info=error)
            return self._backoff.next_s()

    async def _follow(self) -> None:
        after = await self._here(lambda: self._state.models.followed_round(self._model))
        stub: pb_grpc.ParamsServiceAsyncStub = pb_grpc.ParamsServiceStub(await self._connection.control())
        request = pb.WatchRoundsRequest(model=self._model.name, after_round=after)
        async for message in stub.WatchRounds(request, metadata=self._connection.metadata):
            news = round_news_from_proto(message)
            if isinstance(news, ClosedRound):
                await self._apply(news)
            else:
                await self._adopt(news)
            self._backoff.reset()
            self._last_reason = ""

    async def _adopt(self, settings: ModelSettings) -> None:
        is_changed: bool = await self._here(lambda: self._state.models.adopt(self._model, settings))
        if is_changed:
            _log.info("settings_taken_over", model=self._model.name)

    async def _apply(self, closed: ClosedRound) -> None:
        models, until_s = self._state.models, self._clock.now() + self._settings.patience_s
        # The time is read whenever the owner tries, not when the wait begins.
        followed: RoundPlan | None = await self._here(
            lambda: models.follow(self._model, closed, until_s, self._clock.now())
        )
        if followed is None:
            return
        if followed.missing:
            _log.warning(
                "parts_missing", model=self._model.name, round=closed.round_id, num_missing=len(followed.missing)
            )
        if followed.failure:
            _log.warning("update_left_out", model=self._model.name, round=closed.round_id, reason=followed.failure)
        self._state.save_if_longer(self._settings.max_journal_bytes)

    async def _here(self, function: Callable[[], Changed[T] | T]) -> T:
        """Call the core; the first shard's own `ModelNotFoundError` means that it is not there yet."""
        try:
            return await self._state.owner.call(function)
        except ModelNotFoundError as error:
            raise _GoneError from error

    def _tell(self, error: HeronryError) -> None:
        """Log why the shard does not follow, once a reason."""
        reason = f"{type(error).__name__}: {error}"
        if reason != self._last_reason:
            log = _log.error if isinstance(error, DataLossError) else _log.warning
            log("shard_does_not_follow", model=self._model.name, reason=reason)
        self._last_reason = reason
