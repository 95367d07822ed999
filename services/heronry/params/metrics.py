"""Figures of the models for Prometheus."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from heronry.params.open_state import OpenState
from heronry.params.privacy_metrics import PrivacyReader, Spending, privacy_metrics
from heronry.params.transfers import Transfers
from heronry.runtime.clock import Clock
from heronry.types.blocking import Changed
from heronry.types.errors import UnavailableError
from heronry.types.models import ModelInfo

_GAUGES: Final = {
    "num_bytes": ("model_bytes", "Bytes of one version"),
    "round_id": ("round", "Number of the round that is open"),
    "num_pending": ("round_contributions", "Contributions counted in the open round"),
    "cohort_size": ("round_cohort", "Workers drawn for the open round"),
}
_COUNTERS: Final = {
    "num_accepted": ("accepted", "Contributions accepted"),
    "num_bytes_received": ("received_bytes", "Bytes of contributions, as packed"),
    "num_bytes_sent": ("sent_bytes", "Bytes of versions sent, as packed; shared memory counts"),
}


# A contribution of a large model keeps the owner for some 20 ms.
_NUM_TRIES: Final = 20
_PAUSE_S: Final = 0.005


@dataclass(frozen=True)
class _Figures:
    """What the models told last, how many workers of each hold a lease, and what is spent of private ones."""

    infos: Sequence[ModelInfo] = ()
    num_workers: Mapping[str, int] = field(default_factory=dict)
    spendings: Mapping[str, Spending] = field(default_factory=dict)


class ModelMetrics(Collector):
    """Reads the models when it is scraped, in the scrape's thread, between two calls of their owner.

    An owner that is never free meanwhile leaves the figures of the last scrape standing. While a model keeps its
    cohorts secret, nothing is told that grows with each contribution or reader: memory, transfers, the journal.
    """

    def __init__(self, state: Callable[[], OpenState | None], transfers: Transfers, clock: Clock) -> None:
        """Take `state`, which gives the run's models, None between runs."""
        self._state = state
        self._transfers = transfers
        self._clock = clock
        self._last = _Figures()
        self._privacy = PrivacyReader()

    def collect(self) -> Iterator[Metric]:
        """Yield all figures, those of models by their names."""
        state = self._state()
        keeps_cohorts = state is not None and state.models.keeps_cohorts
        if not keeps_cohorts:
            yield from self._memory()
        if state is None:
            return
        if not keeps_cohorts:
            yield _gauge("journal_bytes", "Bytes that a restart would have to replay", state.journal_bytes)
        figures = self._figures(state)
        infos = figures.infos
        versions = GaugeMetricFamily("heronry_params_version", "Number of the newest version", labels=("model",))
        for info in infos:
            versions.add_metric((info.model,), info.version.number)
        yield versions
        for attribute, (name, text) in _GAUGES.items():
            yield _family(GaugeMetricFamily(f"heronry_params_{name}", text, labels=("model",)), attribute, infos)
        for attribute, (name, text) in _COUNTERS.items():
            yield _family(CounterMetricFamily(f"heronry_params_{name}", text, labels=("model",)), attribute, infos)
        yield _refusals(infos)
        yield _staleness(infos)
        workers = GaugeMetricFamily("heronry_params_workers", "Workers with a lease", labels=("model",))
        for model, count in figures.num_workers.items():
            workers.add_metric((model,), count)
        yield workers
        yield from privacy_metrics(figures.spendings)

    def _memory(self) -> Iterator[Metric]:
        transfers = self._transfers
        yield _gauge("open_uploads", "Large uploads that hold a staging buffer", transfers.staging.num_open)
        yield _gauge("staging_bytes", "Bytes of their buffers", transfers.staging.num_bytes)
        yield _gauge("idle_bytes", "Bytes of buffers kept for use again", transfers.pool.num_idle_bytes)
        yield _gauge("frame_bytes", "Bytes of versions kept ready to be sent", transfers.frames.num_bytes)
        yield _gauge("shared_bytes", "Bytes of memory made for readers on this machine", transfers.buffers.num_bytes)
        yield _gauge("loans", "Workers on this machine that memory is lent to", transfers.loans.num_loans)
        yield _gauge("lent_bytes", "Bytes of memory lent to them", transfers.loans.num_bytes)

    def _figures(self, state: OpenState) -> _Figures:
        with contextlib.suppress(UnavailableError):
            for _ in range(_NUM_TRIES):
                if (read := state.owner.attempt(self._read, state)) is not None:
                    self._last = read.value
                    break
                time.sleep(_PAUSE_S)
        return self._last

    def _read(self, state: OpenState) -> Changed[_Figures]:
        now_s = self._clock.now()
        infos = state.models.infos(now_s)
        leases = {i.model: [w.lease_remaining_s > 0 for w in state.models.worker_infos(i.model, now_s)] for i in infos}
        num_workers = {model: sum(held) for model, held in leases.items()}
        return Changed(_Figures(infos, num_workers, self._privacy.read(state.models, infos)))


def _family(
    family: GaugeMetricFamily | CounterMetricFamily, field: str, infos: Iterable[ModelInfo]
) -> GaugeMetricFamily | CounterMetricFamily:
    for info in infos:
        family.add_metric((info.model,), getattr(info, field))
    return family


def _refusals(infos: Iterable[ModelInfo]) -> Metric:
    labels = ("model", "error")
    refused = CounterMetricFamily("heronry_params_refused", "Contributions refused, by error", labels=labels)
    for info in infos:
        for error, count in info.refusals.items():
            refused.add_metric((info.model, error), count)
    return refused


def _staleness(infos: Iterable[ModelInfo]) -> Metric:
    text = "Versions that accepted contributions lay behind"
    histogram = HistogramMetricFamily("heronry_params_staleness", text, labels=("model",))
    for info in infos:
        counts, buckets, total = info.staleness_histogram, [], 0
        for digits, count in enumerate(counts):
            total += count
            buckets.append((str(float((1 << digits) - 1)), total))
        # The counts are kept without their sum.
        histogram.add_metric((info.model,), [*buckets, ("+Inf", total)], sum_value=None)
    return histogram


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"heronry_params_{name}", text, value=value)
