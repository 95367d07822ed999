"""The newest version competes when a run ends, and what evaluations failed with is told."""

import asyncio
import json
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

from heronry.client.coordinator import CoordinatorClient
from heronry.client.params import ParamsClient
from heronry.types.contribution import ContributionKind
from heronry.types.errors import HeronryError
from heronry.types.run import RunState, RunStatus
from heronry.types.version import ParameterVersion

DEADLINE_S = 30.0
# One version is evaluated while the run goes on, at once; no other is ever due.
ONCE = {"every_updates": 1, "min_interval_s": 3600, "episodes": 10, "judge_episodes": 20, "passes": 2}
Weights = Callable[[float], dict[str, Any]]
MakeSpec = Callable[..., dict[str, Any]]


async def started(mesh: Any) -> None:
    await mesh.start("coordinator")
    await asyncio.gather(*(mesh.start(role) for role in ("params", "replay", "fleet")))


async def until(coordinator: CoordinatorClient, is_there: Callable[[RunStatus], bool]) -> RunStatus:
    async with asyncio.timeout(DEADLINE_S):
        async for status in coordinator.watch_run("run-1"):
            if is_there(status):
                return status
    raise AssertionError("the run ended before that")


async def registered(params: ParamsClient, weights: dict[str, Any]) -> ParameterVersion:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                version, _ = await params.register_model("policy", weights)
            except HeronryError:
                continue
            else:
                return version


async def ended_after(mesh: Any, spec: dict[str, Any], first: dict[str, Any], last: dict[str, Any]) -> RunStatus:
    """Return how a run ended whose first version was evaluated, and whose last one was not."""
    await started(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec, "run-1")
        version = await registered(params, first)
        await until(coordinator, lambda s: s.evaluation is not None)
        await params.push("policy", last, base_version=version, kind=ContributionKind.WEIGHTS)
        await coordinator.stop(evaluate=True)
        return await until(coordinator, lambda s: s.state.has_ended)


async def test_a_last_version_that_was_never_evaluated_is_judged_when_it_is_better(
    mesh: Any, weights: Weights, spec: MakeSpec
) -> None:
    ended = await ended_after(mesh, spec(evaluation=ONCE, target_return=None), weights(0.0), weights(1.0))

    assert (ended.state, ended.result["version"], ended.result["eval_mean"]) == (RunState.STOPPED, "1.2", 500)
    assert ended.result["selection"]["version"] == "1.2"
    lines = (mesh.data_dir / "run-1" / "progress.jsonl").read_text().splitlines()
    told = [line["version"] for line in map(json.loads, lines) if line["kind"] == "evaluation"]
    assert told == ["1.1", "1.2"]


async def test_a_last_version_that_is_worse_is_not_judged(mesh: Any, weights: Weights, spec: MakeSpec) -> None:
    ended = await ended_after(mesh, spec(evaluation=ONCE, target_return=None), weights(1.0), weights(0.0))

    assert (ended.result["version"], ended.result["eval_mean"]) == ("1.1", 500)


async def test_a_last_version_may_reach_the_target(mesh: Any, weights: Weights, spec: MakeSpec) -> None:
    ended = await ended_after(mesh, spec(evaluation=ONCE), weights(0.0), weights(1.0))

    assert ended.result["reached_target"]
    # It has passed twice, each time on fresh seeds.
    assert ended.result["selection"]["episodes"] == 20
    assert ended.result["reason"] == "stopped by request; the last version has reached the target"


@pytest.fixture
def hanging_pole() -> Iterator[None]:
    """A pole that hangs in the first selection evaluation and where nothing else is played."""
    may_end = threading.Event()

    class HangingPole(CartPoleEnv):
        is_hanging = False

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.is_hanging = seed is not None and 1_000_000 <= seed < 1_000_010
            return super().reset(seed=seed, options=options)

        def step(self, action: Any) -> Any:
            if self.is_hanging:
                may_end.wait(DEADLINE_S)
            return super().step(action)

    module: Any = types.ModuleType("hanging_pole")
    module.HangingPole = HangingPole
    sys.modules["hanging_pole"] = module
    yield
    may_end.set()
    del sys.modules["hanging_pole"]


async def test_an_evaluation_that_hangs_is_told_while_the_run_goes_on_and_the_next_candidate_is_evaluated(
    mesh: Any, weights: Weights, spec: MakeSpec, hanging_pole: None
) -> None:
    environment = {"id": "hanging_pole:HangingPole", "isolation": "none", "step_timeout_s": 0.5}
    evaluation = {"every_updates": 1, "min_interval_s": 0, "episodes": 10}
    await started(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(environment=environment, evaluation=evaluation, target_return=None), "run-1")
        version = await registered(params, weights(0.0))

        told = await until(coordinator, lambda s: "not evaluated" in s.message)
        await params.push("policy", weights(0.5), base_version=version, kind=ContributionKind.WEIGHTS)
        after = await until(coordinator, lambda s: s.evaluation is not None and not s.message)

    assert told.state is after.state is RunState.RUNNING
    assert (
        "version 1.1 was not evaluated: environment 'hanging_pole:HangingPole' (index 0, seed 1000000" in told.message
    )
    assert "step 1): no end of a step within 0.5 s" in told.message
    assert after.evaluation is not None
    assert after.evaluation.version.number == 2
