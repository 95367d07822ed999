"""Figures of the tables for Prometheus."""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from heronry.replay.hosts import TableHost, TableHosts
from heronry.types.tables import TableInfo

_GAUGES: Final = {
    "num_items": ("items", "Items held"),
    "num_bytes": ("stored_bytes", "Bytes of the steps held, as they are stored"),
    "num_step_bytes": ("step_bytes", "Bytes of the steps held, as writers sent them"),
    "num_writers": ("writers", "Writers with a stream"),
    "mass": ("mass", "Sum of all weights of the sampler"),
    "num_recovered": ("recovered_items", "Items found in the table's folder at the start"),
    "durable_position": ("durable_position", "Log position up to which changes have the table's level"),
}
_COUNTERS: Final = {
    "num_inserts": ("inserts", "Items inserted"),
    "num_samples": ("samples", "Items sampled"),
    "num_deletes": ("deletes", "Items deleted, evicted and used-up ones included"),
    "num_lagging": ("lagging", "Items dropped for their lag"),
    "num_ignored": ("ignored", "Priority updates and deletes whose key was gone"),
}


class TableMetrics(Collector):
    """Reads the tables when it is scraped, in the scrape's thread: figures of one table may be a moment apart."""

    def __init__(self, hosts: TableHosts) -> None:
        self._hosts = hosts

    def collect(self) -> Iterator[Metric]:
        """Yield all figures by table."""
        hosts = self._hosts.all()
        infos = [host.table.info() for host in hosts]
        for field, (name, text) in _GAUGES.items():
            yield _family(GaugeMetricFamily(f"heronry_replay_{name}", text, labels=("table",)), field, infos)
        for field, (name, text) in _COUNTERS.items():
            yield _family(CounterMetricFamily(f"heronry_replay_{name}", text, labels=("table",)), field, infos)
        yield from _waits(hosts)
        yield _lags(hosts)


def _family(
    family: GaugeMetricFamily | CounterMetricFamily, field: str, infos: Iterable[TableInfo]
) -> GaugeMetricFamily | CounterMetricFamily:
    for info in infos:
        family.add_metric((info.definition.table,), getattr(info, field))
    return family


def _waits(hosts: Iterable[TableHost]) -> Iterator[Metric]:
    labels = ("table", "side", "term")
    callers = GaugeMetricFamily("heronry_replay_waiting", "Callers who wait, by side and term", labels=labels)
    longest = GaugeMetricFamily("heronry_replay_waited_seconds", "For how long the longest has waited", labels=labels)
    for host in hosts:
        waited: dict[tuple[str, str], list[float]] = {}
        for waiting in host.waiting():
            waited.setdefault((waiting.side, waiting.term), []).append(waiting.waited_s)
        for (side, term), seconds in sorted(waited.items()):
            callers.add_metric((host.declared.table, side, term), len(seconds))
            longest.add_metric((host.declared.table, side, term), max(seconds))
    yield callers
    yield longest


def _lags(hosts: Iterable[TableHost]) -> Metric:
    text = "Log positions that do not have the table's level yet"
    lags = GaugeMetricFamily("heronry_replay_unsettled_positions", text, labels=("table",))
    for host in hosts:
        lags.add_metric((host.declared.table,), host.num_unsettled)
    return lags
