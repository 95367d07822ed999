"""The agent in C++, as Python sees it."""

from collections.abc import Mapping

import numpy as np

from heronry.algorithms import UpdateResult
from heronry.maths.networks import NetworkSpec
from heronry.maths.spaces import ActionSpace
from heronry.native_agent.making import make_native, named_refusals
from heronry.spec.algorithms import DqnSettings, PpoSettings
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Batch
from heronry.types.tensors import Array, FloatArray

_COLUMNS = (
    "observation", "action", "reward", "terminated", "truncated", "next_observation", "mask", "log_probability",
    "action_mask", "next_action_mask",
)  # fmt: skip


class RLAgent:
    """Acts with a network, and learns as `heronry.algorithms` does, on libtorch without Python between operations.

    From the same weights, settings, seed and batches its weights equal the Python learner's: the
    operations are the same, in the same order, and so are the minibatches.

    Any thread may call. Calls exclude each other, and compute outside the interpreter's lock.

    Args:
      architecture: the network's shape, without memory.
      settings: what `update` does; None: PPO's or DQN's defaults, by the network's heads.
      tensors: the first weights; None: fresh ones from `seed`.
      action_space: what actions are; None: the choices that the network has, or a vector of reals.
      seed: of everything the agent draws.
      max_env_steps: environment steps over which schedules are laid out.

    Raises:
      FailedPreconditionError: the agent is not built for the torch that is installed.
      InvalidArgumentError: the network has memory, lacks a head that the settings need, or has not
        as many outputs as the action space has choices.
      SchemaMismatchError: the weights are another network's.
    """

    def __init__(
        self,
        architecture: NetworkSpec,
        settings: PpoSettings | DqnSettings | None = None,
        tensors: Mapping[str, Array] | None = None,
        *,
        action_space: ActionSpace | None = None,
        seed: int = 0,
        max_env_steps: int = 1_000_000,
    ) -> None:
        settings = settings or _default_settings(architecture)
        values = {**settings.model_dump(), "max_env_steps": max_env_steps} if settings is not None else {}
        num_choices = _num_choices(architecture, action_space)
        self._native = make_native(architecture, num_choices=num_choices, settings=values, seed=seed)
        self._architecture = architecture
        self._num_components = len(num_choices)
        self._action_shape = action_space.shape if action_space is not None else None
        self.set_model_parameters(architecture.init(np.random.default_rng(seed)) if tensors is None else tensors)

    @property
    def architecture(self) -> NetworkSpec:
        """The network's shape."""
        return self._architecture

    def select_action(
        self, observations: Array, greedy: bool = False, *, action_mask: Array | None = None, epsilon: float = 0.0
    ) -> Array:
        """Return actions `[N, ...]` for observations `[N, ...]` as they are stored, or one for one observation.

        Args:
          observations: float32, bytes or other numbers.
          greedy: take the likeliest action; a network of action values always takes the best.
          action_mask: `[N, num_logits]` bool, the choices that are allowed.
          epsilon: chance of any allowed choice instead, unless `greedy`.

        Raises:
          SchemaMismatchError: shapes or element types are not the network's.
          InvalidArgumentError: `epsilon` is no probability, or a mask leaves nothing to choose.
        """
        is_single = observations.shape == self._architecture.observations.shape
        if is_single:
            observations = observations[np.newaxis]
            action_mask = action_mask[np.newaxis] if action_mask is not None else None
        with named_refusals():
            actions = self._native.select_action(observations, action_mask, greedy, epsilon)
        if self._action_shape is not None:
            actions = actions.reshape(len(actions), *self._action_shape)
        return actions[0] if is_single else actions

    def log_probabilities(self, observations: Array, actions: Array, *, action_mask: Array | None = None) -> FloatArray:
        """Return the log-probabilities `[N]` of actions `[N, ...]` under the policy.

        Raises:
          SchemaMismatchError: shapes or element types do not fit.
          InvalidArgumentError: an action is none of the choices, or the network has no policy.
        """
        with named_refusals():
            return self._native.log_probabilities(observations, self._chosen(actions, 1), action_mask)

    def forward(self, observations: Array, head: str = "") -> FloatArray:
        """Return the outputs `[N, n]` of a head, otherwise of the one that acts.

        Raises:
          SchemaMismatchError: the observations are another network's.
          InvalidArgumentError: there is no such head.
        """
        with named_refusals():
            return self._native.forward(head or _acting_head(self._architecture), observations)

    def update(self, batch: Batch) -> UpdateResult:
        """Learn from one batch.

        Raises:
          SchemaMismatchError: a column is missing, or does not fit the network; nothing is learnt then.
          InvalidArgumentError: an action is none of the choices.
        """
        columns = {name: batch.columns[name] for name in _COLUMNS if name in batch.columns}
        columns["probability"] = batch.probabilities
        if "action" in columns:
            columns["action"] = self._chosen(columns["action"], 2)
        with named_refusals():
            metrics, num_gradient_steps, num_steps, priorities = self._native.update(columns, batch.table_size)
        return UpdateResult(metrics, num_gradient_steps, num_steps, priorities=priorities)

    def _chosen(self, actions: Array, num_leading: int) -> Array:
        """Return actions as C++ takes them: of a single component the choices alone, without an axis of their own."""
        has_own_axis = self._num_components == 1 and actions.ndim == num_leading + 1 and actions.shape[-1] == 1
        return actions[..., 0] if has_own_axis else actions

    def get_model_parameters(self) -> dict[str, FloatArray]:
        """Return copies of the weights by name, in the network's order."""
        arrays = self._native.parameters()
        return {name: arrays[name] for name in self._architecture.shapes()}

    def set_model_parameters(self, tensors: Mapping[str, Array]) -> None:
        """Take other weights; they are copied. The optimiser's moments stay.

        Raises:
          SchemaMismatchError: a name, shape or element type is not the network's; nothing is taken then.
        """
        with named_refusals():
            self._native.set_parameters(dict(tensors))


def _acting_head(architecture: NetworkSpec) -> str:
    return "policy" if "policy" in dict(architecture.heads) else "q"


def _default_settings(architecture: NetworkSpec) -> PpoSettings | DqnSettings | None:
    heads = dict(architecture.heads)
    if "policy" in heads:
        return PpoSettings() if "value" in heads else None
    return DqnSettings() if "q" in heads else None


def _num_choices(architecture: NetworkSpec, action_space: ActionSpace | None) -> tuple[int, ...]:
    outputs = dict(architecture.heads)[_acting_head(architecture)]
    if action_space is None:
        return () if architecture.has_log_std else architecture.num_choices or (outputs,)
    if action_space.is_continuous != architecture.has_log_std:
        allowed = (
            "box, for the network is a Gaussian policy" if architecture.has_log_std else "discrete, multi_discrete"
        )
        raise InvalidArgumentError.of("action_space.kind", action_space.kind, allowed)
    if action_space.size != outputs:
        raise InvalidArgumentError.of("action_space.size", action_space.size, f"{outputs}, the network's outputs")
    return action_space.num_choices
