"""The collecting loop: chooses weights, has a block collected in the actor's thread, appends it."""

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from heronry.client.replay import ReplayClient
from heronry.client.writer import Writer
from heronry.fleet.choice import VersionChoice
from heronry.fleet.core.actor import Actor
from heronry.fleet.core.exploration import Pace
from heronry.fleet.core.figures import FleetFigures
from heronry.fleet.core.unroll import Unroll
from heronry.fleet.sources import Behaviour
from heronry.fleet.weights import WeightsFeed
from heronry.maths.networks import Tensors
from heronry.runtime.clock import Clock
from heronry.runtime.owner import Owner
from heronry.types.errors import (
    AbortedError,
    DeadlineExceededError,
    FencedError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
)
from heronry.types.version import ParameterVersion

_log = structlog.get_logger("heronry.fleet")

# What a replay service that is restarted, away or full answers; anything else is a mistake of ours.
_TRANSIENT: Final = (
    AbortedError,
    DeadlineExceededError,
    FencedError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
)
_RETRY_S: Final = 0.5
# A thread that has been asked to collect does so sooner, unless what it is to act with has to come first.
_HEAD_START_S: Final = 0.002


@dataclass(frozen=True)
class CollectorSettings:
    """How one fleet collects.

    Attributes:
      table: that it appends to.
      num_envs: lanes of its blocks.
      is_on_policy: wait until a block is in the table before the next is collected. A queue lets in
        what its learner will soon take, so that the wait bounds the policy lag; nothing is lost by
        it, since the queue itself holds the learner's next batch. Otherwise one block is on its way
        while the next is collected.
      pace: what tells the steps that the run has behind it; None where nothing depends on them.
      is_lockstep: no block may be lost, nor come twice.
      start: enters the seeds.
      num_fleets: of the run; shares out the steps it has behind it.
      max_policy_lag: versions that an unroll's policy may lie behind the newest; None: unbounded here.
    """

    table: str
    num_envs: int
    is_on_policy: bool
    pace: Pace | None
    is_lockstep: bool
    start: int
    num_fleets: int
    max_policy_lag: int | None = None


class Collector:
    """Collects until it is cancelled or its gate is stopped; for one event loop."""

    def __init__(
        self,
        settings: CollectorSettings,
        replay: ReplayClient,
        feed: WeightsFeed,
        choice: VersionChoice,
        figures: FleetFigures,
        clock: Clock,
        on_first_step: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._replay = replay
        self._feed = feed
        self._choice = choice
        self._figures = figures
        self._clock = clock
        self._on_first_step = on_first_step
        self._loaded: ParameterVersion | None = None
        self._segment: int | None = None
        self._has_appended = False
        self._is_collecting = asyncio.Event()

    async def run(self, actor: Actor, owner: Owner) -> None:
        """Collect; ride out the loss of the replay service, but for lockstep.

        Raises:
          Exception: whatever an environment raised; SchemaMismatchError when the weights do not fit;
            in lockstep, what the replay service failed with while a block was on its way.
        """
        has_begun = False
        while True:
            try:
                if not has_begun:
                    steps_before = await self._steps_before()
                    await owner.call(actor.begin, self._settings.start, steps_before)
                    has_begun = True
                lanes = self._settings.num_envs
                async with self._replay.writer(self._settings.table, columns=actor.columns, num_lanes=lanes) as writer:
                    if await self._fill(writer, actor, owner):
                        # Blocks that are not in the table yet would arrive after the run's end.
                        await writer.abort()
                        return
            except _TRANSIENT as error:
                # Whether the block on its way is in the table, nobody knows; the last barrier is certain.
                if self._settings.is_lockstep and self._has_appended:
                    raise
                _log.warning("replay_lost", table=self._settings.table, error=str(error))
                await asyncio.sleep(_RETRY_S * random.uniform(0.5, 1.0))

    async def _fill(self, writer: Writer, actor: Actor, owner: Owner) -> bool:
        """Collect and append until the actor gives up; one block is on its way while the next is collected.

        False when a block was thrown away and the others are in the table: the next one does not follow them,
        and goes into lanes that begin anew.
        """
        sending = _nothing()
        try:
            while True:
                behaviour = await self._next_behaviour(actor, owner)
                loop = asyncio.get_running_loop()
                unroll: Unroll | None = await owner.call(self._collect, actor, self._new_weights(behaviour), loop)
                self._loaded = behaviour.version
                if unroll is None:
                    return True
                newest = self._choice.newest or behaviour.newest
                self._figures.add(unroll, behaviour.version, newest)
                self._note_environments(actor)
                began_s = self._clock.now()
                await sending
                is_too_old = self._is_too_old(behaviour.version, newest)
                if not is_too_old:
                    append = self._append if self._settings.is_on_policy else self._append_beside
                    sending = asyncio.create_task(append(writer, unroll, behaviour.version))
                    if self._settings.is_on_policy:
                        await sending
                self._figures.waiting_time_s += self._clock.now() - began_s
                if is_too_old:
                    self._figures.num_unrolls_too_old += 1
                    return False
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _note_environments(self, actor: Actor) -> None:
        """Count environments that were begun anew, and tell each in the log: `train` has no other place for them."""
        known = self._figures.failures
        for failure in actor.failures:
            if failure not in known:
                _log.warning("environment_begun_anew", **dataclasses.asdict(failure))
        self._figures.note_environments(actor.num_restarts, actor.failures)

    async def _next_behaviour(self, actor: Actor, owner: Owner) -> Behaviour:
        began_s = self._clock.now()
        behaviour = await self._choice.next()
        await self._begin_segment(actor, owner)
        self._figures.waiting_time_s += self._clock.now() - began_s
        self._note_first_step()
        return behaviour

    def _new_weights(self, behaviour: Behaviour) -> Tensors | None:
        return None if behaviour.version == self._loaded else behaviour.weights

    def _is_too_old(self, behaviour: ParameterVersion, newest: ParameterVersion) -> bool:
        """Tell whether an unroll's policy lags more than the run bears; versions of two epochs cannot be compared."""
        bound = self._settings.max_policy_lag
        return bound is not None and behaviour.epoch == newest.epoch and newest.number - behaviour.number > bound

    def _collect(self, actor: Actor, weights: Tensors | None, loop: asyncio.AbstractEventLoop) -> Unroll | None:
        """Collect a block; in the actor's thread."""
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(self._is_collecting.set)
        return actor.collect(weights)

    async def _append_beside(self, writer: Writer, unroll: Unroll, version: ParameterVersion) -> None:
        """Append while the next block is collected, whose thread is to reach its first step undisturbed."""
        self._is_collecting.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HEAD_START_S):
                await self._is_collecting.wait()
        await self._append(writer, unroll, version)

    async def _append(self, writer: Writer, unroll: Unroll, version: ParameterVersion) -> None:
        self._has_appended = True
        await _patiently(partial(writer.append, unroll.columns, version))
        await _patiently(writer.flush)
        self._figures.num_unrolls += 1

    async def _begin_segment(self, actor: Actor, owner: Owner) -> None:
        """Begin new episodes where a lockstep segment does."""
        segment = self._choice.segment
        if segment is not None and segment != self._segment:
            await owner.call(actor.begin, segment)
            self._figures.cut_episodes()
            self._segment = segment

    async def _steps_before(self) -> int:
        """Return the steps that the run has behind it, for each fleet: exploration goes on from there."""
        pace = self._settings.pace
        if pace is None:
            return 0
        info = await self._replay.get_table(self._settings.table)
        # The table of a run that was restored counts from 0; the versions of its policy go on.
        newest = await self._feed.wait_for_any()
        steps = max(info.num_inserts, pace.steps_after(newest.version.number - 1))
        return steps // self._settings.num_fleets

    def _note_first_step(self) -> None:
        if self._figures.first_step_time_s is None:
            self._figures.first_step_time_s = self._clock.wall()
            self._on_first_step()


def _nothing() -> "asyncio.Task[None]":
    """Return a task that is done as soon as it runs: nothing is on its way yet."""
    return asyncio.create_task(asyncio.sleep(0))


async def _patiently(wait: Callable[[], Awaitable[object]]) -> None:
    """Wait again after each deadline: a learner that is paused takes nothing for as long as it likes."""
    while True:
        try:
            await wait()
        except DeadlineExceededError as error:
            _log.info("append_waits", reason=str(error))
        else:
            return
