"""Has a fleet play greedy episodes, whichever fleet is there."""

import asyncio
from dataclasses import dataclass

import structlog

from heronry.coordinator.coordination import Coordination
from heronry.coordinator.peers import Peers, is_transient
from heronry.spec import POLICY
from heronry.types.errors import DeadlineExceededError, HeronryError, UnavailableError
from heronry.types.run import Evaluation

_log = structlog.get_logger(__name__)

_RETRY_S = 0.2
_CALL_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Game:
    """What is to be played: a version by tag (None: the newest), how often, and from which seed on."""

    tag: str | None
    num_episodes: int
    seed: int


class Player:
    """Evaluates on one fleet after the other until one answers; a lost fleet costs no waiting."""

    def __init__(self, coordination: Coordination, peers: Peers) -> None:
        self._coordination = coordination
        self._peers = peers
        self._turn = 0

    async def play(self, game: Game, timeout_s: float = _CALL_TIMEOUT_S) -> Evaluation:
        """Return the episodes.

        Raises:
          DeadlineExceededError: no fleet has answered in time.
          HeronryError: what a fleet says about the game itself, such as a version that is gone.
        """
        try:
            async with asyncio.timeout(timeout_s) as bound:
                return await self._until_played(game)
        except TimeoutError:
            if not bound.expired():
                raise
            raise DeadlineExceededError(
                f"no fleet has played {game.num_episodes} episodes in {timeout_s:g} s"
            ) from None

    async def _until_played(self, game: Game) -> Evaluation:
        while True:
            count = self._coordination.pulse.count
            fleets = self._peers.fleets()
            if not fleets:
                await self._coordination.pulse.after(count, _RETRY_S)
                continue
            self._turn += 1
            instance = fleets[self._turn % len(fleets)]
            try:
                return await self._while_alive(instance, game)
            except HeronryError as error:
                if not is_transient(error):
                    raise
                _log.info("evaluation_retried", fleet=instance, reason=str(error))
                await asyncio.sleep(_RETRY_S)

    async def _while_alive(self, instance: str, game: Game) -> Evaluation:
        """Play on one fleet; give up as soon as its lease is lost: a stopped process never answers."""
        call = asyncio.ensure_future(
            self._peers.fleet(instance).evaluate(
                POLICY, tag=game.tag, num_episodes=game.num_episodes, seed=game.seed, timeout_s=_CALL_TIMEOUT_S
            )
        )
        try:
            if await self._coordination.pulse.wait_for(call, lambda: self._peers.is_alive(instance)):
                return call.result()
            raise UnavailableError(f"{instance} has lost its lease during an evaluation")
        finally:
            call.cancel()
