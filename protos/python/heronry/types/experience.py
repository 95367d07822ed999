"""Blocks that writers append and batches that readers get."""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.types.columns import Columns
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

    Attributes:
      columns: `[T, B, ...]` each.
      keys: `[B]` uint64, for priority updates and deletes.
      probabilities: `[B]` float64, of drawing the item in one draw.
      priorities: `[B]` float64, raw.
      times_sampled: `[B]` uint32, this time included.
      behaviour_epochs, behaviour_numbers: `[B]` uint64, the version that acted.
      table_size: items in the table when the batch was drawn.
      batch_id: rises by one in a stream; names the lease.
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

    @property
    def batch_size(self) -> int:
        """B."""
        return len(self.keys)

    @property
    def versions(self) -> npt.NDArray[np.uint64]:
        """`[B, 2]`: epoch and number of the behaviour version of each row."""
        return np.stack([self.behaviour_epochs, self.behaviour_numbers], axis=1)
