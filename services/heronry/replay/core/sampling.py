"""Picks items one after the other, as many as the limiter allows, and retires those served often enough."""

from typing import NamedTuple

import numpy as np

from heronry.replay.core.items import Items
from heronry.replay.core.rate_limiter import Limiter
from heronry.replay.core.selector import Draw, ItemSelector, Slots

_NONE = np.zeros(0, np.int64)


class Picked(NamedTuple):
    """Slots drawn in their order, and those that the sampler has given up for it, each once."""

    draw: Draw
    gone: Slots


class Picker:
    """Commits samples with the limiter, then draws: what was committed is never taken back.

    The three ways of drawing make the same decisions as one item at a time does.
    """

    def __init__(
        self, items: Items, sampler: ItemSelector, limiter: Limiter, max_times: int, rng: np.random.Generator
    ) -> None:
        self._items = items
        self._sampler = sampler
        self._limiter = limiter
        self._max_times = max_times
        self._rng = rng

    def pick(self, limit: int) -> Picked | None:
        """Return up to `limit` items, or None when the limiter allows none; `deletes` counts those gone."""
        if self._max_times == 1:
            return self._pick_once_each(limit)
        if self._max_times == 0:
            return self._pick_and_keep(limit)
        return self._pick_one_by_one(limit)

    def _pick_and_keep(self, limit: int) -> Picked | None:
        count = self._limiter.samples_allowed(limit)
        if count == 0:
            return None
        self._limiter.num_samples += count
        draw = self._sampler.draw(count, self._rng)
        np.add.at(self._items.times_sampled, draw.slots, np.uint32(1))
        return Picked(draw, _NONE)

    def _pick_once_each(self, limit: int) -> Picked | None:
        # Each item served is deleted, which may bring the table below min_size before the batch is full.
        above_min_size = self._limiter.size - self._limiter.settings.min_size + 1
        count = self._limiter.samples_allowed(min(limit, above_min_size))
        if count == 0:
            return None
        self._limiter.num_samples += count
        draw = self._sampler.take(count, self._rng)
        self._items.times_sampled[draw.slots] += np.uint32(1)
        self._limiter.num_deletes += count
        return Picked(draw, draw.slots)

    def _pick_one_by_one(self, limit: int) -> Picked | None:
        slots: list[int] = []
        probabilities: list[float] = []
        gone: list[int] = []
        while len(slots) < limit and self._limiter.can_sample():
            self._limiter.num_samples += 1
            draw = self._sampler.draw(1, self._rng)
            slot = int(draw.slots[0])
            slots.append(slot)
            probabilities.append(float(draw.probabilities[0]))
            self._items.times_sampled[slot] += np.uint32(1)
            if self._items.times_sampled[slot] >= self._max_times:
                self._sampler.delete(draw.slots)
                self._limiter.num_deletes += 1
                gone.append(slot)
        if not slots:
            return None
        return Picked(Draw(np.array(slots, np.int64), np.array(probabilities)), np.array(gone, np.int64))
