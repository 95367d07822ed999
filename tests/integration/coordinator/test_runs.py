"""Runs on real services: to the target, stopped, resumed, and past the death of each service."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heronry.client.coordinator import CoordinatorClient
from heronry.client.fleet import FleetClient
from heronry.client.params import ParamsClient
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    AlreadyExistsError,
    ConfigurationError,
    FailedPreconditionError,
    HeronryError,
    InvalidArgumentError,
    RunActiveError,
    RunNotFoundError,
)
from heronry.types.run import Evaluation, RunState, RunStatus
from heronry.types.version import ParameterVersion

DEADLINE_S = 30.0
Weights = Callable[[float], dict[str, Any]]
MakeSpec = Callable[..., dict[str, Any]]


async def start_all(mesh) -> None:
    await mesh.start("coordinator")
    await asyncio.gather(*(mesh.start(role) for role in ("params", "replay", "fleet")))


async def until(coordinator: CoordinatorClient, run_id: str, is_there: Callable[[RunStatus], bool]) -> RunStatus:
    async with asyncio.timeout(DEADLINE_S):
        async for status in coordinator.watch_run(run_id):
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


async def push(params: ParamsClient, base: ParameterVersion, weights: dict[str, Any]) -> ParameterVersion:
    done = await params.push("policy", weights, base_version=base, kind=ContributionKind.WEIGHTS)
    return done.version


async def until_newer(params: ParamsClient, version: ParameterVersion) -> ParameterVersion:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                newest = (await params.get_model("policy")).version
            except HeronryError:
                continue
            if newest.is_newer_than(version):
                return newest
            await asyncio.sleep(0.05)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_run_is_judged_once_its_policy_has_passed_and_leaves_everything_in_its_folder(
    mesh, weights: Weights, spec: MakeSpec
) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        submitted = await coordinator.submit_run(spec(), "run-1")
        version = await registered(params, weights(0.0))
        await until(coordinator, "run-1", lambda s: s.evaluation is not None and s.evaluation.mean_return < 475)

        await push(params, version, weights(1.0))
        ended = await until(coordinator, "run-1", lambda s: s.state.has_ended)
        again = [status async for status in coordinator.watch_run("run-1")]

    assert submitted.state in {RunState.PENDING, RunState.RUNNING}
    assert (ended.state, ended.message) == (RunState.FINISHED, "target reached")
    result = ended.result
    assert (result["eval_mean"], result["eval_episodes"], result["version"]) == (500, 20, "1.2")
    assert result["selection"]["episodes"] == 20
    assert set(result["services"]) == {"coordinator-0", "params-0", "replay-0", "fleet-0"}
    assert [status.state for status in again] == [RunState.FINISHED]
    folder = mesh.data_dir / "run-1"
    assert json.loads((folder / "result.json").read_text())["eval_mean"] == 500
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert list(folder.glob("events.out.tfevents.*"))
    assert (folder / "spec.yaml").exists()
    assert (folder / "policy" / "policy.safetensors").exists()
    exported = json.loads((folder / "policy" / "policy.json").read_text())["metadata"]
    assert (exported["environment"]["id"], exported["algorithm"]) == ("CartPole-v1", "external")
    kinds = [json.loads(line)["kind"] for line in (folder / "progress.jsonl").read_text().splitlines()]
    assert {"progress", "evaluation", "judgement"} == set(kinds)


async def test_a_paused_run_stays_put_until_it_is_resumed(mesh, weights: Weights, spec: MakeSpec) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(target_return=None), "run-1")
        version = await registered(params, weights(0.0))
        await until(coordinator, "run-1", lambda s: s.env_steps > 0)

        paused = await coordinator.pause()
        await push(params, version, weights(1.0))
        seen = await until(coordinator, "run-1", lambda s: s.version is not None and s.version.number == 2)
        assert paused.state is seen.state is RunState.PAUSED
        assert seen.evaluation is None or seen.evaluation.version.number == 1

        resumed = await coordinator.resume()
        assert resumed.state is RunState.RUNNING
        await until(coordinator, "run-1", lambda s: s.evaluation is not None and s.evaluation.version.number == 2)


async def test_a_run_that_is_stopped_goes_on_from_where_it_was(mesh, weights: Weights, spec: MakeSpec) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(), "run-1")
        version = await registered(params, weights(0.0))
        await until(coordinator, "run-1", lambda s: s.env_steps >= 16)

        await coordinator.stop(evaluate=False)
        stopped = await until(coordinator, "run-1", lambda s: s.state.has_ended)
        resumed = await coordinator.submit_run({}, "run-1", restore=True)
        await push(params, version, weights(1.0))
        ended = await until(coordinator, "run-1", lambda s: s.state.has_ended)

    assert stopped.state is RunState.STOPPED
    assert stopped.result["eval_mean"] is None
    assert resumed.mean_return is None
    assert ended.state is RunState.FINISHED
    assert ended.env_steps > stopped.env_steps
    assert ended.elapsed_s > stopped.elapsed_s
    assert ended.result["eval_mean"] == 500


async def test_a_run_ends_when_its_steps_are_used_and_judges_what_there_is(
    mesh, weights: Weights, spec: MakeSpec
) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(max_env_steps=16), "run-1")
        await registered(params, weights(0.0))
        ended = await until(coordinator, "run-1", lambda s: s.state.has_ended)

    assert ended.state is RunState.FINISHED
    assert "max_env_steps (16)" in ended.message
    assert ended.result["eval_mean"] < 20
    assert not ended.result["reached_target"]


async def test_the_coordinator_comes_back_to_the_same_run(mesh, weights: Weights, spec: MakeSpec) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(), "run-1")
        version = await registered(params, weights(0.0))
        before = await until(coordinator, "run-1", lambda s: s.env_steps > 0 and s.evaluation is not None)

        await mesh.stop("coordinator-0")
        await push(params, version, weights(1.0))
        await mesh.start("coordinator")
        ended = await until(coordinator, "run-1", lambda s: s.state.has_ended)
        services = {service.instance: service for service in await coordinator.list_services()}

    assert ended.state is RunState.FINISHED, ended.message
    assert ended.env_steps >= before.env_steps
    assert ended.elapsed_s > before.elapsed_s
    assert ended.result["eval_mean"] == 500
    assert services["fleet-0"].num_starts == 1


@pytest.mark.parametrize("role", ["params", "replay", "fleet"])
async def test_a_service_that_dies_and_comes_back_costs_the_run_nothing(
    mesh, weights: Weights, spec: MakeSpec, role: str
) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(), "run-1")
        await registered(params, weights(0.0))
        before = await until(coordinator, "run-1", lambda s: s.env_steps > 0 and s.checkpoint_time_s is not None)

        await mesh.stop(f"{role}-0")
        await mesh.start(role)
        newest = await params.pull("policy", wait_s=DEADLINE_S)
        await push(params, newest.version, weights(1.0))
        ended = await until(coordinator, "run-1", lambda s: s.state.has_ended)

    assert ended.state is RunState.FINISHED, ended.message
    assert ended.env_steps >= before.env_steps
    assert ended.result["eval_mean"] == 500
    assert ended.result["services"][f"{role}-0"]["starts"] == 2


async def test_the_version_that_passed_is_judged_when_params_dies_before_it_has_the_tag(
    mesh, weights: Weights, spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag_version, evaluate = ParamsClient.tag_version, FleetClient.evaluate
    passes: list[ParameterVersion] = []

    async def evaluate_and_die(self: FleetClient, *args: Any, **options: Any) -> Evaluation:
        evaluation = await evaluate(self, *args, **options)
        passes.extend([evaluation.version] if evaluation.version.number == 2 else [])
        if len(passes) == 2:
            await mesh.stop("params-0")
            await mesh.start("params")
            await until(coordinator, "run-1", lambda s: s.version is not None and s.version.epoch == 2)
        return evaluation

    async def tag_slowly(self: ParamsClient, model: str, tag: str, number: int = 0) -> ParameterVersion:
        # Heartbeats come meanwhile, at each of which the run might end.
        await asyncio.sleep(0.5 if len(passes) == 2 else 0.0)
        return await tag_version(self, model, tag, number)

    monkeypatch.setattr(FleetClient, "evaluate", evaluate_and_die)
    monkeypatch.setattr(ParamsClient, "tag_version", tag_slowly)
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(), "run-1")
        version = await registered(params, weights(0.0))
        await until(coordinator, "run-1", lambda s: s.evaluation is not None)
        passing = await push(params, version, weights(1.0))
        ended = await until(coordinator, "run-1", lambda s: s.state.has_ended)

    assert ended.state is RunState.FINISHED, ended.message
    assert ended.result["reached_target"]
    assert ended.result["content_hash"] == passing.content_hash.hex()
    assert ended.result["eval_mean"] == 500


async def test_a_copy_of_a_runs_folder_goes_on_by_itself_and_leaves_the_original_alone(
    mesh, weights: Weights, spec: MakeSpec
) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(), "run-1")
        version = await registered(params, weights(0.0))
        await until(coordinator, "run-1", lambda s: s.env_steps >= 16)
        await coordinator.stop(evaluate=False)
        await until(coordinator, "run-1", lambda s: s.state.has_ended)
        shutil.copytree(mesh.data_dir / "run-1", mesh.data_dir / "run-2")
        before = contents(mesh.data_dir / "run-1")

        resumed = await coordinator.submit_run({}, "run-2", restore=True)
        newest = await until_newer(params, version)
        await push(params, newest, weights(1.0))
        ended = await until(coordinator, "run-2", lambda s: s.state.has_ended)
        listed = [status.run_id for status in await coordinator.list_runs()]

    assert resumed.run_id == ended.run_id == ended.result["run_id"] == "run-2"
    assert ended.result["run_dir"] == str(mesh.data_dir / "run-2")
    assert ended.result["eval_mean"] == 500
    assert sorted(listed) == ["run-1", "run-2"]
    assert contents(mesh.data_dir / "run-1") == before


async def test_a_finished_run_goes_on_only_when_more_is_asked_of_it(mesh, weights: Weights, spec: MakeSpec) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator, mesh.params() as params:
        await coordinator.submit_run(spec(), "run-1")
        await registered(params, weights(1.0))
        ended = await until(coordinator, "run-1", lambda s: s.state.has_ended)
        before = contents(mesh.data_dir / "run-1")

        for same in ({}, spec()):
            with pytest.raises(FailedPreconditionError, match=r"already finished.*raise max_env_steps"):
                await coordinator.submit_run(same, "run-1", restore=True)
        unchanged = contents(mesh.data_dir / "run-1")
        more = await coordinator.submit_run(spec(max_env_steps=2 * 10**6), "run-1", restore=True)
        again = await until(coordinator, "run-1", lambda s: s.state.has_ended)

    assert ended.message == "target reached"
    assert unchanged == before
    assert not more.state.has_ended
    assert again.env_steps > ended.env_steps


async def test_a_service_that_cannot_go_on_fails_the_run_by_name(mesh, spec: MakeSpec) -> None:
    await start_all(mesh)
    async with mesh.coordinator() as coordinator:
        await coordinator.submit_run(spec(environment={"id": "NoSuchEnvironment-v0"}), "run-1")
        ended = await until(coordinator, "run-1", lambda s: s.state.has_ended)

    assert ended.state is RunState.FAILED
    assert "fleet-0" in ended.message
    assert "NoSuchEnvironment-v0" in ended.message
    assert ended.result["state"] == "failed"


async def test_bad_requests_are_refused_by_name_and_disturb_nothing(mesh, spec: MakeSpec) -> None:
    await mesh.start("coordinator")
    async with mesh.coordinator() as coordinator:
        with pytest.raises(RunNotFoundError):
            await coordinator.get_run()
        with pytest.raises(FailedPreconditionError, match="no run is active"):
            await coordinator.pause()
        with pytest.raises(ConfigurationError, match=r"nearest: 'fleet\.num_envs'"):
            await coordinator.submit_run(spec(fleet={"num_env": 3}))
        with pytest.raises(InvalidArgumentError, match=r"network\.convolution: got 1, allowed: none"):
            await coordinator.submit_run(spec(network={"convolution": [{"channels": 4}]}))

        first = await coordinator.submit_run(spec(), "run-1", request_id="request-1")
        repeated = await coordinator.submit_run(spec(), "run-1", request_id="request-1")
        with pytest.raises(RunActiveError, match="run-1"):
            await coordinator.submit_run(spec(), "run-2")
        waiting = await until(coordinator, "", lambda s: bool(s.message))
        await coordinator.stop(evaluate=False)
        await until(coordinator, "run-1", lambda s: s.state is RunState.STOPPED)
        with pytest.raises(AlreadyExistsError, match="run-1"):
            await coordinator.submit_run(spec(), "run-1")
        with pytest.raises(RunNotFoundError, match="run-1"):
            await coordinator.submit_run({}, "run-7", restore=True)
        runs = await coordinator.list_runs()

    assert first.run_id == repeated.run_id == "run-1"
    assert waiting.message == "waiting for: params, replay, fleet"
    assert [run.run_id for run in runs] == ["run-1"]
