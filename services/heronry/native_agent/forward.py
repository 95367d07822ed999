"""A policy's head evaluated by the C++ agent, for fleets."""

from dataclasses import replace

from heronry.maths.networks import NetworkSpec, Tensors
from heronry.native_agent.making import make_native, named_refusals
from heronry.types.errors import ConfigurationError
from heronry.types.tensors import Array, FloatArray


class AgentForward:
    """Implements `heronry.maths.forwards.Forward`; computes outside the interpreter's lock.

    libtorch chooses its kernels by the batch's size: a row's last bits may depend on how many there are.
    """

    def __init__(self, network: NetworkSpec, head: str, tensors: Tensors) -> None:
        self._head = head
        outputs = dict(network.heads)[head]
        has_log_std = network.has_log_std and head == "policy"
        # The acting head alone: a fleet neither holds nor copies the others.
        acting = replace(network, heads=((head, outputs),), has_log_std=has_log_std)
        self._native = make_native(acting, num_choices=(), settings={}, seed=0)
        self.load(tensors)

    def load(self, tensors: Tensors) -> None:
        """Take other weights from the next call on; they are copied.

        Raises:
          SchemaMismatchError: they are another network's.
        """
        of_head = {name: tensor for name, tensor in tensors.items() if name.startswith(f"{self._head}/")}
        with named_refusals():
            self._native.set_parameters(of_head)

    def __call__(self, observations: Array) -> FloatArray:
        """Return outputs `[N, n]` for observations `[N, ...]` as they are stored.

        Raises:
          SchemaMismatchError: they are not the network's.
        """
        with named_refusals():
            return self._native.forward(self._head, observations)


def make_agent_forward(network: NetworkSpec, head: str, tensors: Tensors, device: str = "cpu") -> AgentForward:
    """Return the C++ agent as what evaluates a network's head.

    Raises:
      ConfigurationError: the device is not the CPU.
      FailedPreconditionError: the agent is not built for the torch that is installed; says how to build it.
      InvalidArgumentError: the network has memory.
      SchemaMismatchError: the weights are another network's.
    """
    if device not in ("cpu", "auto"):
        raise ConfigurationError.of("fleet.device", device, "cpu or auto with fleet.policy 'agent'")
    return AgentForward(network, head, tensors)
