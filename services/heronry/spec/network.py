"""The network of a run's policy."""

from typing import Annotated, Literal

from pydantic import Field

from heronry.spec.section import Section


class ConvolutionSettings(Section):
    """One convolution over pictures `[height, width, channels]`, without padding."""

    channels: Annotated[int, Field(ge=1, le=4096)]
    """Of its output."""
    kernel: Annotated[int, Field(ge=1, le=64)] = 3
    """Height and width of its window."""
    stride: Annotated[int, Field(ge=1, le=64)] = 1


class NetworkSettings(Section):
    """Convolutions where there are pictures, then fully connected layers; one torso a head."""

    convolution: tuple[ConvolutionSettings, ...] = ()
    """Applied in this order, each followed by the activation; unset: observations are flattened."""
    hidden: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = (64, 64)
    activation: Literal["tanh", "relu"] = "tanh"
    recurrent: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Width of a gated recurrent unit between the hidden layers and the head; unset: the policy has no memory.
    With algorithm `external` and central inference only: no built-in algorithm learns through time yet."""
