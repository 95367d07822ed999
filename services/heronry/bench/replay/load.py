"""What a client process is asked to do, and what it tells of a window."""

import dataclasses
from dataclasses import dataclass
from typing import Literal, Self

Kind = Literal["fill", "append_steps", "append_vectors", "sample", "update_priorities"]
Transport = Literal["tcp", "unix", "shm"]
TRANSPORTS: dict[Transport, str] = {
    "tcp": "TCP over the loopback",
    "unix": "UNIX socket",
    "shm": "UNIX socket and shared memory",
}


@dataclass(frozen=True)
class Load:
    """The work of one client process.

    Attributes:
      kind: `fill` appends large blocks; `append_steps` one step at a time, of one lane; `append_vectors` one
        step at a time, of `num_lanes`.
      batch_size: of samples and of priority updates.
      credits: batches under way; 1: each is asked for when the one before was taken.
      transport: how the service is reached; `tcp` and `unix` take no batch by shared memory.
      seed: of the steps.
    """

    kind: Kind
    table: str
    payload: str = "small"
    num_lanes: int = 1
    batch_size: int = 256
    credits: int = 4
    transport: Transport = "tcp"
    seed: int = 0

    def fields(self) -> dict[str, object]:
        """Return what a client's process is told."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Window:
    """What one client did between two moments.

    Attributes:
      num_items: items inserted and accepted, sampled, or priorities changed.
      seconds: from the first to the last of them.
      cpu_s: of the client's process.
      p50_ms, p99_ms, max_ms: of one call: 64 steps, 16 steps of all lanes, a batch, or the keys of one.
    """

    num_items: int
    seconds: float
    cpu_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.num_items / self.seconds

    @classmethod
    def from_fields(cls, fields: dict[str, float]) -> Self:
        """Read what a client's process printed."""
        values = dict(fields)
        return cls(int(values.pop("num_items")), **values)

    def fields(self) -> dict[str, float]:
        """Return what a client's process prints."""
        return dataclasses.asdict(self)
