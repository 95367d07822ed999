"""Collects unrolls of native games with native policies, many steps in one call."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from heronry.environments.native_engine import NativeEnvironment
from heronry.environments.vector import VectorEnvironment
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.unroll import Collected, Columns, write_next_action_masks
from heronry.maths.native_forward import NativeForward
from heronry.maths.networks import Tensors
from heronry.maths.policies import CategoricalSampler, EpsilonGreedySampler, GaussianSampler, Randoms
from heronry.native import CollectTimes, NothingToChooseError, collect
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

# How long at most nobody is asked whether to go on.
_CALL_S: Final = 0.02
_FIRST_STEPS: Final = 8
_SAMPLERS: Final = (CategoricalSampler, EpsilonGreedySampler, GaussianSampler)


class NativeRollout:
    """A `LaneGroup` whose unrolls equal those of `Rollout` bit for bit.

    Args:
      environment: is stepped; its lanes go on from one unroll to the next. Closed with the group.
      policy: evaluated by `NativeForward`.
      may_go_on: asked every few milliseconds; False gives the unroll up. May block, to pause.
    """

    def __init__(
        self,
        environment: NativeEnvironment,
        policy: BehaviourPolicy,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._environment = environment
        self._policy = policy
        self._may_go_on = may_go_on
        self._shown: Array = np.empty(0)
        self._chunk = _FIRST_STEPS

    @staticmethod
    def suits(environment: VectorEnvironment, policy: BehaviourPolicy) -> bool:
        """Tell whether these can be collected so."""
        is_native = isinstance(environment, NativeEnvironment) and policy.is_native
        return is_native and isinstance(policy.sampler, _SAMPLERS)

    @property
    def shares_successors(self) -> bool:
        """False: a game shows its last observation beside the next one's first."""
        return False

    def reset(self, seeds: Sequence[int]) -> None:
        """Begin the first episodes, one seed a lane."""
        self._shown = np.ascontiguousarray(self._environment.reset(seeds))

    def load(self, tensors: Tensors) -> None:
        """Act with these weights from the next unroll on."""
        self._policy.load(tensors)

    def collect(self, columns: Columns, randoms: Randoms) -> Collected | None:
        """Fill the columns `[T, n, ...]` of the next unroll, but `episode_id`; None when it was given up.

        Raises:
          InvalidArgumentError: a lane has nothing to choose, or an action is NaN.
        """
        num_steps, num_lanes = columns["reward"].shape
        self._policy.begin(num_steps, num_lanes, randoms)
        filled = {name: _without_gaps(array) for name, array in columns.items()}
        outputs = np.empty((num_steps, num_lanes, self._environment.action_space.size), np.float32)
        numbers = self._numbers(randoms)
        environment_s = inference_s = 0.0
        first = 0
        while first < num_steps:
            if not self._may_go_on():
                return None
            last = min(num_steps, first + self._chunk)
            times = self._steps(slice(first, last), {**filled, "outputs": outputs}, numbers)
            environment_s += times.environment_s
            inference_s += times.inference_s
            self._chunk = _steps_of_a_call(last - first, sum(times))
            first = last
        filled["mask"][...] = True
        self._note_log_probabilities(filled, outputs)
        if "next_action_mask" in filled:
            write_next_action_masks(filled, self._environment.game.action_masks())
        for name, array in columns.items():
            if filled[name] is not array:
                array[...] = filled[name]
        return Collected(environment_s, inference_s)

    def close(self) -> None:
        """Release the environments."""
        self._environment.close()

    def _steps(self, steps: slice, columns: Columns, randoms: Randoms) -> CollectTimes:
        info = self._environment.game.info
        network = self._policy.forward
        if not isinstance(network, NativeForward):
            raise TypeError("a policy that is not evaluated by the native loops")
        rows = {name: columns[name][steps] for name in _FILLED if name in columns}
        bounds = {"low": np.array(info.action_low, np.float32), "high": np.array(info.action_high, np.float32)}
        arrays = {**rows, **bounds, "shown": self._shown}
        numbers = {name: array[steps] for name, array in randoms.items()}
        try:
            return collect(self._environment.game.engine, network.network, arrays, numbers, steps.stop - steps.start)
        except NothingToChooseError as error:
            allowed = f"at least one choice allowed, and actions that are numbers, in lane {error.lane}"
            raise InvalidArgumentError.of(f"action_mask[{error.lane}]", "nothing to choose", allowed) from error

    def _numbers(self, randoms: Randoms) -> Randoms:
        sampler = self._policy.sampler
        numbers: Randoms = {"deviation": sampler.deviation} if isinstance(sampler, GaussianSampler) else randoms
        return {name: np.ascontiguousarray(array) for name, array in numbers.items()}

    def _note_log_probabilities(self, columns: Columns, outputs: FloatArray) -> None:
        sampler = self._policy.sampler
        if isinstance(sampler, CategoricalSampler):
            actions = columns["action"].astype(np.int64, copy=False)
            columns["log_probability"][...] = sampler.log_probabilities_of(outputs, actions)
        elif isinstance(sampler, GaussianSampler):
            columns["log_probability"][...] = sampler.log_probabilities()


_FILLED: Final = (
    "observation", "next_observation", "action", "reward", "terminated", "truncated", "action_mask", "outputs",
)  # fmt: skip


def _steps_of_a_call(num_steps: int, took_s: float) -> int:
    return max(1, int(num_steps * _CALL_S / max(took_s, 1e-9)))


def _without_gaps(column: Array) -> Array:
    """Return the column, or room for it where it is some lanes of a larger one."""
    return column if column.flags.c_contiguous else np.empty(column.shape, column.dtype)
