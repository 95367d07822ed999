"""The life of one run, from waiting for its services to its result."""

import asyncio

import structlog

from heronry.coordinator.checkpointing import Checkpointing
from heronry.coordinator.coordination import Coordination
from heronry.coordinator.core.run import Ending, Run
from heronry.coordinator.core.standstill import Standstill
from heronry.coordinator.finishing import Finishing
from heronry.coordinator.notice import Notice
from heronry.coordinator.peers import Peers
from heronry.coordinator.playing import Player
from heronry.coordinator.recording import Recording
from heronry.coordinator.selection import Selection
from heronry.types.run import RunState, ServiceRole

_log = structlog.get_logger(__name__)

_LOOK_S = 0.5


class RunController:
    """Drives one run. Its helpers never end by themselves: any peer may be away for a while."""

    def __init__(self, coordination: Coordination, run: Run, peers: Peers, instance: str) -> None:
        self.run = run
        self.checkpointing = Checkpointing(coordination, run, peers)
        self._coordination = coordination
        self._recording = Recording(coordination, run, instance)
        self._standstill = Standstill()
        self._notice = Notice(coordination, run)
        player = Player(coordination, peers)
        self._selection = Selection(coordination, run, peers, player, self._recording)
        self._finishing = Finishing(
            coordination, run, peers, player, self._selection, self._recording, self.checkpointing
        )

    async def drive(self) -> None:
        """Bring the run to its end, from wherever it stands."""
        try:
            reason = await self._until_it_finishes()
            if reason is None:
                await self._finishing.finish()
            else:
                await self._finishing.fail(reason)
        except Exception as error:  # noqa: BLE001 (a bug here must end the run visibly, not hang it)
            _log.error("controller_failed", exc_info=error)
            await self._finishing.fail(f"{type(error).__name__}: {error}")
        finally:
            self._recording.close()

    async def _until_it_finishes(self) -> str | None:
        """Run until FINISHING; returns the reason when the run has failed instead."""
        works = (
            self._selection.watch_versions(),
            self._selection.evaluate_candidates(),
            self.checkpointing.repeat(),
            self._recording.repeat(),
        )
        helpers = [asyncio.ensure_future(work) for work in works]
        try:
            while self.run.state is not RunState.FINISHING:
                count = self._coordination.pulse.count
                for helper in helpers:
                    if helper.done():
                        helper.result()
                failure = self._coordination.failure()
                if failure is not None:
                    return failure
                self._advance()
                self._tell_standstill()
                await self._coordination.pulse.after(count, _LOOK_S)
            return None
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    def _tell_standstill(self) -> None:
        """Say in the run's status what it waits for, and that it goes on."""
        self._notice.tell(self._standstill.look(self.run, self._coordination.clock.now()))

    def _advance(self) -> None:
        """Make the move that is due, if one is."""
        run, coordination = self.run, self._coordination
        if run.state is RunState.PENDING:
            alive = frozenset(role for role in ServiceRole if coordination.registry.alive(role))
            missing = run.missing_roles(alive) or coordination.waiting_for(run)
            if missing:
                coordination.note(run, "waiting for: " + ", ".join(role.value for role in missing))
            else:
                coordination.move(run, RunState.RUNNING)
        elif run.state is RunState.RUNNING:
            if run.plan.has_reached_target and self._selection.has_kept_best and not run.spec.lockstep:
                coordination.end(run, Ending(RunState.FINISHED, is_judged=True, reason="target reached"))
            elif run.has_used_its_steps:
                reason = f"max_env_steps ({run.spec.max_env_steps}) used"
                coordination.end(run, Ending(RunState.FINISHED, is_judged=True, reason=reason))
