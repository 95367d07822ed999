"""Double DQN's update: some gradient steps over one large sample, then new priorities."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from heronry.algorithms.algorithm import AlgorithmContext, AlgorithmState, UpdateResult, prefixed
from heronry.algorithms.dqn.loss import targets, td_errors, weighted_huber
from heronry.algorithms.dqn.windows import Transitions, transitions_of
from heronry.algorithms.networks import FlatNetwork
from heronry.algorithms.optimizer import ClippedAdam
from heronry.maths.importance import annealed
from heronry.spec.algorithms import DqnSettings
from heronry.types.experience import Batch
from heronry.types.tensors import Array, FloatArray

# Keeps an item whose error happens to be 0 from never being drawn again.
_LEAST_PRIORITY = 1e-3


class Dqn:
    """Learns action values from prioritised windows of n steps.

    One update takes the sample of `publish_period` gradient steps at once: one message each way
    instead of dozens. Its priorities are at most an update old.
    """

    def __init__(self, settings: DqnSettings, context: AlgorithmContext) -> None:
        self._settings = settings
        self._device = torch.device(context.device)
        self._max_env_steps = context.max_env_steps
        self._spec = context.network
        self._online = FlatNetwork(context.network, context.tensors, self._device)
        self._target = FlatNetwork(context.network, context.tensors, self._device)
        self._optimizer = ClippedAdam(
            self._online.flat, settings.learning_rate, settings.adam_epsilon, settings.max_gradient_norm
        )
        self._num_items = 0
        self._num_gradient_steps = 0

    @property
    def batch_size(self) -> int:
        return self._settings.batch_size * self._settings.publish_period

    def update(self, batch: Batch) -> UpdateResult:
        fraction = self._anneal()
        exponent = annealed(
            self._settings.importance_exponent_initial, self._settings.importance_exponent_final, fraction
        )
        transitions = transitions_of(batch, self._spec, self._settings.discount, exponent, self._device)
        steps = [self._gradient_step(t) for t in transitions.split(self._settings.batch_size)]
        self._num_items += batch.batch_size
        errors = torch.empty(len(transitions), device=self._device)
        for first, (of_group, _, _) in enumerate(steps):
            errors[first :: len(steps)] = of_group
        figures = torch.stack([torch.stack([loss, values]) for _, loss, values in steps]).mean(0).tolist()
        metrics = {"loss": figures[0], "mean_value": figures[1], "importance_exponent": exponent}
        metrics["mean_error"] = float(errors.mean())
        priorities = errors.cpu().numpy().astype(np.float64) + _LEAST_PRIORITY
        return UpdateResult(metrics, len(steps), batch.batch_size, priorities=priorities)

    def weights(self) -> dict[str, FloatArray]:
        return self._online.tensors()

    def adopt(self, tensors: Mapping[str, Array]) -> None:
        self._online.load(tensors)
        self._target.load(tensors)

    def state(self) -> AlgorithmState:
        arrays = prefixed("weights", self._online.tensors()) | prefixed("target", self._target.tensors())
        values = {"num_items": self._num_items, "num_gradient_steps": self._num_gradient_steps}
        return AlgorithmState(arrays | prefixed("optimizer", self._optimizer.arrays()), values)

    def load_state(self, state: AlgorithmState) -> None:
        self._online.load(state.under("weights"))
        self._target.load(state.under("target"))
        self._optimizer.load_arrays(state.under("optimizer"))
        self._num_items = state.count("num_items")
        self._num_gradient_steps = state.count("num_gradient_steps")

    def _anneal(self) -> float:
        """Set the step size of this point of the run; return how much of the run has passed."""
        # The replay ratio ties the environment's steps to the items drawn.
        env_steps = self._settings.min_replay_size + self._num_items / self._settings.samples_per_insert
        fraction = min(1.0, env_steps / self._max_env_steps)
        remaining = 1.0 - fraction if self._settings.anneal_learning_rate else 1.0
        self._optimizer.learning_rate = self._settings.learning_rate * remaining
        return fraction

    def _gradient_step(self, transitions: Transitions) -> tuple[Tensor, Tensor, Tensor]:
        """Take one step; return the absolute errors [B], 0 for what is no experience, the loss and the mean value."""
        with torch.no_grad():
            next_target = self._target.forward("q", self._target.views(), transitions.successors)
            next_online = next_target
            if self._settings.double:
                next_online = self._online.forward("q", self._online.views(), transitions.successors)
            target = targets(transitions, next_online, next_target, double=self._settings.double)
        values = self._online.forward("q", self._online.views(), transitions.observations)
        errors = td_errors(values, transitions, target)
        loss = weighted_huber(errors, transitions.weights)
        self._optimizer.step(loss)
        self._num_gradient_steps += 1
        if self._num_gradient_steps % self._settings.target_update_period == 0:
            self._target.copy_from(self._online)
        return errors.detach().abs() * (transitions.weights > 0), loss.detach(), values.detach().mean()
