"""One algorithm at work: updates, counts, snapshots between updates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from heronry.algorithms import Algorithm
from heronry.learner.core.checkpoint import Checkpoint
from heronry.learner.core.counters import Counters
from heronry.types.experience import Batch
from heronry.types.tensors import Array, FloatArray
from heronry.types.version import ParameterVersion


@dataclass(frozen=True)
class Update:
    """What one update hands on.

    Attributes:
      tensors: the weights to publish.
      num_steps: environment steps they were made from.
      priorities: of the batch's items, where the table wants them.
    """

    tensors: Mapping[str, FloatArray]
    num_steps: int
    priorities: Array | None


class Learning:
    """Counts around an algorithm; owned by one thread. `counters` may be read from any."""

    def __init__(self, algorithm: Algorithm, counters: Counters, fingerprint: str, clock: Callable[[], float]) -> None:
        self.counters = counters
        self._algorithm = algorithm
        self._fingerprint = fingerprint
        self._clock = clock

    @property
    def batch_size(self) -> int:
        """Items of a batch."""
        return self._algorithm.batch_size

    def update(self, batch: Batch, waited_s: float) -> Update:
        """Learn from a batch that was waited for."""
        before = self._clock()
        result = self._algorithm.update(batch)
        tensors = self._algorithm.weights()
        counters = self.counters
        self.counters = replace(
            counters,
            num_updates=counters.num_updates + 1,
            num_gradient_steps=counters.num_gradient_steps + result.num_gradient_steps,
            num_steps=counters.num_steps + result.num_steps,
            update_time_s=counters.update_time_s + self._clock() - before,
            waiting_time_s=counters.waiting_time_s + waited_s,
            metrics=result.metrics,
        )
        return Update(tensors, result.num_steps, result.priorities)

    def weights(self) -> dict[str, FloatArray]:
        """Return copies of the tensors that are published."""
        return self._algorithm.weights()

    def adopt(self, tensors: Mapping[str, Array], num_missed: int) -> None:
        """Take published weights that are `num_missed` updates ahead of its own."""
        self._algorithm.adopt(tensors)
        self.counters = replace(self.counters, num_updates=self.counters.num_updates + num_missed)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on exactly where the checkpoint was taken.

        Raises:
          SchemaMismatchError, DataLossError: it is not this algorithm's.
        """
        self._algorithm.load_state(checkpoint.state)
        self.counters = checkpoint.counters

    def snapshot(self, version: ParameterVersion | None) -> Checkpoint:
        """Return everything that the next update depends on; `version` is the newest published one."""
        return Checkpoint(self._algorithm.state(), self.counters, version, self._fingerprint)
