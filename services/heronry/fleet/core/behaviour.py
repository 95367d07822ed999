"""The policy that acts: one head of the network and the rule that draws actions from it."""

import numpy as np

from heronry.maths.forward_backends import choose_backend, make_forward
from heronry.maths.forwards import Forward
from heronry.maths.native_forward import NativeForward
from heronry.maths.networks import Layers, NetworkSpec, RecurrentForward, Tensors, network_for
from heronry.maths.policies import EpsilonGreedySampler, GaussianSampler, Randoms, Sampler, acting_head, sampler_for
from heronry.maths.remembering import RememberingForward, Remembers
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.tensors import Array, FloatArray


class BehaviourPolicy:
    """Chooses the actions of whole unrolls; for one thread.

    Args:
      network: of the run.
      algorithm: whose network it is.
      action_space: of one environment.
      greedy: take the likeliest action.
      backend, device: what evaluates the network, see `make_forward`.
      forward: evaluates it instead, where that is not made of weights: `load` then gives it weights too.
    """

    def __init__(
        self,
        network: NetworkSpec,
        algorithm: str,
        action_space: ActionSpace,
        *,
        greedy: bool = False,
        backend: str = "auto",
        device: str = "cpu",
        forward: Forward | None = None,
    ) -> None:
        self._network = network
        self._head = acting_head(algorithm)
        self._backend = backend
        self._device = device
        self._forward = forward
        self._sampler = sampler_for(algorithm, action_space, greedy=greedy)

    @classmethod
    def of_spaces(
        cls,
        algorithm: str,
        layers: Layers,
        spaces: tuple[ObservationSpace, ActionSpace],
        *,
        greedy: bool = False,
        backend: str = "auto",
        device: str = "cpu",
        forward: Forward | None = None,
    ) -> "BehaviourPolicy":
        """Return the policy of the network that an algorithm learns on these spaces."""
        network = network_for(algorithm, layers, *spaces)
        return cls(network, algorithm, spaces[1], greedy=greedy, backend=backend, device=device, forward=forward)

    @property
    def forward(self) -> Forward:
        """What evaluates the network, with the weights that were loaded."""
        if self._forward is None:
            raise RuntimeError("the policy has no weights yet")
        return self._forward

    @property
    def backend(self) -> str:
        """What evaluates the network here; known before there are weights."""
        if self.has_memory:
            return "numpy"
        return choose_backend(self._backend, self._network, self._head, self._device)

    @property
    def is_native(self) -> bool:
        """Whether the native loops evaluate the network; known before there are weights."""
        return self.backend == "native" if self._forward is None else isinstance(self._forward, NativeForward)

    @property
    def has_memory(self) -> bool:
        """Whether it must be told where episodes begin."""
        return bool(self._network.layers.recurrent)

    @property
    def sampler(self) -> Sampler:
        """What draws actions from the network's outputs."""
        return self._sampler

    def load(self, tensors: Tensors) -> None:
        """Act with these weights from the next unroll on; they are copied.

        Raises:
          SchemaMismatchError: they do not fit the network of the run and this environment.
          ConfigurationError: what was to evaluate the network is not here.
        """
        if self._forward is None:
            self._forward = self._make_forward(tensors)
        else:
            self._forward.load(tensors)
        if isinstance(self._sampler, GaussianSampler):
            log_std: FloatArray = tensors["policy/log_std"].astype(np.float32)
            self._sampler.load(log_std)

    def begin_episodes(self, lanes: Array) -> None:
        """Forget, with the next step, what the policy remembers of these lanes `[N]`: an episode begins there."""
        forward: object = self._forward
        if self.has_memory and isinstance(forward, Remembers):
            forward.begin_episodes(lanes)

    def explore(self, epsilon: float) -> None:
        """Take random actions with this chance from the next unroll on; others than Q-learning ignore it."""
        if isinstance(self._sampler, EpsilonGreedySampler):
            self._sampler.epsilon = epsilon

    def draw(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> Randoms:
        """Return the random numbers of one unroll."""
        return self._sampler.draw(num_steps, num_lanes, rng)

    def begin(self, num_steps: int, num_lanes: int, randoms: Randoms) -> None:
        """Start an unroll with these random numbers; they are used up."""
        self._sampler.begin(num_steps, num_lanes, randoms)

    def act(self, step: int, observations: Array, actions: Array, action_mask: Array | None = None) -> None:
        """Write the actions `[N, ...]` of one step for observations `[N, ...]`, only such as are allowed.

        Raises:
          InvalidArgumentError: the mask leaves a lane nothing to choose.
        """
        self._sampler.choose(step, self.forward(observations), actions, action_mask)

    def log_probabilities(self) -> FloatArray | None:
        """Return those of the unroll's actions `[T, N]`, where the learner needs them."""
        return self._sampler.log_probabilities()

    def _make_forward(self, tensors: Tensors) -> Forward:
        if self.has_memory:
            return RememberingForward(RecurrentForward(self._network, self._head, tensors))
        return make_forward(self._backend, self._network, self._head, tensors, self._device)
