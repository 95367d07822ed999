"""PPO's update: epochs of minibatches over one batch of unrolls."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from heronry.algorithms import random_state
from heronry.algorithms.algorithm import AlgorithmContext, AlgorithmState, UpdateResult, prefixed
from heronry.algorithms.networks import FlatNetwork
from heronry.algorithms.optimizer import ClippedAdam
from heronry.algorithms.ppo.loss import Coefficients, Loss, Outputs, approximate_kl, normalized, ppo_loss
from heronry.algorithms.ppo.samples import Samples, samples_of, unrolls_of
from heronry.spec.algorithms import PpoSettings
from heronry.types.experience import Batch
from heronry.types.tensors import Array, FloatArray


class Ppo:
    """Learns from unrolls of a policy at most a few versions old.

    The ratio is taken against the policy that acted, whose log-probabilities travel with the
    actions, so a lag of some versions is corrected within the clip.
    """

    def __init__(self, settings: PpoSettings, context: AlgorithmContext) -> None:
        self._settings = settings
        self._device = torch.device(context.device)
        self._max_env_steps = context.max_env_steps
        self._spec = context.network
        self._network = FlatNetwork(context.network, context.tensors, self._device)
        self._optimizer = ClippedAdam(
            self._network.flat, settings.learning_rate, settings.adam_epsilon, settings.max_gradient_norm
        )
        self._generator = torch.Generator().manual_seed(context.seed)
        self._num_steps = 0

    @property
    def batch_size(self) -> int:
        return self._settings.batch_size

    def update(self, batch: Batch) -> UpdateResult:
        samples = self._samples(batch)
        coefficients = self._anneal()
        num_gradient_steps = 0
        loss: Loss | None = None
        for _ in range(self._settings.epochs):
            for minibatch, advantages in self._minibatches(samples):
                loss = ppo_loss(self._outputs(minibatch), minibatch, advantages, coefficients)
                self._optimizer.step(loss.total)
                num_gradient_steps += 1
            if loss is None or self._exceeds_target_kl(loss):
                break
        self._num_steps += len(samples)
        return UpdateResult(_metrics(loss, coefficients), num_gradient_steps, len(samples))

    def weights(self) -> dict[str, FloatArray]:
        return self._network.tensors()

    def adopt(self, tensors: Mapping[str, Array]) -> None:
        self._network.load(tensors)

    def state(self) -> AlgorithmState:
        arrays = prefixed("weights", self.weights()) | prefixed("optimizer", self._optimizer.arrays())
        values = {"num_steps": self._num_steps, "generator": random_state.encode(self._generator)}
        return AlgorithmState(arrays, values)

    def load_state(self, state: AlgorithmState) -> None:
        self._network.load(state.under("weights"))
        self._optimizer.load_arrays(state.under("optimizer"))
        self._num_steps = state.count("num_steps")
        random_state.decode(str(state.values.get("generator")), self._generator)

    def _samples(self, batch: Batch) -> Samples:
        unrolls = unrolls_of(batch, self._spec, self._settings.discount)
        rows = unrolls.observations.reshape(-1, unrolls.observations.shape[-1])
        inputs = torch.from_numpy(np.concatenate([rows, unrolls.boundary_observations])).to(self._device)
        with torch.no_grad():
            estimates = self._network.forward("value", self._network.views(), inputs)[:, 0].cpu().numpy()
        return samples_of(batch, unrolls, estimates, self._settings.gae_lambda, self._device)

    def _anneal(self) -> Coefficients:
        """Set the step size, and return the coefficients, of this point of the run."""
        settings = self._settings
        remaining = max(0.0, 1.0 - self._num_steps / self._max_env_steps)
        self._optimizer.learning_rate = settings.learning_rate * (remaining if settings.anneal_learning_rate else 1.0)
        clip = settings.clip * (remaining if settings.anneal_clip else 1.0)
        return Coefficients(clip, settings.value_coefficient, settings.entropy_coefficient)

    def _minibatches(self, samples: Samples) -> Iterator[tuple[Samples, Tensor]]:
        """Yield the epoch's minibatches with their advantages, in a random order where there are several."""
        num_minibatches = max(1, round(len(samples) / self._settings.minibatch_size))
        if len(samples) == 0:
            return
        if num_minibatches == 1:
            yield samples, self._normalized(samples)
            return
        order = torch.randperm(len(samples), generator=self._generator).to(self._device)
        for rows in order.tensor_split(num_minibatches):
            minibatch = samples.take(rows)
            yield minibatch, self._normalized(minibatch)

    def _normalized(self, samples: Samples) -> Tensor:
        return normalized(samples.advantages) if self._settings.normalize_advantages else samples.advantages

    def _outputs(self, samples: Samples) -> Outputs:
        views = self._network.views()
        policy = self._network.forward("policy", views, samples.observations)
        values = self._network.forward("value", views, samples.observations)[:, 0]
        log_std = views["policy/log_std"] if self._spec.has_log_std else None
        return Outputs(policy, values, log_std, self._spec.num_choices)

    def _exceeds_target_kl(self, loss: Loss) -> bool:
        target = self._settings.target_kl
        return target is not None and approximate_kl(loss.log_ratios.detach()).item() > target


def _metrics(loss: Loss | None, coefficients: Coefficients) -> dict[str, float]:
    """Return the figures of the last minibatch; read at the update's end alone, to wait for a device once."""
    if loss is None:
        return {}
    log_ratios = loss.log_ratios.detach()
    clipped = (log_ratios.exp() - 1).abs() > coefficients.clip
    figures = {
        "loss": loss.total,
        "policy_loss": loss.policy,
        "value_loss": loss.value,
        "entropy": loss.entropy,
        "approximate_kl": approximate_kl(log_ratios),
        "clip_fraction": clipped.float().mean(),
    }
    numbers = torch.stack([f.detach() for f in figures.values()]).tolist()
    return dict(zip(figures, numbers, strict=True))
