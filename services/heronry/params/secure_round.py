"""One round of secure aggregation: carries messages between its members and the session, step by step."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import structlog

from heronry.api.params.v1 import secure_pb2 as pb
from heronry.params.core.secure_sums import SecureOpening
from heronry.params.frames import FrameCache
from heronry.params.open_state import OpenState
from heronry.params.secure_member import SecureMember
from heronry.params.staging import Staging
from heronry.privacy.secure import (
    AdvertisedKeys,
    MaskedInput,
    RevealedShares,
    SealedShares,
    SecureSum,
    ServerSession,
)
from heronry.runtime.clock import Clock
from heronry.types.contribution import Acknowledgement
from heronry.types.errors import DeadlineExceededError, HeronryError, InternalError, UnavailableError
from heronry.wire.secure import (
    WORD,
    keys_from_proto,
    relayed_to_proto,
    result_to_proto,
    revealed_from_proto,
    roster_to_proto,
    round_to_proto,
    shares_from_proto,
    unmask_to_proto,
    words_from_bytes,
)

_log = structlog.get_logger(__name__)

T = TypeVar("T")
Say = Callable[[str], pb.SumSecurelyResponse]


@dataclass(frozen=True)
class RoundSurroundings:
    """What rounds work with."""

    state: OpenState
    staging: Staging
    frames: FrameCache
    clock: Clock
    stall_s: float


class SecureRound:
    """Runs one round; a member that is silent, leaves or says something wrong in any step has dropped out.

    Steps end when all who are expected have answered, or at the deadline. What was unmasked was paid for before. The
    session's work is done in a thread, one piece after the other.
    """

    def __init__(
        self,
        opening: SecureOpening,
        members: Iterable[SecureMember],
        deadline_s: float,
        around: RoundSurroundings,
    ) -> None:
        self._opening = opening
        self._members: Mapping[str, SecureMember] = {member.client_id: member for member in members}
        self._deadline_s = deadline_s
        self._around = around
        self._session = ServerSession(opening.parameters)

    async def run(self) -> None:
        """Run the round to its end, of which every member is told."""
        try:
            answer, num_survivors = await self._released()
        except HeronryError as error:
            _log.warning("secure_round_ended", **self._label, error=type(error).__name__, reason=error.message)
            self._end(error)
        except asyncio.CancelledError:
            self._end(UnavailableError("the service is stopping, or serves another run", retry_after_s=0.5))
            raise
        except Exception:  # noqa: BLE001 # whatever it is: the members must not wait for ever
            _log.exception("secure_round_failed", **self._label)
            self._end(InternalError("an error of the service; its log has it"))
        else:
            _log.info("secure_round_released", **self._label, survivors=num_survivors, version=str(answer.version))
            for member in self._members.values():
                member.say(pb.SumSecurelyResponse(result=result_to_proto(answer, num_survivors)))
                member.end()

    @property
    def _label(self) -> dict[str, object]:
        return {
            "model": self._opening.model.name,
            "round": self._opening.round_id,
            "members": len(self._members),
        }

    async def _released(self) -> tuple[Acknowledgement, int]:
        survivors = await self._masked()
        around, opening = self._around, self._opening
        models, clock = around.state.models, around.clock
        sequence: int = await around.state.owner.call(models.reserve_secure, opening, survivors, clock.wall())
        try:
            total = await self._unmasked(survivors)
            arguments = opening, total.total, total.survivors, sequence, clock.now(), clock.wall()
            answer: Acknowledgement = await around.state.change(models.release_secure, *arguments)
        except BaseException:
            await self._given_up()
            raise
        around.frames.outdate(opening.model.name, answer.version)
        around.state.notice_rounds()
        return answer, len(total.survivors)

    async def _masked(self) -> tuple[str, ...]:
        """Go on until the masked inputs are in the sum; return whose are."""
        session, opening = self._session, self._opening
        opened = round_to_proto(opening.round_id, opening.base_version, opening.parameters)
        await self._step(self._members, lambda _: pb.SumSecurelyResponse(opened=opened), _keys, session.accept_keys)
        roster = await asyncio.to_thread(session.close_keys)
        roster_message = pb.SumSecurelyResponse(roster=roster_to_proto(roster))
        await self._step(roster.keys, lambda _: roster_message, _shares, session.accept_shares)
        relayed = await asyncio.to_thread(session.close_shares)

        def of_reader(reader: str) -> pb.SumSecurelyResponse:
            return pb.SumSecurelyResponse(relayed=relayed_to_proto(relayed[reader]))

        await self._step(relayed, of_reader, self._words, session.accept_masked)
        request = await asyncio.to_thread(session.close_masked)
        self._unmask = pb.SumSecurelyResponse(unmask=unmask_to_proto(request))
        return request.survivors

    async def _unmasked(self, survivors: Iterable[str]) -> SecureSum:
        await self._step(survivors, lambda _: self._unmask, _revealed, self._session.accept_revealed)
        return await asyncio.to_thread(self._session.close)

    async def _step(
        self,
        expected: Iterable[str],
        say: Say,
        hear: Callable[[SecureMember], Awaitable[T]],
        accept: Callable[[str, T], None],
    ) -> None:
        """Tell all who are expected something and take their answers as they come, until the deadline."""
        members = [self._members[client_id] for client_id in expected]
        end_s = asyncio.get_running_loop().time() + self._deadline_s
        hearing: dict[asyncio.Future[T], SecureMember] = {}
        for member in members:
            member.say(say(member.client_id))
            hearing[asyncio.ensure_future(hear(member))] = member
        try:
            while hearing:
                left_s = max(0.0, end_s - asyncio.get_running_loop().time())
                done, _ = await asyncio.wait(hearing, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                for answer in done:
                    await self._accepted(hearing.pop(answer), answer, accept)
        finally:
            for waiting in hearing:
                waiting.cancel()
            if hearing:
                await asyncio.wait(hearing)
        for member in hearing.values():
            step = self._session.step.value
            member.end(DeadlineExceededError(f"nothing came for {self._deadline_s:g} s while {step}: dropped out"))

    async def _accepted(
        self, member: SecureMember, answer: "asyncio.Future[T]", accept: Callable[[str, T], None]
    ) -> None:
        try:
            await asyncio.to_thread(accept, member.client_id, answer.result())
        except HeronryError as error:
            reason = {"error": type(error).__name__, "reason": error.message}
            _log.info("secure_member_dropped", **self._label, client=member.client_id, **reason)
            member.end(error)

    async def _words(self, member: SecureMember) -> MaskedInput:
        first = await member.hear_frame()
        num_bytes = WORD.itemsize * self._opening.parameters.num_parameters
        async with self._around.staging.buffer(num_bytes) as buffer:
            await member.hear_words(first, buffer, self._around.stall_s)
            return words_from_bytes(buffer)

    async def _given_up(self) -> None:
        """Let the next release be reserved; this one counts as spent."""
        around = self._around
        try:
            await around.state.owner.call(around.state.models.give_up_secure, self._opening, around.clock.wall())
        except HeronryError as error:
            _log.warning("secure_round_not_given_up", **self._label, reason=error.message)

    def _end(self, error: HeronryError) -> None:
        self._session.abandon()
        for member in self._members.values():
            member.end(error)


async def _keys(member: SecureMember) -> AdvertisedKeys:
    return keys_from_proto((await member.hear("keys")).keys)


async def _shares(member: SecureMember) -> SealedShares:
    return shares_from_proto((await member.hear("shares")).shares)


async def _revealed(member: SecureMember) -> RevealedShares:
    return revealed_from_proto((await member.hear("revealed")).revealed)
