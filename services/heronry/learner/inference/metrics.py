"""Figures of central inference for Prometheus."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from heronry.learner.core.inference.figures import Histogram
from heronry.learner.inference.host import InferenceHost

_COUNTERS: Final = {
    "num_steps": ("steps", "Steps answered, each of all lanes of a stream"),
    "num_rows": ("rows", "Rows evaluated"),
    "num_repeated": ("repeated_steps", "Steps answered again from memory after a reconnect"),
    "evaluation_time_s": ("evaluation_seconds", "Time spent evaluating"),
}


class InferenceMetrics(Collector):
    """Reads the figures when it is scraped, in the scrape's thread: they may be a moment apart."""

    def __init__(self, host: InferenceHost) -> None:
        self._host = host

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the assigned run; none when fleets evaluate the policy themselves."""
        engine = self._host.engine
        if engine is None:
            return
        statistics, figures = engine.statistics(), engine.core.figures
        yield GaugeMetricFamily("heronry_inference_streams", "Streams of fleets", value=statistics.num_streams)
        for field, (name, text) in _COUNTERS.items():
            yield CounterMetricFamily(f"heronry_inference_{name}", text, value=getattr(statistics, field))
        yield _family("batch_rows", "Rows of a batch", figures.batch_rows)
        yield _family("latency_seconds", "Time from a step's arrival to its answer", figures.latencies)


def _family(name: str, text: str, histogram: Histogram) -> Metric:
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts.copy(), strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else f"{bound:g}", total))
    return HistogramMetricFamily(f"heronry_inference_{name}", text, buckets=buckets, sum_value=histogram.total)
