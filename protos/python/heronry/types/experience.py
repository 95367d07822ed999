"""Blocks that writers append and batches that readers get."""

import enum
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heronry.types.columns import Columns
from heronry.types.errors import ConfigurationError, InvalidArgumentError
from heronry.types.field_checks import finite_number
from heronry.types.tensors import Array
from heronry.types.version import ParameterVersion


class AcknowledgementLevel(enum.Enum):
    """What an acknowledged change survives: nothing, kill -9, loss of power."""

    MEMORY = "memory"
    PROCESS = "process"
    DISK = "disk"


@dataclass(frozen=True)
class Block:
    """T consecutive steps of N lanes.

    Attributes:
      sequence: rises by one for each block of a writer, from 1.
      columns: `[T, N, ...]` each.
      behaviour_version: the policy that acted in all of its steps.
      priority: of the items it completes; None takes the table's running maximum.
      priorities: `[T, N]` float64, of the item whose last step stands there; None: `priority` for all.
      lane_ends: `[N]` bool, lanes that end after the last step; None: none does.
    """

    sequence: int
    columns: Columns
    behaviour_version: ParameterVersion
    priority: float | None = None
    priorities: npt.NDArray[np.float64] | None = None
    lane_ends: npt.NDArray[np.bool_] | None = None

    @property
    def num_steps(self) -> int:
        """T."""
        return int(next(iter(self.columns.values())).shape[0])


@dataclass(frozen=True)
class ItemSlices:
    """K items over slices of steps that a writer appended before.

    Attributes:
      sequence: rises by one, with the blocks'.
      lanes: `[K]` uint32.
      starts: `[K]` uint64, first step, counted from the lane's first in this connection.
      lengths: `[K]` uint32, steps.
      behaviour_version: the policy that acted.
      priorities: `[K]` float64; None takes the table's running maximum.
    """

    sequence: int
    lanes: npt.NDArray[np.uint32]
    starts: npt.NDArray[np.uint64]
    lengths: npt.NDArray[np.uint32]
    behaviour_version: ParameterVersion
    priorities: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Batch:
    """B items of a table.

    Arrays are read-only views of what was received; NumPy, PyTorch and JAX read them without a copy by DLPack:
    `jax.numpy.from_dlpack(batch.columns["observation"])`.

    Attributes:
      columns: `[T, B, ...]` each, or `[B, ...]` where the pattern squeezes.
      keys: `[B]` uint64, for priority updates and deletes.
      probabilities: `[B]` float64, of drawing the item in one draw.
      priorities: `[B]` float64, raw.
      times_sampled: `[B]` uint32, this time included.
      behaviour_epochs, behaviour_numbers: `[B]` uint64, the version that acted.
      table_size: items in the table when the batch was drawn.
      batch_id: rises by one in a stream; names the lease.
      ages: `[B]` uint64, items inserted since; None: not told.
      lengths: `[B]` uint32, valid steps; None: all are.
      tables: `[B]` uint32, index of the table among those sampled; None: there is one.
    """

    columns: Columns
    keys: npt.NDArray[np.uint64]
    probabilities: npt.NDArray[np.float64]
    priorities: npt.NDArray[np.float64]
    times_sampled: npt.NDArray[np.uint32]
    behaviour_epochs: npt.NDArray[np.uint64]
    behaviour_numbers: npt.NDArray[np.uint64]
    table_size: int
    batch_id: int = 0
    ages: npt.NDArray[np.uint64] | None = None
    lengths: npt.NDArray[np.uint32] | None = None
    tables: npt.NDArray[np.uint32] | None = None

    @property
    def batch_size(self) -> int:
        """B."""
        return len(self.keys)

    @property
    def versions(self) -> npt.NDArray[np.uint64]:
        """`[B, 2]`: epoch and number of the behaviour version of each row."""
        return np.stack([self.behaviour_epochs, self.behaviour_numbers], axis=1)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """`[T, B]`: which steps are valid, T as of the column with the most steps."""
        lengths = self.lengths
        num_steps = self._num_steps()
        if lengths is None:
            return np.ones((num_steps, self.batch_size), np.bool_)
        mask: npt.NDArray[np.bool_] = np.arange(num_steps)[:, np.newaxis] < lengths
        return mask

    def importance_weights(self, beta: float) -> npt.NDArray[np.float32]:
        """Return `(N * P(i)) ** -beta`, divided by the batch's largest: `[B]`, in (0, 1].

        An item that was drawn although it had no probability, for want of others, has weight 1.

        Source: Schaul et al. 2016, section 3.4.
        """
        if finite_number("beta", beta) < 0:
            raise InvalidArgumentError.of("beta", beta, "at least 0, finite")
        # Relative to the least probable item, whose weight is the largest: N cancels, and no power overflows.
        positive = self.probabilities > 0
        least = self.probabilities.min(where=positive, initial=1.0)
        relative = np.where(positive, self.probabilities / least, 1.0)
        weights: npt.NDArray[np.float32] = np.power(relative, -beta).astype(np.float32)
        return weights

    def torch(self, device: str | None = None, *, pin: bool = False) -> dict[str, Any]:
        """Return the columns as PyTorch tensors.

        Args:
          device: where they are copied to; None: they stay, and share the batch's memory. Do not write to them.
          pin: copies them into pinned memory, first of all: the way to a device is then asynchronous.

        Raises:
          ConfigurationError: PyTorch is not installed.
        """
        make = _tensor_maker()
        tensors = {name: make(array) for name, array in self.columns.items()}
        if pin:
            tensors = {name: t.pin_memory() for name, t in tensors.items()}
        if device is not None:
            tensors = {name: t.to(device, non_blocking=pin) for name, t in tensors.items()}
        return tensors

    def _num_steps(self) -> int:
        counts = {a.shape[0] for a in self.columns.values() if a.ndim > 1 and a.shape[1] == self.batch_size}
        # `[B, B, ...]` may be a squeezed column whose values happen to be B wide.
        return max(counts - {self.batch_size} or counts, default=1)


@dataclass(frozen=True)
class RunItems:
    """K items that lie in a run, one row each.

    Attributes:
      starts: `[K]` uint32, first step, relative to the run.
      lengths: `[K]` uint32, steps.
      keys: `[K]` uint64, in the table they were exported from; an import gives new ones.
      priorities: `[K]` float64, raw.
      times_sampled: `[K]` uint32.
      behaviour_epochs, behaviour_numbers: `[K]` uint64, the version that acted.
    """

    starts: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.uint32]
    keys: npt.NDArray[np.uint64]
    priorities: npt.NDArray[np.float64]
    times_sampled: npt.NDArray[np.uint32]
    behaviour_epochs: npt.NDArray[np.uint64]
    behaviour_numbers: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class Run:
    """Consecutive steps of one lane and the items that lie in them; what exports and imports are made of.

    Attributes:
      lane: unique in the table: runs of one lane and contiguous steps continue each other.
      first_step: index of the first step in the lane.
      columns: `[T, ...]` each.
      items: those whose steps all are in the run.
      history: `[T]` uint8, for each step the steps before it in its episode that the lane held, at most
        255: what a stack may reach back to. None: unknown.
    """

    lane: int
    first_step: int
    columns: Columns
    items: RunItems
    history: npt.NDArray[np.uint8] | None = None

    @property
    def num_steps(self) -> int:
        """T."""
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class Imported:
    """What an import inserted: items, those evicted since included, and steps stored."""

    num_items: int
    num_steps: int


@dataclass(frozen=True)
class SavedSnapshot:
    """A snapshot of a table.

    Attributes:
      path: its folder on the service's machine.
      num_items: in it.
      num_bytes: written.
      stall_s: for how long the table's callers had to stand still.
    """

    path: str
    num_items: int
    num_bytes: int
    stall_s: float


def _tensor_maker() -> Callable[[Array], Any]:
    try:
        # By name: values of this package are of use without it.
        torch = importlib.import_module("torch")
    except ModuleNotFoundError as error:
        raise ConfigurationError("PyTorch is not installed: pip install torch") from error

    def make(array: Array) -> Any:  # noqa: ANN401 # a tensor of a package that this one does not know
        try:
            return torch.from_dlpack(array)
        except (BufferError, RuntimeError):
            # Builds of NumPy before 2.1 and of PyTorch that know no read-only memory.
            return torch.from_numpy(array.copy())

    return make
