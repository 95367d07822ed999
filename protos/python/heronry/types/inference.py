"""What fleets and an inference service tell each other."""

from dataclasses import dataclass
from math import prod

from heronry.types.tensors import Array, ElementType, FloatArray
from heronry.types.version import ParameterVersion


@dataclass(frozen=True)
class LaneGroup:
    """The lanes of one stream.

    Attributes:
      run_id: run whose policy is meant.
      group_id: what the service remembers of the lanes is kept under this name.
      num_starts: starts of the fleet in its run; another number forgets what was remembered.
      num_lanes: rows of every step.
      element_type: storage of an observation's elements.
      shape: of one observation.
    """

    run_id: str
    group_id: str
    num_starts: int
    num_lanes: int
    element_type: ElementType
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """Bytes of the observations of one step."""
        return self.num_lanes * prod(self.shape) * self.element_type.dtype.itemsize


@dataclass(frozen=True)
class OpenedGroup:
    """What a service knows of a group when its stream opens.

    Attributes:
      num_outputs: values of the policy's head for one lane.
      last_sequence: of the last step that was answered; 0: none.
    """

    num_outputs: int
    last_sequence: int


@dataclass(frozen=True)
class UnrollBegun:
    """The version that acts in an unroll.

    Attributes:
      version: the behaviour version.
      newest: the newest version, for the policy's lag.
      log_std: `[A]` of a Gaussian policy; empty for others.
    """

    version: ParameterVersion
    newest: ParameterVersion
    log_std: FloatArray


@dataclass(frozen=True)
class InferenceStep:
    """One step of all lanes of a group.

    Attributes:
      sequence: rises by one with each step of the group, from 1.
      observations: `[N, ...]` as they are stored.
      begins: `[N]` bool, where an episode begins; None: nowhere.
    """

    sequence: int
    observations: Array
    begins: Array | None = None


@dataclass(frozen=True)
class InferenceStatistics:
    """How steps were batched since the run was assigned.

    Attributes:
      run_id: empty when idle or when fleets evaluate the policy themselves.
      num_streams: that are open.
      num_steps: answered, each of all lanes of a stream.
      num_rows, num_batches: evaluated.
      num_repeated: steps answered again from memory after a reconnect.
      evaluation_time_s: spent evaluating.
      median_latency_s, p99_latency_s: from a step's arrival to its answer, of the last ones.
    """

    run_id: str = ""
    num_streams: int = 0
    num_steps: int = 0
    num_rows: int = 0
    num_batches: int = 0
    num_repeated: int = 0
    evaluation_time_s: float = 0.0
    median_latency_s: float = 0.0
    p99_latency_s: float = 0.0
