"""The one thread that owns a synchronous core object, and the callers who wait for it."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar, cast

from heronry.runtime.clock import Clock, SystemClock
from heronry.runtime.waiters import Call, Waiters
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.errors import DeadlineExceededError, HeronryError, UnavailableError

T = TypeVar("T")

# A core whose earliest time has passed already would else be tried without pause.
_MIN_RETRY_S: Final = 0.005
_NONE: Final[frozenset[Hashable]] = frozenset()
_NOT_DONE: Final = object()


class _Post(NamedTuple):
    call: Call
    is_abandoned: bool = False


class _News(NamedTuple):
    """Conditions that a call outside the thread has changed."""

    conditions: frozenset[Hashable]


class Owner:
    """Runs every call on a core object in one thread, in the order of arrival.

    A short call may run in its caller's thread instead while nobody else is at the core: `attempt`.

    A call that raises `WouldBlock` waits; a call whose result is `Changed`, or that got somewhere
    before it had to wait, wakes those who wait for the conditions it names, the longest waiting
    first. A woken call that blocks again keeps its place, and nobody behind it in the same queue is
    tried before it. Safe from any event loop.
    """

    def __init__(self, name: str = "owner", clock: Clock | None = None) -> None:
        """Start the thread; `name` shows in its name and in errors."""
        self._name = name
        self._clock = clock or SystemClock()
        self._inbox: queue.SimpleQueue[_Post | _News | None] = queue.SimpleQueue()
        self._waiters = Waiters()
        self._num_arrivals = 0
        self._is_closed = False
        self._end_error: HeronryError | None = None
        self._gate = threading.Lock()
        # Held by whoever is at the core and its waiters.
        self._core = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"heronry-{name}", daemon=True)
        self._thread.start()

    async def call(
        self,
        function: Callable[..., Changed[T] | T],
        *args: object,
        timeout_s: float | None = None,
        on_wait: Callable[[Waiting], object] | None = None,
        behind: Hashable | None = None,
    ) -> T:
        """Run `function(*args)` in the owner's thread and return its value.

        A cancelled caller's function is not run any more; when it is running already, its effect
        stays and its value is lost.

        Args:
          function: a core call; may raise `WouldBlock`, may return `Changed`.
          args: its arguments.
          timeout_s: how long it may wait; None waits for ever. It is tried once in any case.
          on_wait: called on the caller's loop when the call must wait, and when the reason changes.
          behind: a condition; when others wait for it, the call lines up without being tried first,
            so that small requests cannot overtake a large one for ever.

        Raises:
          DeadlineExceededError: it still waited after `timeout_s`; says for what.
          UnavailableError: the owner was closed.
        """
        loop = asyncio.get_running_loop()
        now = self._clock.now()
        call = Call(
            function=partial(function, *args) if args else function,
            loop=loop,
            future=loop.create_future(),
            since_s=now,
            deadline_s=None if timeout_s is None else now + timeout_s,
            on_wait=on_wait,
            behind=behind,
        )
        self._post(call)
        try:
            return cast("T", await call.future)
        except asyncio.CancelledError:
            self._inbox.put(_Post(call, is_abandoned=True))
            raise

    def attempt(self, function: Callable[..., T], *args: object) -> T | None:
        """Run `function(*args)` here and now, unless others are at the core or before it, or it must wait.

        Two changes of threads cost more than a short call does. On an event loop it must be short indeed:
        nothing else runs there meanwhile. When this returns None, which the function itself must not, make the
        same call by `call`: one that had to wait goes on from where it came.

        Raises:
          UnavailableError: the owner was closed.
        """
        result: T | object = self._at_once(function, args)
        return None if result is _NOT_DONE else cast("T", result)

    async def brief(self, function: Callable[..., Changed[T] | T], *args: object, timeout_s: float | None = None) -> T:
        """Make a call that is short whenever it runs: by `attempt` where that can be, else as `call` does."""
        result = self._at_once(function, args)
        if result is _NOT_DONE:
            return await self.call(function, *args, timeout_s=timeout_s)
        return cast("T", result.value if isinstance(result, Changed) else result)

    def waiting(self) -> list[Waiting]:
        """Return who waits for what, the longest waiting first; callable from any thread."""
        now = self._clock.now()
        blocked = [(call.blocked, now - call.since_s) for call in self._waiters.snapshot()]
        return [replace(b.waiting, waited_s=waited) for b, waited in blocked if b is not None]

    async def retire(self, function: Callable[[], T], error: HeronryError | None = None) -> T:
        """Run a last call, and end the thread.

        Nothing runs between the call and the end: whoever comes after it, or waits still, gets `error`,
        UnavailableError where none is given.

        Raises:
          UnavailableError: the owner was closed.
        """
        loop = asyncio.get_running_loop()
        last = Call(function=function, loop=loop, future=loop.create_future(), since_s=self._clock.now())
        with self._gate:
            if self._is_closed:
                raise self._closed_error()
            self._is_closed, self._end_error = True, error
            self._inbox.put(_Post(last))
            self._inbox.put(None)
        return cast("T", await last.future)

    def close(self, timeout_s: float = 5.0) -> None:
        """End the thread after the call that runs; everybody who waits gets UnavailableError."""
        with self._gate:
            if not self._is_closed:
                self._is_closed = True
                self._inbox.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _at_once(self, function: Callable[..., Any], args: tuple[object, ...]) -> Any:  # noqa: ANN401 # or `_NOT_DONE`
        """Return what a call returns that runs in this thread, `_NOT_DONE` when others are there or it must wait."""
        if not self._inbox.empty() or not self._core.acquire(blocking=False):
            return _NOT_DONE
        try:
            if self._is_closed:
                raise self._closed_error()
            try:
                result = function(*args)
                conditions = result.conditions if isinstance(result, Changed) else _NONE
            except WouldBlock as blocked:
                result, conditions = _NOT_DONE, blocked.changed
            has_news = bool(conditions) and any(self._waiters.head(c) is not None for c in conditions)
        finally:
            self._core.release()
        if has_news:
            self._inbox.put(_News(conditions))
        return result

    def _post(self, call: Call) -> None:
        with self._gate:
            if self._is_closed:
                raise self._closed_error()
            self._inbox.put(_Post(call))

    def _run(self) -> None:
        while True:
            try:
                post = self._inbox.get(timeout=self._until_next_wake())
            except queue.Empty:
                with self._core:
                    self._wake_by_time()
                continue
            if post is None:
                break
            with self._core:
                self._take(post)
                self._wake_by_time()
        self._refuse_all()

    def _take(self, post: _Post | _News) -> None:
        if isinstance(post, _News):
            self._wake(post.conditions)
        elif post.is_abandoned:
            self._abandon(post.call)
        else:
            self._admit(post.call)

    def _until_next_wake(self) -> float | None:
        wake_s = self._waiters.next_wake_s()
        return None if wake_s is None else max(0.0, wake_s - self._clock.now())

    def _admit(self, call: Call) -> None:
        self._num_arrivals += 1
        call.arrival = self._num_arrivals
        head = None if call.behind is None else self._waiters.head(call.behind)
        if head is not None and head.blocked is not None:
            self._park(call, head.blocked)
        else:
            self._wake(self._try(call))

    def _abandon(self, call: Call) -> None:
        blocked = call.blocked
        self._waiters.remove(call)
        if blocked is not None:
            self._wake(frozenset({blocked.condition}))

    def _try(self, call: Call) -> frozenset[Hashable]:
        """Run a call and return the conditions it changed; a call that must wait is parked."""
        if call.future.cancelled():
            self._waiters.remove(call)
            return frozenset()
        try:
            result = call.function()
        except WouldBlock as blocked:
            self._park(call, blocked)
            return blocked.changed
        except BaseException as error:  # noqa: BLE001 # it belongs to the caller, whatever it is
            self._end(call, error=error)
            return frozenset()
        if isinstance(result, Changed):
            self._end(call, result.value)
            return result.conditions
        self._end(call, result)
        return frozenset()

    def _park(self, call: Call, blocked: WouldBlock) -> None:
        now = self._clock.now()
        is_news = call.blocked is None or call.blocked.waiting.term != blocked.waiting.term
        retry_s = None if blocked.earliest_s is None else max(blocked.earliest_s, now + _MIN_RETRY_S)
        self._waiters.park(call, blocked, retry_s)
        if is_news and call.on_wait is not None:
            _on_loop(call, call.on_wait, replace(blocked.waiting, waited_s=now - call.since_s))

    def _end(self, call: Call, value: object = None, error: BaseException | None = None) -> None:
        self._waiters.remove(call)
        _on_loop(call, _settle, call.future, value, error)

    def _wake(self, conditions: frozenset[Hashable]) -> None:
        pending = list(conditions)
        while pending:
            condition = pending.pop(0)
            while (call := self._waiters.head(condition)) is not None:
                pending.extend(c for c in self._try(call) if c not in pending)
                if self._waiters.head(condition) is call:
                    break

    def _wake_by_time(self) -> None:
        now = self._clock.now()
        while (call := self._waiters.pop_due(now)) is not None and call.blocked is not None:
            condition = call.blocked.condition
            if call.deadline_s is not None and call.deadline_s <= now:
                self._end(call, error=self._deadline_error(call.blocked, now - call.since_s))
            # Those behind an expired call may have been held back by its place alone.
            self._wake(frozenset({condition}))

    def _deadline_error(self, blocked: WouldBlock, waited_s: float) -> DeadlineExceededError:
        waiting = blocked.waiting
        details = {
            "owner": self._name,
            "side": waiting.side,
            "term": waiting.term,
            "value": f"{waiting.value:g}",
            "bound": f"{waiting.bound:g}",
            "waited_s": f"{waited_s:.3f}",
        }
        return DeadlineExceededError(f"{blocked} (waited {waited_s:.1f} s)", details=details)

    def _refuse_all(self) -> None:
        calls = self._waiters.snapshot()
        with contextlib.suppress(queue.Empty):
            while (post := self._inbox.get_nowait()) is not None:
                if isinstance(post, _Post):
                    calls.append(post.call)
        for call in calls:
            self._end(call, error=self._closed_error())

    def _closed_error(self) -> HeronryError:
        return self._end_error or UnavailableError(f"{self._name} is closed", details={"owner": self._name})


def _on_loop(call: Call, function: Callable[..., object], *args: object) -> None:
    # The loop is closed when its program ended without waiting for the call.
    with contextlib.suppress(RuntimeError):
        call.loop.call_soon_threadsafe(function, *args)


def _settle(future: asyncio.Future[Any], value: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
