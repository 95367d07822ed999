"""What every algorithm offers to the learner; torch is not imported here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from heronry.maths.networks import NetworkSpec
from heronry.types.errors import DataLossError
from heronry.types.experience import Batch
from heronry.types.tensors import Array, FloatArray


@dataclass(frozen=True)
class UpdateResult:
    """What one update did.

    Attributes:
      metrics: figures by name: `loss`, `approximate_kl`.
      num_gradient_steps: optimiser steps.
      num_steps: environment steps that were learnt from, repetitions not counted.
      is_due: whether the weights are to be published now.
      priorities: [B] float64 of the batch's items, for tables that sample by priority.
    """

    metrics: Mapping[str, float]
    num_gradient_steps: int
    num_steps: int
    is_due: bool = True
    priorities: Array | None = None


@dataclass(frozen=True)
class AlgorithmState:
    """Everything that the next update depends on beside its batch: named arrays, and JSON values."""

    arrays: Mapping[str, Array]
    values: Mapping[str, object]

    def under(self, prefix: str) -> dict[str, Array]:
        """Return the arrays `prefix/name` by name."""
        start = f"{prefix}/"
        return {name.removeprefix(start): array for name, array in self.arrays.items() if name.startswith(start)}

    def count(self, name: str) -> int:
        """Return a value that counts something.

        Raises:
          DataLossError: it is missing or no whole number.
        """
        value = self.values.get(name)
        if not isinstance(value, int):
            raise DataLossError(f"{name}: got {value!r}, allowed: a whole number", details={"field": name})
        return value


def prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays renamed to `prefix/name`."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


@dataclass(frozen=True)
class AlgorithmContext:
    """Where and how long an algorithm learns.

    Attributes:
      network: the network's shape.
      tensors: its first weights.
      device: `cpu` or `cuda:0`.
      seed: of everything the algorithm draws.
      max_env_steps: environment steps over which schedules are laid out.
    """

    network: NetworkSpec
    tensors: Mapping[str, Array] = field(repr=False)
    device: str = "cpu"
    seed: int = 0
    max_env_steps: int = 1_000_000


class Algorithm(Protocol):
    """One algorithm's update; for one thread at a time."""

    @property
    def batch_size(self) -> int:
        """Items that one update is made from."""
        ...

    def update(self, batch: Batch) -> UpdateResult:
        """Learn from one batch."""
        ...

    def weights(self) -> dict[str, FloatArray]:
        """Return copies of the tensors that are published."""
        ...

    def adopt(self, tensors: Mapping[str, Array]) -> None:
        """Take published tensors as its own and go on from them."""
        ...

    def state(self) -> AlgorithmState:
        """Return copies of what a checkpoint holds."""
        ...

    def load_state(self, state: AlgorithmState) -> None:
        """Go on exactly where `state` was taken.

        Raises:
          SchemaMismatchError: it is another network's or algorithm's.
        """
        ...
