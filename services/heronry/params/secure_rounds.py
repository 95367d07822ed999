"""Clients that wait for a secure round, and the rounds that are made of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import structlog

from heronry.api.params.v1 import secure_pb2 as pb
from heronry.params.core.secure_sums import SecureCohort, SecureOpening
from heronry.params.open_state import OpenState
from heronry.params.secure_member import SecureMember, entering
from heronry.params.secure_round import RoundSurroundings, SecureRound
from heronry.params.transfers import Transfers
from heronry.runtime.clock import Clock
from heronry.types.errors import AbortedError, HeronryError, InternalError, UnavailableError

_log = structlog.get_logger(__name__)

MOST_WAITING: Final = 4096
Write = Callable[[pb.SumSecurelyResponse], Awaitable[None]]


class SecureRounds:
    """Takes the streams of members in: one waiting room a model; for one event loop, and one open state at a time."""

    def __init__(self, transfers: Transfers, clock: Clock, stall_s: float) -> None:
        self._transfers = transfers
        self._clock = clock
        self._stall_s = stall_s
        self._rooms: dict[str, WaitingRoom] = {}

    async def take_part(self, state: OpenState, requests: AsyncIterator[bytes], write: Write, client_id: str) -> None:
        """Serve one member's stream until its round is over; a refusal is counted under its name."""
        frames = aiter(requests)
        member = await entering(frames, self._stall_s)
        header, now_s = member.header, self._clock.now()
        try:
            cohort: SecureCohort = await state.owner.call(state.models.admit_secure, header, client_id, now_s)
            room = self._room(state, header.model)
            room.enter(member, cohort)
        except HeronryError as error:
            await state.owner.call(state.models.count_refused, header.model, client_id, type(error).__name__)
            raise
        pump = asyncio.create_task(member.pump(frames))
        try:
            async for message in member.told():
                await write(message)
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            member.leave()
            room.leave(member)
            if room.is_idle and self._rooms.get(header.model) is room:
                del self._rooms[header.model]

    async def close(self) -> None:
        """End all rounds; whoever waits is told to come again."""
        rooms, self._rooms = self._rooms, {}
        for room in rooms.values():
            await room.close()

    def _room(self, state: OpenState, model: str) -> "WaitingRoom":
        if model not in self._rooms:
            transfers = self._transfers
            around = RoundSurroundings(state, transfers.staging, transfers.frames, self._clock, self._stall_s)
            self._rooms[model] = WaitingRoom(model, around)
        return self._rooms[model]


class WaitingRoom:
    """Those who wait for the next round of one model, and the round that runs; one at a time.

    A round begins when its cohort is complete, or with fewer when no more came within the deadline.
    """

    def __init__(self, model: str, around: RoundSurroundings) -> None:
        self._model = model
        self._around = around
        self._waiting: dict[str, SecureMember] = {}
        self._cohort = SecureCohort(1, 1, 0.0)
        self._running: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits and nothing runs."""
        return not self._waiting and self._running is None

    def enter(self, member: SecureMember, cohort: SecureCohort) -> None:
        """Let a member wait; one that waits already under the same name is ended.

        Raises:
          UnavailableError: too many wait.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise UnavailableError(f"{MOST_WAITING} clients wait for a round", retry_after_s=1.0)
        self._cohort = cohort
        former = self._waiting.pop(member.client_id, None)
        if former is not None:
            former.end(AbortedError(f"a later stream of {member.client_id!r} has taken its place"))
        self._waiting[member.client_id] = member
        self._begin()

    def leave(self, member: SecureMember) -> None:
        """Wait for a member no more."""
        if self._waiting.get(member.client_id) is member:
            del self._waiting[member.client_id]

    async def close(self) -> None:
        """End the round that runs, and tell those who wait to come again."""
        self._stop_timer()
        running = self._running
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        for member in self._waiting.values():
            member.end(UnavailableError("the service is stopping, or serves another run", retry_after_s=0.5))
        self._waiting.clear()

    def _begin(self, *, is_late: bool = False) -> None:
        """Begin a round if none runs and there are members enough."""
        needed = self._cohort.fewest if is_late else self._cohort.size
        if self._running is not None:
            return
        if len(self._waiting) < needed:
            if self._waiting and (self._timer is None or is_late):
                self._stop_timer()
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(self._cohort.deadline_s, self._begin_late)
            return
        self._stop_timer()
        chosen = [self._waiting.pop(client_id) for client_id in list(self._waiting)[: self._cohort.size]]
        self._running = asyncio.create_task(self._run(chosen, needed))
        self._running.add_done_callback(self._ended)

    def _begin_late(self) -> None:
        self._timer = None
        self._begin(is_late=True)

    async def _run(self, members: list[SecureMember], needed: int) -> None:
        try:
            members = await self._still_admitted(members)
            if len(members) < needed:
                self._put_back(members)
                return
            models = self._around.state.models
            names = [member.client_id for member in members]
            opening: SecureOpening = await self._around.state.owner.call(models.open_secure, self._model, names)
        except HeronryError as error:
            for member in members:
                member.end(error)
            return
        except asyncio.CancelledError:
            self._put_back(members)
            raise
        except Exception:  # noqa: BLE001 # whatever it is: nobody must wait for ever
            _log.exception("secure_round_not_opened", model=self._model)
            for member in members:
                member.end(InternalError("an error of the service; its log has it"))
            return
        await SecureRound(opening, members, self._cohort.deadline_s, self._around).run()

    async def _still_admitted(self, members: list[SecureMember]) -> list[SecureMember]:
        """Send those away who may no longer take part: time has passed since they came."""
        around = self._around
        headers = [member.header for member in members]
        refused = await around.state.owner.call(around.state.models.secure_refusals, headers, around.clock.now())
        for member in members:
            if member.client_id in refused:
                member.end(refused[member.client_id])
        return [member for member in members if not member.is_ended]

    def _put_back(self, members: list[SecureMember]) -> None:
        """Let members wait again, before those who came later."""
        later, self._waiting = self._waiting, {}
        for member in (*members, *later.values()):
            if not member.is_ended:
                self._waiting[member.client_id] = member

    def _ended(self, _: "asyncio.Task[None]") -> None:
        self._running = None
        self._begin()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
