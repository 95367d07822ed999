"""What a fleet does, and where its policy is evaluated."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat

from heronry.spec.section import Section


class FleetSettings(Section):
    """Work of one fleet; several fleets each do this much."""

    num_envs: Annotated[int, Field(ge=1, le=4096)] = 8
    unroll_length: Annotated[int, Field(ge=1, le=65_536)] = 32
    """Steps of each environment in one block."""
    inference: Literal["fleet", "central"] = "fleet"
    """Where the policy is evaluated: in the fleet, from pulled weights, or by the learner's inference service."""
    policy: Literal["auto", "numpy", "native", "torch", "agent"] = "auto"
    """What evaluates it in the fleet; `auto`: the native loops for small networks, torch for others."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "cpu"
    """Of a policy that torch evaluates; `auto` takes a CUDA device where there is one."""
    max_policy_lag: NonNegativeInt | None = None
    """Versions that a policy may lie behind the newest when its unroll is appended; older unrolls are thrown
    away and counted. Unset: what the replay table bounds."""
    overlap: bool | None = None
    """Step one half of the environments while the policy acts for the other; unset: where that gains time."""


class InferenceSettings(Section):
    """How the learner's inference service batches; for `fleet.inference: central`."""

    max_batch_size: Annotated[int, Field(ge=1, le=65_536)] = 1024
    """Rows that are evaluated at once."""
    max_wait_s: Annotated[PositiveFloat, Field(le=1.0)] = 0.002
    """How long the first step of a batch waits for others."""
    num_versions_kept: Annotated[int, Field(ge=1, le=1024)] = 8
    """Versions that unrolls may still act with."""
