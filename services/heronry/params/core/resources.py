"""What models are given by whoever builds them."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import Bytes
from heronry.params.core.private.guards import Guards


@dataclass(frozen=True)
class ModelResources:
    """Memory, files and chance, shared by all models of a service.

    Attributes:
      lease_s: how long a worker's lease runs.
      pool: buffers of contributions and sums.
      spill_dir: where rules that hold contributions put their files; nothing in it outlives the process.
      chance: draws cohorts; where privacy is amplified by their secret, it must not be predictable.
      guards: pay for the releases of private models.
      new_flat: makes the buffer of a version that is to be published.
    """

    lease_s: float
    pool: BufferPool
    spill_dir: Path
    chance: random.Random
    guards: Guards
    new_flat: Callable[[int], Bytes]
