"""Figures of a fleet for Prometheus."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from heronry.types.run import FleetStatistics

_GAUGES: Final = {
    "num_environments": ("environments", "Environments stepped side by side"),
    "steps_per_second": ("steps_per_second", "Steps a second over the last seconds"),
    "mean_return": ("mean_return", "Mean return of the last 100 episodes"),
    "mean_length": ("mean_length", "Mean length of the last 100 episodes"),
}
_COUNTERS: Final = {
    "num_steps": ("steps", "Steps taken"),
    "num_episodes": ("episodes", "Episodes ended"),
    "num_unrolls": ("unrolls", "Unrolls appended"),
    "num_unrolls_too_old": ("unrolls_too_old", "Unrolls thrown away for the lag of their policy"),
    "num_restarts": ("restarts", "Environments that died or hung and were begun anew"),
    "environment_time_s": ("environment_seconds", "Time spent stepping environments"),
    "inference_time_s": ("inference_seconds", "Time spent in the policy"),
    "waiting_time_s": ("waiting_seconds", "Time spent waiting for weights or credits"),
}
# Versions; beyond the last one a policy is out of date in any run.
_LAG_BOUNDS: Final = (0, 1, 2, 4, 8, 16, 32, 64)


class FleetMetrics(Collector):
    """Reads the figures when it is scraped, in the scrape's thread; they begin anew with each run."""

    def __init__(self, statistics: Callable[[], FleetStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Yield all figures of the assigned run; none without one."""
        found = self._statistics()
        labels = (found.run_id, found.environment)
        for field, (name, text) in _GAUGES.items():
            yield _single(GaugeMetricFamily(f"heronry_fleet_{name}", text, labels=_LABELS), labels, found, field)
        for field, (name, text) in _COUNTERS.items():
            yield _single(CounterMetricFamily(f"heronry_fleet_{name}", text, labels=_LABELS), labels, found, field)
        yield _lags(found, labels)


_LABELS: Final = ("run_id", "environment")


def _single(
    family: GaugeMetricFamily | CounterMetricFamily, labels: tuple[str, str], found: FleetStatistics, field: str
) -> Metric:
    if found.run_id:
        family.add_metric(labels, getattr(found, field))
    return family


def _lags(found: FleetStatistics, labels: tuple[str, str]) -> Metric:
    text = "Unrolls by the versions that their policy lay behind the newest"
    family = HistogramMetricFamily("heronry_fleet_policy_lag", text, labels=_LABELS)
    if found.run_id:
        lags = dict(found.policy_lag)
        buckets = [(str(float(b)), sum(n for lag, n in lags.items() if lag <= b)) for b in _LAG_BOUNDS]
        buckets.append(("+Inf", sum(lags.values())))
        family.add_metric(labels, buckets, sum_value=sum(lag * n for lag, n in lags.items()))
    return family
