"""Decides which items are served next, as many as the limiter allows, and which of them are used up."""

from typing import Final, NamedTuple

import numpy as np

from heronry.replay.core.contents import Contents
from heronry.replay.core.selector import NO_SLOTS, Draw, Slots, without_repeats

_NOBODY: Final = NO_SLOTS


class Picked(NamedTuple):
    """Items drawn.

    Attributes:
      draw: in their order, lagging ones included.
      served: which of them are served: all that do not lag.
      retired: slots of those served that are used up, each once.
      lagging: slots of those too far behind, each once.
    """

    draw: Draw
    served: Draw
    retired: Slots
    lagging: Slots


class Picker:
    """Draws from a table's sampler and changes nothing: what it returns has still to be applied.

    One call makes the decisions that as many calls for a single item would make.
    """

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._max_times = contents.definition.max_times_sampled

    def pick(self, limit: int, *, independent: bool = False, taken: Slots | None = None) -> Picked | None:
        """Return up to `limit` items, or None when the limiter allows none, or all are taken.

        Args:
          limit: at least 1.
          independent: whether a prioritised sampler's draws are independent.
          taken: slots that must not come, for a batch without repeats; None: repeats are allowed.
        """
        if self._max_times == 1:
            draw = self._once_each(limit, taken)
        elif self._max_times == 0:
            draw = self._any(limit, independent, taken)
        else:
            # The draws behind one that uses up its item are void: stratified ones would then favour the first strata.
            draw = self._any(limit, True, taken)
        if draw is None or not len(draw.slots):
            return None
        return self._parted(*self._until_retired(draw))

    def _any(self, limit: int, independent: bool, taken: Slots | None) -> Draw | None:
        count = self._contents.limiter.samples_allowed(limit)
        if count == 0:
            return None
        sampler, rng = self._contents.sampler, self._contents.rng
        if taken is None:
            return sampler.draw(count, rng, independent=independent)
        slots = sampler.choose(count, rng, taken).slots
        return Draw(slots, sampler.probabilities(slots))

    def _once_each(self, limit: int, taken: Slots | None) -> Draw | None:
        limiter, sampler = self._contents.limiter, self._contents.sampler
        # Each item served is deleted, which may bring the table below min_size before the batch is full.
        above_min_size = limiter.size - limiter.settings.min_size + 1
        count = limiter.samples_allowed(min(limit, above_min_size))
        if count == 0:
            return None
        draw = sampler.choose(count, self._contents.rng)
        return draw if taken is None else Draw(draw.slots, sampler.probabilities(draw.slots))

    def _until_retired(self, draw: Draw) -> tuple[Draw, Slots]:
        """Return the draws up to the first that uses up its item, and that item."""
        if self._max_times == 0:
            return draw, _NOBODY
        if self._max_times == 1:
            return draw, draw.slots
        times: dict[int, int] = {}
        before = self._contents.items.times_sampled.take(draw.slots).tolist()
        for index, slot in enumerate(draw.slots.tolist()):
            times[slot] = times.get(slot, before[index]) + 1
            if times[slot] >= self._max_times:
                last = index + 1
                return Draw(draw.slots[:last], draw.probabilities[:last]), draw.slots[index:last]
        return draw, _NOBODY

    def _parted(self, draw: Draw, retired: Slots) -> Picked:
        """Part the draws to serve from those of items too far behind."""
        lag, items = self._contents.lag, self._contents.items
        if not lag.is_bound:
            return Picked(draw, draw, retired, _NOBODY)
        versions = items.version_ids[draw.slots]
        is_lagging = lag.is_lagging(items.versions.epochs[versions], items.versions.numbers[versions])
        if not is_lagging.any():
            return Picked(draw, draw, retired, _NOBODY)
        lagging = without_repeats(draw.slots[is_lagging])
        served = Draw(draw.slots[~is_lagging], draw.probabilities[~is_lagging])
        return Picked(draw, served, retired[~np.isin(retired, lagging)], lagging)
