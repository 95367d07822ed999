"""The policy that acts: one head of the network and the rule that draws actions from it."""

import numpy as np

from heronry.maths.networks import HeadForward, MlpSpec, Tensors, network_for
from heronry.maths.policies import (
    CategoricalSampler,
    EpsilonGreedySampler,
    GaussianSampler,
    GreedySampler,
    Sampler,
    acting_head,
)
from heronry.maths.spaces import ActionSpace, ObservationSpace, flatten_observations
from heronry.types.tensors import Array, FloatArray


class BehaviourPolicy:
    """Chooses the actions of whole unrolls; for one thread."""

    def __init__(
        self, network: MlpSpec, algorithm: str, action_space: ActionSpace, *, greedy: bool = False, epsilon: float = 0.0
    ) -> None:
        self._network = network
        self._head = acting_head(algorithm)
        self._forward: HeadForward | None = None
        self._sampler = _sampler(algorithm, action_space, greedy=greedy, epsilon=epsilon)

    @classmethod
    def of_spaces(
        cls,
        algorithm: str,
        hidden: tuple[int, ...],
        activation: str,
        spaces: tuple[ObservationSpace, ActionSpace],
        *,
        greedy: bool = False,
    ) -> "BehaviourPolicy":
        """Return the policy of the network that an algorithm learns on these spaces."""
        observation_space, action_space = spaces
        network = network_for(algorithm, hidden, activation, observation_space.size, action_space)
        return cls(network, algorithm, action_space, greedy=greedy)

    def load(self, tensors: Tensors) -> None:
        """Act with these weights from the next unroll on; they are copied.

        Raises:
          SchemaMismatchError: they do not fit the network of the run and this environment.
        """
        if self._forward is None:
            self._forward = HeadForward(self._network, self._head, tensors)
        else:
            self._forward.load(tensors)
        if isinstance(self._sampler, GaussianSampler):
            log_std: FloatArray = tensors["policy/log_std"].astype(np.float32)
            self._sampler.load(log_std)

    def explore(self, epsilon: float) -> None:
        """Take random actions with this chance from the next unroll on; others than Q-learning ignore it."""
        if isinstance(self._sampler, EpsilonGreedySampler):
            self._sampler.epsilon = epsilon

    def begin(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> None:
        """Start an unroll."""
        self._sampler.begin(num_steps, num_lanes, rng)

    def act(self, step: int, observations: Array, actions: Array) -> None:
        """Write the actions `[N, ...]` of one step for observations `[N, ...]`."""
        if self._forward is None:
            raise RuntimeError("the policy has no weights yet")
        self._sampler.choose(step, self._forward(flatten_observations(observations)), actions)

    def log_probabilities(self) -> FloatArray | None:
        """Return those of the unroll's actions `[T, N]`, where the learner needs them."""
        return self._sampler.log_probabilities()


def _sampler(algorithm: str, action_space: ActionSpace, *, greedy: bool, epsilon: float) -> Sampler:
    if greedy:
        return GreedySampler(action_space)
    if acting_head(algorithm) == "q":
        return EpsilonGreedySampler(action_space.size, epsilon)
    if action_space.is_continuous:
        return GaussianSampler(action_space.size)
    return CategoricalSampler(action_space.size)
