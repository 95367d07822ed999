"""The end of a run: judged, exported, checkpointed, drawn, told."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from heronry.coordinator.checkpointing import Checkpointing
from heronry.coordinator.coordination import Coordination
from heronry.coordinator.core import records
from heronry.coordinator.core.result import make_result, state_after
from heronry.coordinator.core.run import Ending, Run
from heronry.coordinator.journal import replace_json
from heronry.coordinator.peers import Peers, is_transient
from heronry.coordinator.playing import Player
from heronry.coordinator.recording import Recording
from heronry.coordinator.selection import BEST, Selection, play_best, tag_best
from heronry.spec import POLICY
from heronry.types.claims import claim_fields
from heronry.types.errors import HeronryError, VersionNotFoundError
from heronry.types.privacy import PrivacyStatus
from heronry.types.run import Evaluation, RunState, ServiceRole

_log = structlog.get_logger(__name__)

RESULT = "result.json"
EXPORT = "policy"
_LEARNER_WAIT_S = 15.0
_TAG_WAIT_S = 30.0
_RETRY_S = 0.2
_JUDGE_TIMEOUT_S = 600.0
_EXPORT_TIMEOUT_S = 30.0
_PRIVACY_TIMEOUT_S = 10.0
_DONE = frozenset({RunState.FINISHING, RunState.FINISHED, RunState.STOPPED})


class Finishing:
    """Ends one run. Judging, export and the learner's last checkpoint go on side by side."""

    def __init__(
        self,
        coordination: Coordination,
        run: Run,
        peers: Peers,
        player: Player,
        selection: Selection,
        recording: Recording,
        checkpointing: Checkpointing,
    ) -> None:
        self._coordination = coordination
        self._run = run
        self._peers = peers
        self._player = player
        self._selection = selection
        self._recording = recording
        self._checkpointing = checkpointing
        self._ended_training_s = 0.0

    async def finish(self) -> None:
        """Bring the run from FINISHING to its end; whatever fails on the way is told in the result."""
        self._ended_training_s = self._coordination.clock.wall()
        self._recording.expect_end()
        self._recording.point()
        await self._know_newest()
        stopping = asyncio.ensure_future(self._learner_has_stopped())
        try:
            notes = await self._choose_best(stopping)
            judging, problems = await asyncio.gather(
                self._judge(), asyncio.gather(self._export(), self._last_checkpoint(stopping))
            )
        finally:
            stopping.cancel()
        judged, problem = judging
        for note in filter(None, problems):
            _log.warning("finish_incomplete", reason=note)
        ending = self._run.ending or Ending(RunState.FINISHED, is_judged=True, reason="")
        state = state_after(ending.state, problem)
        reason = "; ".join([ending.reason, *notes])
        await self._tell(judged, Ending(state, ending.is_judged, problem or reason))

    async def _choose_best(self, stopping: "asyncio.Future[bool]") -> list[str]:
        """Settle which version is the best and have it tagged; return what is to be told of it."""
        plan = self._run.plan
        had_reached = plan.has_reached_target
        problem = await self._evaluate_newest(stopping)
        notes = [problem] if problem else []
        if plan.has_reached_target and not had_reached:
            notes.append("the last version has reached the target")
            had_reached = True
        await self._tag_best()
        if had_reached and not plan.has_reached_target:
            notes.append("that version is lost, the newest one was judged")
        return notes

    async def fail(self, reason: str) -> None:
        """End the run as failed, with what is known of it."""
        self._ended_training_s = self._coordination.clock.wall()
        await self._tell(None, Ending(RunState.FAILED, is_judged=False, reason=reason))

    async def _tell(self, judged: Evaluation | None, ending: Ending) -> None:
        run = self._run
        run.ending = ending
        privacy = await self._privacy()
        if judged is not None:
            self._recording.evaluation(judged, self._ended_training_s, kind="judgement")
        await self._recording.draw(self._result(judged, privacy))
        run.result = self._result(judged, privacy)
        await asyncio.to_thread(replace_json, self._recording.folder / RESULT, run.result)
        self._coordination.move(run, ending.state, ending.reason)
        await asyncio.to_thread(self._coordination.sync_journal)

    async def _privacy(self) -> dict[str, object] | None:
        """Return the claim of the policy and what is spent of it; None where none is made."""
        if self._run.spec.privacy is None:
            return None
        try:
            async with asyncio.timeout(_PRIVACY_TIMEOUT_S):
                return claim_fields(POLICY, await self._peers.params.get_privacy_status(POLICY))
        except (HeronryError, TimeoutError) as error:
            _log.warning("privacy_unknown", reason=str(error))
            told = PrivacyStatus(False, f"what was spent is not known: {error}")
            return claim_fields(POLICY, told)

    def _result(self, judged: Evaluation | None, privacy: Mapping[str, object] | None) -> dict[str, Any]:
        recording = self._recording
        now_s = self._coordination.clock.wall()
        return make_result(self._run, judged, recording.usages(), now_s, str(recording.folder), privacy)

    async def _know_newest(self) -> None:
        """Ask for the newest version where it was never seen: a coordinator may come back to the end of a run."""
        if self._run.version is not None or self._run.started_s is None:
            return
        try:
            self._run.version = (await self._peers.params.get_model(POLICY)).version
        except HeronryError as error:
            _log.warning("no_version", reason=str(error))

    async def _evaluate_newest(self, stopping: "asyncio.Future[bool]") -> str | None:
        """Have the last version compete with the best one, unless that has reached the target; return what failed.

        Where none was evaluated the newest is judged, and in lockstep the last one.
        """
        run = self._run
        if not (self._is_judged and run.keeps_best) or run.plan.best is None or run.plan.has_reached_target:
            return None
        await asyncio.shield(stopping)
        task = asyncio.ensure_future(self._selection.evaluate_newest())
        try:
            async with asyncio.timeout(_JUDGE_TIMEOUT_S):
                if await self._coordination.pulse.wait_for(task, lambda: self._is_judged):
                    task.result()
        except (HeronryError, TimeoutError) as error:
            _log.warning("newest_not_evaluated", version=str(run.version), reason=str(error))
            return f"the last version was not evaluated: {error}"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return None

    async def _tag_best(self) -> None:
        """Have the best tag where the plan has the best version.

        The selection may have been cut off between choosing and tagging, and a candidate that passed but was
        not confirmed in time competes here.
        """
        plan = self._run.plan
        plan.settle()
        if plan.best is None or self._run.version is None:
            return
        end_s = self._coordination.clock.now() + _TAG_WAIT_S
        while True:
            try:
                is_kept = await tag_best(self._peers.params, plan.best.version)
            except HeronryError as error:
                _log.warning("best_not_tagged", reason=str(error))
                if not is_transient(error) or self._coordination.clock.now() >= end_s:
                    return
                await asyncio.sleep(_RETRY_S)
                continue
            if not is_kept:
                _log.warning("best_version_lost", version=str(plan.best.version))
                plan.forget_best()
            return

    async def _judge(self) -> tuple[Evaluation | None, str | None]:
        """Play the judging episodes, unless or until the run is to end without them."""
        if not self._is_judged or self._run.version is None:
            return None, None
        task = asyncio.ensure_future(play_best(self._player, self._run, _JUDGE_TIMEOUT_S))
        # Seeds that have been handed out count as used, even if this process dies with the answer.
        await asyncio.sleep(0)
        self._coordination.journal(records.counted(self._run))
        try:
            is_done = await self._coordination.pulse.wait_for(task, lambda: self._is_judged)
            return (task.result() if is_done else None), None
        except HeronryError as error:
            return None, f"the policy could not be judged: {error}"
        finally:
            task.cancel()

    @property
    def _is_judged(self) -> bool:
        return self._run.ending is None or self._run.ending.is_judged

    async def _export(self) -> str | None:
        run = self._run
        if run.version is None:
            return None
        directory = f"{run.run_id}/{EXPORT}"
        tags = (BEST, None) if run.keeps_best and run.plan.best is not None else (None,)
        try:
            async with asyncio.timeout(_EXPORT_TIMEOUT_S):
                for tag in tags:
                    try:
                        await self._peers.params.export_version(POLICY, directory, tag=tag, metadata=self._metadata())
                    except VersionNotFoundError:
                        continue
                    return None
        except (HeronryError, TimeoutError) as error:
            return f"the policy was not exported: {error}"
        return "the policy was not exported: no version is left"

    def _metadata(self) -> dict[str, object]:
        spec = self._run.spec.to_dict()
        return {
            "run_id": self._run.run_id,
            "environment": spec["environment"],
            "algorithm": spec["algorithm"]["name"],
            "network": spec["network"],
            "seed": spec["seed"],
            "spec": spec,
        }

    async def _last_checkpoint(self, stopping: "asyncio.Future[bool]") -> str | None:
        """Wait, not for ever, until the learner has stopped and written its state; then save the models."""
        if self._run.started_s is None:
            return None
        has_stopped = await stopping
        try:
            async with asyncio.timeout(_EXPORT_TIMEOUT_S):
                await self._checkpointing.take(with_learner=False)
        except (HeronryError, TimeoutError) as error:
            return f"no last checkpoint of the parameters: {error}"
        return None if has_stopped else f"the learner did not stop within {_LEARNER_WAIT_S:g} s"

    async def _learner_has_stopped(self) -> bool:
        if not self._run.spec.needs_learner:
            return True
        end_s = self._coordination.clock.now() + _LEARNER_WAIT_S
        while (left_s := end_s - self._coordination.clock.now()) > 0:
            count = self._coordination.pulse.count
            learners = self._coordination.registry.services(ServiceRole.LEARNER)
            reports = [s.progress for s in learners if s.progress.run_id == self._run.run_id]
            if any(report.reached_state in _DONE for report in reports):
                return True
            await self._coordination.pulse.after(count, left_s)
        return False
