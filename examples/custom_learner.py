"""PPO of your own, in PyTorch, on a mesh that `heronry up` started: `python custom_learner.py [ADDRESS]`."""

import asyncio
import sys
from collections import OrderedDict

import numpy as np
import torch
from torch import Tensor, nn

from heronry.client import Batch, ContributionKind, Mesh

# `external`: the mesh plays, stores and judges, the learner is this program.
SPEC = {"environment": {"id": "CartPole-v1"}, "algorithm": {"name": "external"}, "target_return": 475}
DISCOUNT, GAE_LAMBDA, CLIP, EPOCHS = 0.98, 0.8, 0.2, 20


def mlp(num_outputs: int) -> nn.Sequential:
    """Two hidden layers, named so that the fleet finds `policy/0/weight` ... `policy/head/bias`."""
    layers = {"0": nn.Linear(4, 64), "a": nn.Tanh(), "1": nn.Linear(64, 64), "b": nn.Tanh()}
    return nn.Sequential(OrderedDict(layers, head=nn.Linear(64, num_outputs)))


torch.set_num_threads(1)
NETS = nn.ModuleDict({"policy": mlp(2), "value": mlp(1)})
OPTIMIZER = torch.optim.Adam(NETS.parameters(), lr=1e-3)


def weights() -> dict[str, np.ndarray]:
    """Return the tensors by path."""
    return {name.replace(".", "/"): tensor.detach().numpy() for name, tensor in NETS.named_parameters()}


def update(batch: Batch) -> None:
    """Improve both networks on a batch of unrolls."""
    steps = {name: torch.tensor(column) for name, column in batch.columns.items()}  # [T, B, ...]
    (gain, target), mask = advantages(steps), steps["mask"]  # False where an environment was only reset
    gain = (gain - gain[mask].mean()) / (gain[mask].std() + 1e-8)
    for _ in range(EPOCHS):
        policy = torch.distributions.Categorical(logits=NETS["policy"](steps["observation"]))
        ratio = (policy.log_prob(steps["action"]) - steps["log_probability"]).exp()
        surrogate = torch.minimum(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain)
        error = NETS["value"](steps["observation"])[..., 0] - target
        OPTIMIZER.zero_grad()
        (0.5 * error.square() - surrogate)[mask].mean().backward()
        OPTIMIZER.step()


def advantages(steps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return generalised advantages and value targets, [T, B] each."""
    with torch.no_grad():
        value, successor = (NETS["value"](steps[k])[..., 0] for k in ("observation", "next_observation"))
    goes_on = ~(steps["terminated"] | steps["truncated"])
    result = steps["reward"] + DISCOUNT * ~steps["terminated"] * successor - value
    for t in reversed(range(len(result) - 1)):
        result[t] += DISCOUNT * GAE_LAMBDA * goes_on[t] * result[t + 1]
    return result, result + value


async def learn(mesh: Mesh) -> None:
    """Publish first weights, then better ones after each batch."""
    version, _ = await mesh.params.register_model("policy", weights())
    async for batch in mesh.replay.sample("experience", batch_size=8, credits=1):
        update(batch)
        pushed = await mesh.params.push("policy", weights(), kind=ContributionKind.WEIGHTS, base_version=version)
        version = pushed.version


async def main(mesh: Mesh) -> None:
    """Run until the coordinator has judged the policy."""
    async with mesh, asyncio.TaskGroup() as tasks:
        run = await mesh.start_run(SPEC)
        learner = tasks.create_task(learn(mesh))
        async for status in mesh.coordinator.watch_run(run.run_id):
            print(f"{status.state.value:>9} {status.env_steps:>7} steps, mean return {status.mean_return or 0.0:5.1f}")
        learner.cancel()
        print(f"judged: {status.result.get('eval_mean')}")


asyncio.run(main(Mesh.connect(sys.argv[1]) if len(sys.argv) > 1 else Mesh.embedded()))
