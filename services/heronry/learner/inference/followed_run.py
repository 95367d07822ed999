"""Central inference of a run whose learner is the user's own program."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from heronry.client.connection import Resolver
from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.learner.config import LearnerServiceSettings
from heronry.learner.inference.central import CentralInference
from heronry.learner.inference.host import InferenceHost
from heronry.learner.plan import RunPlan
from heronry.learner.transient import is_transient
from heronry.runtime.backoff import Backoff
from heronry.runtime.clock import Clock
from heronry.spec import POLICY
from heronry.types.errors import HeronryError, UnavailableError
from heronry.types.run import Assignment, Progress, ServiceRole

_log = structlog.get_logger("heronry.learner")

_WAIT_S: Final = 10.0


class FollowedRun:
    """Evaluates, for the run's fleets, each version that params has, whoever published it; for one event loop."""

    def __init__(
        self,
        assignment: Assignment,
        plan: RunPlan,
        host: InferenceHost,
        connection: ConnectionOptions,
        settings: LearnerServiceSettings,
        clock: Clock,
    ) -> None:
        self.run_id = assignment.run_id
        self._assignment = assignment
        self._plan = plan
        self._host = host
        self._settings = settings
        self._clock = clock
        self._params = ParamsClient(self._resolver(), connection)
        self._inference: CentralInference | None = None
        self._failure: str | None = None
        self._task = asyncio.create_task(self._work())

    def apply(self, assignment: Assignment) -> None:
        """Do what the assignment says from now on; endpoints are looked up at the next connection."""
        self._assignment = assignment

    def progress(self) -> Progress:
        """Return what the next heartbeat carries."""
        reached = None if self._failure else self._assignment.desired_state
        return Progress(run_id=self.run_id, failure=self._failure, reached_state=reached)

    async def close(self) -> None:
        """End the streams, drop the connections."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._inference is not None:
            await self._host.leave(self._inference.engine)
        await self._params.close()

    async def _work(self) -> None:
        """Follow the versions to the end; tell whatever prevents it."""
        try:
            network = await asyncio.to_thread(self._plan.network)
            policy = self._plan.central_policy(self.run_id, network)
            if policy is None:
                return
            limits = self._plan.inference_limits(self._settings)
            self._inference = CentralInference(policy, self._params, limits, self._clock.now)
            self._host.take(self._inference.engine)
            await self._follow(self._inference)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # an environment's constructor may raise anything; the coordinator is told
            self._failure = f"{type(error).__name__}: {error}"
            _log.error("inference_ended", run_id=self.run_id, reason=self._failure)

    async def _follow(self, inference: CentralInference) -> None:
        backoff = Backoff()
        while True:
            try:
                # A watch may refuse a model that is not registered yet; a pull waits for it.
                await self._params.pull(POLICY, wait_s=_WAIT_S)
                async for parameters in self._params.watch(POLICY):
                    await inference.take(parameters)
                    backoff.reset()
            except HeronryError as error:
                if not is_transient(error):
                    raise
                _log.info("versions_lost", run_id=self.run_id, reason=str(error))
            await asyncio.sleep(backoff.next_s())

    def _resolver(self) -> Resolver:
        async def resolve() -> Sequence[str]:
            endpoints = self._assignment.of_role(ServiceRole.PARAMS)
            if not endpoints:
                raise UnavailableError(f"no params service is assigned to run {self.run_id!r}")
            return endpoints[0].addresses

        return resolve
