"""What both twins' policy networks offer; made by `heronry.native.forward.make_network`."""

from typing import Protocol

from heronry.native.arrays import Array, Floats


class PolicyNetwork(Protocol):
    """One network with its weights; for one thread at a time."""

    def load(self, weights: Floats, /) -> None:
        """Take weights: of each layer `[outputs, inputs]`, then its biases `[outputs]`, all in one vector.

        Raises:
          ValueError: another number of them.
        """
        ...

    def evaluate(self, observations: Array, outputs: Floats, /) -> None:
        """Fill `outputs` `[N, n]` for observations `[N, ...]`, float32 or uint8.

        Raises:
          TypeError: another type, or gaps.
          ValueError: another shape.
        """
        ...
