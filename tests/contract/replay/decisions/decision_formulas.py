"""A table written from the formulas alone, which follows a trace and tells where it would have decided otherwise.

Source: Reverb's `table.cc` and `rate_limiter.cc`; for the order of an insert and of a sample see `_insert`, `_sample`.
"""

from dataclasses import dataclass
from typing import Any

DETERMINISTIC = ("fifo", "lifo", "min_heap", "max_heap")


@dataclass
class _Item:
    number: int
    priority: float
    touched: int
    times: int = 0


class Formulas:
    """Items in the order of their insertion, and the three counters.

    With a remover that draws, items that it may have evicted stay among `items`: `size` is the number that counts.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._items: dict[int, _Item] = {}
        self._inserts = self._samples = self._deletes = 0
        self._clock = 0
        self._knows_evicted = settings["remover"] in DETERMINISTIC

    @property
    def can_insert(self) -> bool:
        s = self._settings
        after = (self._inserts + 1) * s["samples_per_insert"] - self._samples
        return self._inserts + 1 - self._deletes <= s["min_size"] or after <= s["max_diff"]

    @property
    def can_sample(self) -> bool:
        s = self._settings
        after = self._inserts * s["samples_per_insert"] - self._samples - 1
        return self._inserts - self._deletes >= s["min_size"] and after >= s["min_diff"]

    def differences(self, trace: list[dict[str, Any]]) -> list[str]:
        """Return what of a trace does not follow from the formulas; the picks of draws are taken from it."""
        found: list[str] = []
        number = 0
        for index, event in enumerate(trace):
            kind = event["call"]
            if kind == "insert":
                if event["accepted"] != self.can_insert:
                    found.append(f"{index}: insert {event['accepted']}, by the formula {self.can_insert}")
                if event["accepted"]:
                    self._insert(number, event["priority"])
                number += 1
            elif kind == "sample":
                found += [f"{index}: {text}" for text in self._sample(event["count"], event["picked"])]
            elif kind == "reset":
                self.__init__(self._settings)  # type: ignore[misc]
            else:
                self._change(kind, {int(item): p for item, p in event["items"]})
        return found

    def _insert(self, number: int, priority: float) -> None:
        """Store, evict above `max_size` (the new one may be it), then count."""
        self._clock += 1
        self._items[number] = _Item(number, priority, self._clock)
        if self._inserts - self._deletes + 1 > self._settings["max_size"]:
            if self._knows_evicted:
                del self._items[self._pick("remover").number]
            self._deletes += 1
        self._inserts += 1

    def _sample(self, count: int, picked: list[int]) -> list[str]:
        """Count, pick, and drop what was served often enough, one after the other."""
        found = []
        for number in picked:
            if not self.can_sample:
                return [*found, f"sampled {number} though the formula forbids it"]
            self._samples += 1
            found += self._check_pick(number)
            item = self._items.get(number)
            if item is not None:
                item.times += 1
                if item.times == self._settings["max_times_sampled"]:
                    del self._items[number]
                    self._deletes += 1
        if len(picked) < count and self.can_sample:
            found.append(f"{len(picked)} of {count} sampled, the formula allows more")
        return found

    def _check_pick(self, number: int) -> list[str]:
        if number not in self._items:
            return [f"sampled {number}, which is not in"]
        sampler = self._settings["sampler"]
        if sampler in DETERMINISTIC and self._knows_evicted and self._pick("sampler").number != number:
            return [f"sampled {number}, {sampler} means {self._pick('sampler').number}"]
        weights = [item.priority for item in self._items.values()]
        if sampler == "prioritized" and self._knows_evicted and any(weights) and not self._items[number].priority:
            return [f"sampled {number}, whose priority is 0"]
        return []

    def _change(self, kind: str, items: dict[int, float]) -> None:
        for number, priority in items.items():
            if number in self._items:
                if kind == "delete":
                    del self._items[number]
                    self._deletes += 1
                else:
                    self._clock += 1
                    self._items[number].priority, self._items[number].touched = priority, self._clock

    def _pick(self, side: str) -> _Item:
        kind, items = self._settings[side], list(self._items.values())
        if kind == "fifo":
            return items[0]
        if kind == "lifo":
            return items[-1]
        sign = 1 if kind == "min_heap" else -1
        return min(items, key=lambda item: (sign * item.priority, item.touched))
