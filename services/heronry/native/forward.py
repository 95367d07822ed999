"""Policy networks of the native core: convolutions and fully connected layers, row by row.

A row's outputs have the same bits whatever rows are beside it and however many, in both twins and
on every machine: sums go over the inputs in their order, in float32 without fused operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from heronry.native.backend import LOOPS, Loops
from heronry.native.policy_network import PolicyNetwork

MAX_TANH_ERROR = 4e-7
"""Largest absolute error of the tanh of either twin."""


@dataclass(frozen=True)
class NetworkShape:
    """The shape of a network.

    Attributes:
      picture: height, width and channels of an observation; `(1, 1, size)` without convolutions.
      convolutions: channels, kernel and stride of each; their weights are `[out, kernel, kernel, in]`.
      widths: outputs of each fully connected layer, the head last.
      activation: `tanh`, `relu` or `elu`, after every layer but the head.
      byte_scale: what observations of bytes are multiplied by.
    """

    picture: tuple[int, int, int]
    convolutions: Sequence[tuple[int, int, int]]
    widths: Sequence[int]
    activation: str
    byte_scale: float = 1.0 / 255.0


def make_network(shape: NetworkShape, *, loops: Loops = LOOPS) -> PolicyNetwork:
    """Return a network whose weights are zeros.

    Raises:
      ValueError: there is no such activation, a layer without outputs, or a window larger than its picture.
    """
    convolutions, widths = list(shape.convolutions), list(shape.widths)
    return loops.make_network(shape.picture, convolutions, widths, shape.activation, shape.byte_scale)
