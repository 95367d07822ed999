"""What the check of a budget takes before each release, whatever was released before: nothing is replayed."""

import time
from collections.abc import Iterator

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.privacy.accounting import Accountant, Budget, event_from_document
from heronry.types.privacy import NeighbourRelation

HISTORIES = (10, 1_000, 100_000)
_NUM_CHECKS = 200
_LIMIT, _DELTA = 8.0, 1e-6
_EVENT = {
    "class": "PoissonSampledDpEvent",
    "sampling_probability": 0.001,
    "event": {"class": "GaussianDpEvent", "noise_multiplier": 1.0},
}
CASE = "privacy.budget.check"
CASES = tuple(f"{CASE}.{n}" for n in HISTORIES)


def checks(peers: Peers) -> Iterator[Row]:
    """Yield the seconds of a check and a charge after histories of several lengths."""
    del peers
    event = event_from_document(_EVENT)
    for history, case in zip(HISTORIES, CASES, strict=True):
        budget = Budget(_LIMIT, _DELTA, Accountant(NeighbourRelation.ADD_OR_REMOVE_ONE))
        budget.charge(event, history)
        seconds = []
        for _ in range(_NUM_CHECKS):
            begun = time.perf_counter()
            budget.check(event)
            budget.charge(event)
            seconds.append(time.perf_counter() - begun)
        settings = {"releases_before": history, "epsilon_after": round(budget.spent().epsilon, 4), "limit": _LIMIT}
        yield Row.of(case, seconds, "s", "lower", settings=settings)


BUDGET_MEASUREMENTS = (Measurement(CASES, checks, 3.0),)
