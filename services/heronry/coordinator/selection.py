"""Evaluates candidates while the run learns, and keeps the best."""

import structlog

from heronry.coordinator.coordination import Coordination
from heronry.coordinator.core import records
from heronry.coordinator.core.evaluation_plan import Verdict
from heronry.coordinator.core.run import Run
from heronry.coordinator.peers import Peers
from heronry.coordinator.playing import Game, Player
from heronry.coordinator.recording import Recording
from heronry.spec import POLICY
from heronry.types.errors import HeronryError, VersionNotFoundError
from heronry.types.run import Evaluation, RunState
from heronry.types.version import ParameterVersion

_log = structlog.get_logger(__name__)

CANDIDATE = "candidate"
BEST = "best"


class Selection:
    """One run's selection evaluations; nothing waits for them but the target itself."""

    def __init__(
        self, coordination: Coordination, run: Run, peers: Peers, player: Player, recording: Recording
    ) -> None:
        self._coordination = coordination
        self._run = run
        self._peers = peers
        self._player = player
        self._recording = recording

    async def watch_versions(self) -> None:
        """Follow the newest version for ever; a parameter service that is away comes back."""
        while True:
            count = self._coordination.pulse.count
            try:
                async for parameters in self._peers.params.watch(POLICY, with_values=False):
                    self._run.version = parameters.version
                    self._coordination.pulse.beat()
            except HeronryError as error:
                # The model does not exist yet, or params is away: the next change is soon enough.
                _log.debug("watch_broken", reason=str(error))
                await self._coordination.pulse.after(count, 0.1)

    async def evaluate_candidates(self) -> None:
        """Evaluate each candidate that is due, for ever; failures cost the candidate, never the run."""
        while True:
            version = await self._due()
            try:
                await self._evaluate()
            except HeronryError as error:
                _log.warning("candidate_skipped", version=str(version), reason=str(error))
                self._run.plan.skip(version, self._coordination.clock.now())

    async def _due(self) -> ParameterVersion:
        while True:
            count = self._coordination.pulse.count
            version, run = self._run.version, self._run
            if (
                version is not None
                and run.state is RunState.RUNNING
                and run.plan.wants(version, self._coordination.clock.now())
            ):
                return version
            await self._coordination.pulse.after(count, 0.5)

    async def _evaluate(self) -> None:
        await self._forget_lost_best()
        await self._peers.params.tag_version(POLICY, CANDIDATE)
        clock = self._coordination.clock
        tagged_s = clock.wall()
        verdict = Verdict.CONFIRM
        while verdict is Verdict.CONFIRM:
            plan = self._run.plan
            game = Game(CANDIDATE, self._run.spec.evaluation.episodes, plan.selection_seed())
            begun_s, env_steps = clock.now(), self._run.env_steps
            evaluation = await self._player.play(game)
            now_s = clock.now()
            verdict = plan.record(evaluation.version, evaluation.returns, env_steps, now_s, now_s - begun_s)
            if verdict is Verdict.CONFIRM:
                self._recording.expect_end()
            self._recording.evaluation(evaluation, tagged_s)
            await self._keep(evaluation, verdict)

    async def _keep(self, evaluation: Evaluation, verdict: Verdict) -> None:
        plan = self._run.plan
        self._coordination.journal(records.counted(self._run))
        _log.info(
            "candidate_evaluated",
            version=str(evaluation.version),
            mean_return=round(evaluation.mean_return, 2),
            verdict=verdict.value,
        )
        if plan.best is not None and plan.best.version == evaluation.version:
            await self._peers.params.tag_version(POLICY, BEST, evaluation.version.number)
        self._coordination.changed()

    async def _forget_lost_best(self) -> None:
        """After params came back in another epoch the best version may be gone; then the next one counts."""
        best, version = self._run.plan.best, self._run.version
        if best is None or version is None or best.version.epoch == version.epoch:
            return
        kept = {tag for info in await self._peers.params.list_versions(POLICY) for tag in info.tags}
        if BEST not in kept:
            _log.warning("best_version_lost", version=str(best.version))
            self._run.plan.best = None


async def play_best(player: Player, run: Run, timeout_s: float) -> Evaluation:
    """Judge the best version, or the newest when none is kept, on seeds used nowhere else."""
    seed = run.plan.judging_seed()
    episodes = run.spec.evaluation.judge_episodes
    if run.keeps_best and run.plan.best is not None:
        try:
            return await player.play(Game(BEST, episodes, seed), timeout_s)
        except VersionNotFoundError as error:
            _log.warning("best_version_lost", reason=str(error))
    return await player.play(Game(None, episodes, seed), timeout_s)
