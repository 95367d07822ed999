"""Calls that play environments in this process, and are given up when one of those hangs."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic, TypeAlias, TypeVar

import structlog

from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import VectorEnvironment, Watched
from heronry.fleet.core.watchdog import Watchdog
from heronry.runtime.owner import Owner
from heronry.types.errors import EnvironmentFaultError, UnavailableError

_log = structlog.get_logger("heronry.fleet")

T = TypeVar("T")
Watch: TypeAlias = Callable[[VectorEnvironment | Watched], None]
"""Told of an environment, in the call's thread, before it is played."""

# Nothing ends a thread that hangs: so many are borne, with what they hold.
MAX_HANGING: Final = 4


class WatchedCalls:
    """Makes one call after the other, each in a thread of its own; for one event loop.

    A call whose environment hangs, or whose caller has gone, is left behind with its thread: the
    next one is made in another. While `MAX_HANGING` threads hang no more are begun.
    """

    def __init__(self, name: str, settings: EnvironmentSettings, clock: Callable[[], float]) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._turn = asyncio.Lock()
        self._left_behind: list[_Call[Any]] = []

    async def make(self, function: Callable[[Watch], T]) -> T:
        """Make a call when it is its turn; `function` tells what it plays.

        Raises:
          EnvironmentFaultError: an environment did not come back from a step, reset or picture within its limit.
          Exception: what the call raised.
        """
        async with self._turn:
            await self._room()
            call = _Call(self._name, function, Watchdog((), self._settings, self._clock))
            try:
                return await call.result()
            finally:
                if call.fault is not None:
                    _log.error("environment_hangs", call=self._name, reason=call.fault.message)
                if call.is_playing:
                    self._left_behind.append(call)

    async def _room(self) -> None:
        """Wait while too many are left behind that may end by themselves, as those do whose caller has gone."""
        while True:
            self._left_behind = [call for call in self._left_behind if call.is_playing]
            if len(self._left_behind) < MAX_HANGING:
                return
            faults = [fault for call in self._left_behind if (fault := call.look()) is not None]
            if len(faults) == len(self._left_behind):
                message = f"{faults[-1].message} (and so do {len(faults) - 1} more: nothing is played any more)"
                raise EnvironmentFaultError(message, details=faults[-1].details)
            await asyncio.sleep(self._left_behind[0].period_s)


class _Call(Generic[T]):
    """One call and its thread, which ends by itself."""

    def __init__(self, name: str, function: Callable[[Watch], T], watchdog: Watchdog) -> None:
        self.fault: EnvironmentFaultError | None = None
        self._watchdog = watchdog
        self._made: list[VectorEnvironment | Watched] = []
        self._has_begun = self._has_ended = self._is_given_up = False
        self._owner = Owner(name)
        self._task: asyncio.Future[T] = asyncio.ensure_future(self._owner.call(self._run, function))

    @property
    def is_playing(self) -> bool:
        """Whether its thread is in the call still."""
        return self._has_begun and not self._has_ended

    @property
    def period_s(self) -> float:
        """How often to look."""
        return self._watchdog.period_s

    def look(self) -> EnvironmentFaultError | None:
        """Return the fault of its environment, once that hangs."""
        while self._made:
            self._watchdog.watch(self._made.pop())
        self.fault = self.fault or self._watchdog.look()
        return self.fault

    async def result(self) -> T:
        """Return what the call returns, looking at its environments meanwhile."""
        try:
            while not (await asyncio.wait({self._task}, timeout=self.period_s))[0]:
                if (fault := self.look()) is not None:
                    raise fault
            return self._task.result()
        finally:
            self._is_given_up = True
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._owner.close(timeout_s=0)

    def _run(self, function: Callable[[Watch], T]) -> T:
        # In this order: a call that was seen not to have begun does not play.
        self._has_begun = True
        try:
            if self._is_given_up:
                raise UnavailableError("the call was given up before it began")
            return function(self._made.append)
        finally:
            self._has_ended = True
