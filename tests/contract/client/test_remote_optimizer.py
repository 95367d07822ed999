"""An optimiser whose step the service takes moves parameters as a local one does."""

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import heronry.client
import heronry.client.sync
from heronry.client import ContributionKind, ParameterCodec
from heronry.types.consistency import Asynchronous, BufferedAsynchronous, StaleSynchronous, SynchronousRounds
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.models import ContributionLimits, ModelSettings
from heronry.types.optimizers import AdamOptimizer, SgdOptimizer
from heronry.types.run import ServiceRole
from heronry.types.tensors import MergeRule, TensorRole

SGD = ModelSettings(optimizer=SgdOptimizer(0.1, momentum=0.9))


@pytest.fixture
def make_optimizer(clients: SimpleNamespace, awaitable: Any) -> Any:
    """Makes the optimiser of either client, awaitable."""

    def make(parameters: object, **options: Any) -> Any:
        if isinstance(clients.params, heronry.client.ParamsClient):
            return heronry.client.RemoteOptimizer(clients.params, "policy", parameters, **options)
        if "worker" in options:
            options["worker"] = options["worker"]._target
        return awaitable(heronry.client.sync.RemoteOptimizer(clients.params._target, "policy", parameters, **options))

    return make


def make_module(seed: int = 0) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return module


def loss_of(module: torch.nn.Module, step: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(step)
    return (module(torch.randn(16, 4, generator=generator)) ** 2).mean()


def assert_equal(one: torch.nn.Module, other: torch.nn.Module, tolerance: float = 1e-6) -> None:
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


async def test_steps_equal_those_of_torch(make_optimizer: Any) -> None:
    remote, local = make_module(), make_module()
    optimizer = make_optimizer(remote)
    reference = torch.optim.SGD(local.parameters(), lr=0.1, momentum=0.9)
    assert await optimizer.register(SGD)

    for step in range(10):
        for module in (remote, local):
            module.zero_grad()
            loss_of(module, step).backward()
        await optimizer.step()
        reference.step()

    assert_equal(remote, local)
    assert optimizer.num_refused == 0


async def test_a_closure_computes_the_loss_that_is_returned(make_optimizer: Any) -> None:
    remote, local = make_module(), make_module()
    optimizer = make_optimizer(remote)
    reference = torch.optim.SGD(local.parameters(), lr=0.1, momentum=0.9)
    await optimizer.register(SGD)

    def closure(module: torch.nn.Module) -> torch.Tensor:
        module.zero_grad()
        loss = loss_of(module, 0)
        loss.backward()
        return loss

    for _ in range(3):
        loss = await optimizer.step(lambda: closure(remote))
        expected = reference.step(lambda: closure(local))

        assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert_equal(remote, local)


async def test_arrays_are_optimised_too(make_optimizer: Any) -> None:
    arrays = {"weight": np.ones(3, np.float32)}
    optimizer = make_optimizer(arrays)
    await optimizer.register(ModelSettings(optimizer=SgdOptimizer(0.5)))

    await optimizer.step(gradients={"weight": np.array([1, 2, 3], np.float32)})

    np.testing.assert_allclose(arrays["weight"], [0.5, 0.0, -0.5])


async def test_two_workers_in_one_round_take_the_mean_of_their_steps(
    make_optimizer: Any, clients: SimpleNamespace
) -> None:
    remote, local = [make_module(), make_module()], make_module()
    optimizers = [make_optimizer(module) for module in remote]
    settings = ModelSettings(BufferedAsynchronous(2), optimizer=SgdOptimizer(0.1))
    for optimizer in optimizers:
        await optimizer.register(settings)

    for worker, module in enumerate(remote):
        loss_of(module, worker).backward()
        await optimizers[worker].step()
    await optimizers[0].pull()
    ((loss_of(local, 0) + loss_of(local, 1)) / 2).backward()
    torch.optim.SGD(local.parameters(), lr=0.1).step()

    for module in remote:
        assert_equal(module, local)


async def test_local_steps_are_handed_in_together(make_optimizer: Any) -> None:
    remote, local = make_module(), make_module()
    optimizer = make_optimizer(remote, kind=ContributionKind.DELTA, local_steps=4)
    await optimizer.register()
    first = optimizer.version
    inner = torch.optim.SGD(remote.parameters(), lr=0.05)
    reference = torch.optim.SGD(local.parameters(), lr=0.05)

    versions = []
    for step in range(8):
        for module, steps in ((remote, inner), (local, reference)):
            module.zero_grad()
            loss_of(module, step).backward()
            steps.step()
        await optimizer.step()
        versions.append(optimizer.version.number - first.number)

    assert versions == [0, 0, 0, 1, 1, 1, 1, 2]
    assert_equal(remote, local)


async def test_weights_are_handed_in_as_they_are(make_optimizer: Any, clients: SimpleNamespace) -> None:
    arrays = {"weight": np.zeros(3, np.float32)}
    optimizer = make_optimizer(arrays, kind=ContributionKind.WEIGHTS)
    await optimizer.register()

    arrays["weight"][:] = [1, 2, 3]
    await optimizer.step()

    np.testing.assert_array_equal((await clients.params.pull("policy"))["weight"], [1, 2, 3])


async def test_a_contribution_that_came_too_late_is_counted_and_the_newest_version_taken(
    make_optimizer: Any, clients: SimpleNamespace
) -> None:
    arrays = {"weight": np.zeros(3, np.float32)}
    optimizer = make_optimizer(arrays)
    await optimizer.register(ModelSettings(Asynchronous(max_staleness=0)))
    pushed = {"weight": np.ones(3, np.float32)}
    await clients.params.push("policy", pushed, base_version=optimizer.version, kind=ContributionKind.DELTA)

    await optimizer.step(gradients={"weight": np.ones(3, np.float32)})

    assert optimizer.num_refused == 1
    assert optimizer.last_acknowledgement is None
    np.testing.assert_array_equal(arrays["weight"], [1, 1, 1])


async def test_a_lossy_codec_keeps_what_it_lost(make_optimizer: Any) -> None:
    arrays = {"weight": np.zeros(100, np.float32)}
    optimizer = make_optimizer(arrays, codec=ParameterCodec.TOP_K, top_k_share=0.05)
    await optimizer.register()
    gradient = np.linspace(0, 1, 100, dtype=np.float32)

    for _ in range(3):
        await optimizer.step(gradients={"weight": gradient})

    np.testing.assert_allclose(arrays["weight"] - optimizer.feedback.residual, -3 * gradient, atol=1e-5)


async def test_without_a_version_the_first_step_takes_the_newest_and_hands_nothing_in(
    make_optimizer: Any, clients: SimpleNamespace
) -> None:
    version, _ = await clients.params.register_model("policy", {"weight": np.ones(3, np.float32)})
    arrays = {"weight": np.zeros(3, np.float32)}
    optimizer = make_optimizer(arrays)

    await optimizer.step(gradients={"weight": np.ones(3, np.float32)})

    assert optimizer.version == version
    np.testing.assert_array_equal(arrays["weight"], [1, 1, 1])


async def test_without_a_version_equal_parameters_are_at_the_newest(
    make_optimizer: Any, clients: SimpleNamespace
) -> None:
    await clients.params.register_model("policy", {"weight": np.ones(3, np.float32)})
    arrays = {"weight": np.ones(3, np.float32)}
    optimizer = make_optimizer(arrays)

    await optimizer.step(gradients={"weight": np.ones(3, np.float32)})

    np.testing.assert_array_equal(arrays["weight"], [0, 0, 0])


async def test_the_buffers_of_a_module_go_along(make_optimizer: Any) -> None:
    module, other = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    optimizer = make_optimizer(module)
    await optimizer.register()

    module(torch.tensor([[1.0, 2.0], [3.0, 6.0]])).sum().backward()
    await optimizer.step()
    await make_optimizer(other).pull()

    torch.testing.assert_close(other.running_mean, module.running_mean)
    assert int(other.num_batches_tracked) == 1


@pytest.mark.parametrize("kind", list(ContributionKind))
async def test_statistics_of_a_module_stay_statistics_under_adam(
    make_optimizer: Any, clients: SimpleNamespace, kind: ContributionKind
) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    state = {name: tensor.detach() for name, tensor in module.state_dict(keep_vars=True).items()}
    roles = {name: (TensorRole.STATISTIC, MergeRule.MEAN) for name in state if "running" in name}
    roles["1.num_batches_tracked"] = (TensorRole.BUFFER, MergeRule.LAST)
    settings = ModelSettings(optimizer=AdamOptimizer(0.1))
    await clients.params.register_model("policy", state, settings, roles)
    optimizer = make_optimizer(module.state_dict(keep_vars=True), kind=kind)
    await optimizer.pull()

    for step in range(3):
        module.zero_grad()
        loss_of(module, step).backward()
        statistics = {name: tensor.detach().clone() for name, tensor in module.named_buffers()}
        await optimizer.step()
        newest = await clients.params.pull("policy")
        for name, value in statistics.items():
            np.testing.assert_array_equal(newest[name], value.numpy())
    assert bool(torch.isfinite(loss_of(module.eval(), 0)))


@pytest.mark.parametrize("tensors", [{"weight": 3, "bias": 1}, {"bias": 3}, {"weight": 4}])
async def test_parameters_that_are_not_the_model_s_are_named(
    make_optimizer: Any, clients: SimpleNamespace, tensors: dict[str, int]
) -> None:
    await clients.params.register_model("policy", {"weight": np.zeros(3, np.float32)})
    optimizer = make_optimizer({name: np.zeros(size, np.float32) for name, size in tensors.items()})

    with pytest.raises(SchemaMismatchError, match=r"^parameters"):
        await optimizer.pull()
    with pytest.raises(SchemaMismatchError, match=r"^parameters"):
        await optimizer.step(gradients={})
    assert optimizer.version is None


async def test_a_gradient_that_is_missing_is_named(make_optimizer: Any) -> None:
    optimizer = make_optimizer({"weight": np.ones(3, np.float32), "bias": np.ones(1, np.float32)})
    await optimizer.register()

    with pytest.raises(SchemaMismatchError, match="gradients: got 'missing: bias', allowed: those of weight, bias"):
        await optimizer.step(gradients={"weight": np.ones(3, np.float32)})


@pytest.mark.parametrize(
    ("option", "value"),
    [("feedback", True), ("weight", 0.0), ("sample_count", -1), ("wait_s", -1.0), ("top_k_share", 2.0)],
)
async def test_an_option_that_cannot_be_is_named(make_optimizer: Any, option: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^{option}: got"):
        make_optimizer({"weight": np.zeros(3)}, **{option: value})


async def test_a_worker_that_is_ahead_waits_for_the_slower_one(
    make_optimizer: Any, clients: SimpleNamespace, services: Any
) -> None:
    arrays, ones = {"weight": np.zeros(3, np.float32)}, {"weight": np.ones(3, np.float32)}
    await clients.params.register_model("policy", arrays, ModelSettings(StaleSynchronous(max_lead=0)))
    options = heronry.client.ConnectionOptions(client_id="slow")
    address = services.addresses[ServiceRole.PARAMS]

    async with (
        heronry.client.ParamsClient(address, options) as slow,
        slow.worker("policy") as slow_worker,
        clients.params.worker("policy") as worker,
    ):
        optimizer = make_optimizer(arrays, worker=worker, wait_s=10.0)
        base = await optimizer.pull()
        step = asyncio.create_task(optimizer.step(gradients=ones))
        first = await slow.pull("policy", newer_than=base, wait_s=5.0)
        await slow_worker.push(ones, base_version=first.version)
        await step

    np.testing.assert_array_equal(arrays["weight"], [-2, -2, -2])


async def test_a_worker_shows_its_lease(make_optimizer: Any, clients: SimpleNamespace) -> None:
    arrays = {"weight": np.zeros(3, np.float32)}
    settings = ModelSettings(limits=ContributionLimits(requires_lease=True))
    await clients.params.register_model("policy", arrays, settings)

    async with clients.params.worker("policy") as worker:
        optimizer = make_optimizer(arrays, worker=worker)
        await optimizer.pull()
        await optimizer.step(gradients={"weight": np.ones(3, np.float32)})

    np.testing.assert_array_equal(arrays["weight"], [-1, -1, -1])


async def test_a_worker_steps_in_the_rounds_it_is_drawn_for(make_optimizer: Any, clients: SimpleNamespace) -> None:
    arrays = {"weight": np.zeros(3, np.float32)}
    await clients.params.register_model("policy", arrays, ModelSettings(SynchronousRounds(1)))

    async with clients.params.worker("policy") as worker:
        optimizer = make_optimizer(arrays, worker=worker)
        await optimizer.pull()
        rounds = worker.rounds()
        for _ in range(3):
            invitation = await anext(rounds)
            await optimizer.step(gradients={"weight": np.ones(3, np.float32)}, round_id=invitation.round_id)
            assert optimizer.last_acknowledgement.round_id == invitation.round_id
        await rounds.aclose()

    np.testing.assert_array_equal(arrays["weight"], [-3, -3, -3])


async def test_gradients_are_handed_in_one_by_one(make_optimizer: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="local_steps: got 4, allowed: 1 with GRADIENT"):
        make_optimizer({"weight": np.zeros(3)}, local_steps=4)
