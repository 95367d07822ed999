"""Decides which items are served next, as many as the limiter allows, and which of them are used up."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from heronry.replay.core.contents import Contents
from heronry.replay.core.selector import BY_CHANCE, NO_SLOTS, Draw, Slots

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
        self._is_in_order = self._max_times > 1 and contents.definition.sampler.kind not in BY_CHANCE

    def pick(self, limit: int, *, independent: bool = False, taken: Slots | None = None) -> Picked | None:
        """Return up to `limit` items, or None when the limiter allows none, or all are taken.

        Args:
          limit: at least 1.
          independent: whether a prioritised sampler's draws are independent.
          taken: slots that must not come, for a batch without repeats; None: repeats are allowed.
        """
        if self._is_in_order and taken is None and not self._contents.lag.is_bound:
            return self._in_order(limit)
        if self._max_times == 1:
            draw = self._once_each(limit, taken)
        elif self._max_times == 0:
            draw = self._any(limit, independent, taken)
        else:
            # The draws behind one that uses up its item are void: stratified ones would then favour the first strata.
            draw = self._any(limit, True, taken)
        if draw is None or not len(draw.slots):
            return None
        return self._parted(*self._until_retired(self._dropped_once(draw)))

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

    def _in_order(self, limit: int) -> Picked | None:
        """Draw the first item until it is used up, then the next one; the sampler has an order."""
        limiter, times_sampled = self._contents.limiter, self._contents.items.times_sampled
        count = limiter.samples_allowed(limit)
        if count == 0:
            return None
        above_min_size = limiter.size - limiter.settings.min_size + 1
        slots = self._contents.sampler.choose(
            min(above_min_size, count // self._max_times + 1), self._contents.rng
        ).slots
        times = np.maximum(1, self._max_times - times_sampled.take(slots).astype(np.int64))
        drawn = np.repeat(slots, np.minimum(times, count))[:count]
        draw = Draw(drawn, np.ones(len(drawn)))
        return Picked(draw, draw, slots[np.cumsum(times) <= count], _NOBODY)

    def _dropped_once(self, draw: Draw) -> Draw:
        """Return the draws without those of items that had lagged, and gone, in one before.

        Nor are there any behind the drop that brings the table below `min_size`.
        """
        is_lagging = self._lags(draw.slots)
        if is_lagging is None:
            return draw
        is_first = np.zeros(len(draw.slots), np.bool_)
        is_first[np.unique(draw.slots, return_index=True)[1]] = True
        drops = is_lagging & is_first
        limiter = self._contents.limiter
        below = limiter.size - np.cumsum(drops) < limiter.settings.min_size
        stays = (drops | ~is_lagging) & ~np.append(False, below[:-1])
        return Draw(draw.slots[stays], draw.probabilities[stays])

    def _lags(self, slots: Slots) -> npt.NDArray[np.bool_] | None:
        """Return which items lie too far behind; None where none does."""
        lag, items = self._contents.lag, self._contents.items
        if not lag.is_bound:
            return None
        versions = items.version_ids[slots]
        is_lagging = lag.is_lagging(items.versions.epochs[versions], items.versions.numbers[versions])
        return is_lagging if is_lagging.any() else None

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
        is_lagging = self._lags(draw.slots)
        if is_lagging is None:
            return Picked(draw, draw, retired, _NOBODY)
        lagging = draw.slots[is_lagging]
        served = Draw(draw.slots[~is_lagging], draw.probabilities[~is_lagging])
        return Picked(draw, served, retired[~np.isin(retired, lagging)], lagging)
