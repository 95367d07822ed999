"""Evaluates candidates while the run learns, and keeps the best."""

import asyncio

import structlog

from heronry.client.params import ParamsClient
from heronry.coordinator.coordination import Coordination
from heronry.coordinator.core import records
from heronry.coordinator.core.evaluation_plan import Verdict
from heronry.coordinator.core.run import Run
from heronry.coordinator.notice import Notice
from heronry.coordinator.peers import Peers, is_transient
from heronry.coordinator.playing import Game, Player
from heronry.coordinator.recording import Recording
from heronry.spec import POLICY
from heronry.types.errors import HeronryError, VersionNotFoundError
from heronry.types.run import Evaluation, RunState
from heronry.types.version import ParameterVersion

_log = structlog.get_logger(__name__)

CANDIDATE = "candidate"
BEST = "best"
_RETRY_S = 0.2


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
        self._notice = Notice(coordination, run)
        self._kept: ParameterVersion | None = None

    @property
    def has_kept_best(self) -> bool:
        """Whether the best tag is known to be on the best version: only then may the run end with it."""
        best = self._run.plan.best
        return best is not None and self._kept is not None and best.version.has_values_of(self._kept)

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
            version = self._run.version or ParameterVersion(0, 0)
            try:
                if self._run.plan.has_reached_target and not self.has_kept_best:
                    await self._keep_best()
                version = await self._due()
                await self._evaluate()
                self._notice.tell("")
            except HeronryError as error:
                _log.warning("candidate_skipped", version=str(version), reason=str(error))
                self._run.plan.skip(version, self._coordination.clock.now())
                self._notice.tell(f"version {version} was not evaluated: {error}")

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

    async def evaluate_newest(self) -> None:
        """Let the newest version compete, unless it has: where evaluations are slow, the last one may be old.

        Raises:
          HeronryError: it could not be evaluated.
        """
        plan, newest = self._run.plan, (await self._peers.params.get_model(POLICY)).version
        self._run.version = newest
        if not any(known is not None and known.version.has_values_of(newest) for known in (plan.best, plan.candidate)):
            await self._evaluate()

    async def _evaluate(self) -> None:
        await self._keep_best()
        candidate = await self._peers.params.tag_version(POLICY, CANDIDATE)
        clock = self._coordination.clock
        tagged_s = clock.wall()
        verdict = Verdict.CONFIRM
        while verdict is Verdict.CONFIRM:
            plan = self._run.plan
            game = Game(CANDIDATE, self._run.spec.evaluation.episodes, plan.selection_seed())
            begun_s, env_steps = clock.now(), self._run.env_steps
            evaluation = await self._player.play(game)
            if not evaluation.version.has_values_of(candidate):
                raise VersionNotFoundError.of("candidate", str(candidate), [str(evaluation.version)])
            now_s = clock.now()
            verdict = plan.record(evaluation.version, evaluation.returns, env_steps, now_s, now_s - begun_s)
            if verdict is Verdict.CONFIRM:
                self._recording.expect_end()
            self._recording.evaluation(evaluation, tagged_s)
            await self._keep(evaluation, verdict)

    async def _keep(self, evaluation: Evaluation, verdict: Verdict) -> None:
        self._coordination.journal(records.counted(self._run))
        _log.info(
            "candidate_evaluated",
            version=str(evaluation.version),
            mean_return=round(evaluation.mean_return, 2),
            verdict=verdict.value,
        )
        await self._keep_best()
        self._coordination.changed()

    async def _keep_best(self) -> None:
        """Have the best tag on the best version, however often params goes away; forget a version that is gone."""
        plan = self._run.plan
        while plan.best is not None:
            best = plan.best.version
            try:
                is_kept = await tag_best(self._peers.params, best)
            except HeronryError as error:
                if not is_transient(error):
                    raise
                _log.info("best_not_tagged_yet", version=str(best), reason=str(error))
                await asyncio.sleep(_RETRY_S)
                continue
            if is_kept:
                self._kept = best
                return
            _log.warning("best_version_lost", version=str(best))
            plan.forget_best()
            self._coordination.journal(records.counted(self._run))


async def tag_best(params: ParamsClient, best: ParameterVersion) -> bool:
    """Put the best tag on the version with these values; returns False when they are gone.

    After a restart the number may stand for other values: the content decides.
    """
    for info in await params.list_versions(POLICY):
        if info.version.has_values_of(best):
            if BEST in info.tags:
                return True
            return (await params.tag_version(POLICY, BEST, best.number)).has_values_of(best)
    return False


async def play_best(player: Player, run: Run, timeout_s: float) -> Evaluation:
    """Judge the best version, or the newest when none is kept, on seeds used nowhere else."""
    seed = run.plan.judging_seed()
    episodes = run.spec.evaluation.judge_episodes
    if run.keeps_best and run.plan.best is not None:
        try:
            judged = await player.play(Game(BEST, episodes, seed), timeout_s)
            if judged.version.has_values_of(run.plan.best.version):
                return judged
            reason = f"{judged.version} has the tag"
        except VersionNotFoundError as error:
            reason = str(error)
        _log.warning("best_version_lost", version=str(run.plan.best.version), reason=reason)
        run.plan.forget_best()
        seed = run.plan.judging_seed()
    return await player.play(Game(None, episodes, seed), timeout_s)
