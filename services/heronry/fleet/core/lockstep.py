"""Which version acts in a run that must be the same each time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LockstepSchedule:
    """Fixes the lag at one version, for a single fleet.

    Lanes fill batches in order, and the learner publishes one version a batch: `base` + 1 after the
    first. Batch k is acted with `base + max(0, k - 1)`, so that the learner works on batch k - 1
    while batch k is collected. Where a block spans several batches, its first decides; every
    version it waits for then depends on blocks that are complete.

    Attributes:
      base: number of the version that the segment began with.
      num_envs: unrolls of one block.
      batch_size: unrolls of one update.
    """

    base: int
    num_envs: int
    batch_size: int

    def version_number(self, block: int) -> int:
        """Return the version that acts in block `block` of the segment, counted from 0."""
        first_batch = block * self.num_envs // self.batch_size
        return self.base + max(0, first_batch - 1)


@dataclass(frozen=True)
class LockstepPlan:
    """Parts a run into segments from barrier to barrier, in which each block is accounted for.

    Attributes:
      num_envs, batch_size: as in `LockstepSchedule`.
      every_updates: of a segment, but for the last.
      max_updates: of the run.
    """

    num_envs: int
    batch_size: int
    every_updates: int
    max_updates: int

    def schedule(self, base: int) -> LockstepSchedule:
        """Return the schedule of a segment that begins with version `base`."""
        return LockstepSchedule(base, self.num_envs, self.batch_size)

    def num_blocks(self, num_updates: int) -> int:
        """Return the blocks of the segment that begins after that many updates; 0 when the run is over.

        They fill the segment's batches and, but for the last segment, leave nothing over.
        """
        updates = min(self.every_updates, max(0, self.max_updates - num_updates))
        return -(-updates * self.batch_size // self.num_envs)
