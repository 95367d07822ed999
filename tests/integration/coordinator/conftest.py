"""A mesh of real services on UNIX sockets, without a learner: the test's own program takes its place."""

import contextlib
import importlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heronry.client.coordinator import CoordinatorClient
from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.coordinator import CoordinatorSettings
from heronry.coordinator import build as build_coordinator
from heronry.runtime.node import ServiceNode
from heronry.types.models import ModelSettings

OBSERVATIONS, ACTIONS = 4, 2


class Mesh:
    """Starts and ends single services, as their processes would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "runs"
        self.nodes: dict[str, ServiceNode] = {}

    def address(self, instance: str) -> str:
        return f"unix:{self.folder}/{instance}"

    async def start(self, role: str, instance: str = "", **settings: Any) -> ServiceNode:
        instance = instance or f"{role}-0"
        common = {
            "instance": instance,
            "listen": (self.address(instance),),
            "data_dir": self.data_dir,
            "coordinator": "" if role == "coordinator" else self.address("coordinator-0"),
            "heartbeat_s": 0.1,
        }
        if role == "coordinator":
            service = build_coordinator(CoordinatorSettings(**common, **settings))
        else:
            module = importlib.import_module(f"heronry.{role}")
            cls = next(c for n, c in vars(module).items() if n.endswith("Settings"))
            service = module.build(cls(**common, **settings))
        node = ServiceNode(service, service._settings)
        await node.start()
        self.nodes[instance] = node
        return node

    async def stop(self, instance: str) -> None:
        await self.nodes.pop(instance).stop()

    async def close(self) -> None:
        for instance in sorted(self.nodes, key=lambda name: name.startswith("coordinator")):
            await self.stop(instance)

    def coordinator(self) -> CoordinatorClient:
        return CoordinatorClient(self.address("coordinator-0"))

    def params(self) -> ParamsClient:
        return ParamsClient(self.address("params-0"), ConnectionOptions(client_id="learner"))


@pytest.fixture
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    # A short path: the kernel bounds the length of a socket's.
    made = Mesh(tmp_path_factory.mktemp("m"))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(made.close)
        yield made


@pytest.fixture
def weights() -> Callable[[float], dict[str, Any]]:
    """Make a policy: 1 balances the pole by leaning with it, 0 always pushes to one side."""

    def make(skill: float) -> dict[str, Any]:
        rng = np.random.default_rng(0)
        tensors = {
            "policy/0/weight": np.zeros((8, OBSERVATIONS)),
            "policy/0/bias": np.zeros(8),
            "policy/head/weight": np.zeros((ACTIONS, 8)),
            "policy/head/bias": np.array([1.0 - skill, 0.0]),
            "value/0/weight": rng.normal(size=(8, OBSERVATIONS)),
            "value/0/bias": np.zeros(8),
            "value/head/weight": np.zeros((1, 8)),
            "value/head/bias": np.zeros(1),
        }
        # Push to the side to which the pole leans and turns.
        tensors["policy/0/weight"][0] = skill * np.array([0.03, 0.1, 0.6, 0.6])
        tensors["policy/head/weight"][1, 0] = skill * 10.0
        return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}

    return make


@pytest.fixture
def spec() -> Callable[..., dict[str, Any]]:
    """Make a spec whose learner is the test."""

    def make(**sections: Any) -> dict[str, Any]:
        return {
            "environment": {"id": "CartPole-v1"},
            "algorithm": {"name": "external"},
            "network": {"hidden": [8], "activation": "tanh"},
            "fleet": {"num_envs": 2, "unroll_length": 8},
            "target_return": 475,
            "evaluation": {"every_updates": 1, "episodes": 10, "judge_episodes": 20, "passes": 2},
            **sections,
        }

    return make


@pytest.fixture
def settings() -> ModelSettings:
    return ModelSettings()
