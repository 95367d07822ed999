"""A service's own figures for Prometheus."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from heronry.runtime.server import RpcServer
from heronry.runtime.usage import LoopLag, ProcessUsage
from heronry.types.errors import ConfigurationError

_HOST = "127.0.0.1"


class Metrics:
    """The registry of one service; answers scrapes on loopback between `serve` and `close`."""

    def __init__(self, loop_lag: LoopLag, usage: ProcessUsage) -> None:
        self.registry = CollectorRegistry()
        self._gauge("heronry_loop_lag_seconds", "Recent lag of the event loop").set_function(lambda: loop_lag.recent_s)
        self._gauge("heronry_loop_lag_worst_seconds", "Worst lag of the event loop").set_function(
            lambda: loop_lag.worst_s
        )
        self._gauge("heronry_resident_bytes", "Resident memory").set_function(lambda: usage.resident_bytes)
        self._gauge("heronry_cpu_seconds", "CPU time").set_function(lambda: usage.cpu_time_s)

    def watch(self, server: RpcServer) -> None:
        """Show the streams of a server and the errors of its calls."""
        admission = server.admission
        self._gauge("heronry_streams", "Streams that are open").set_function(lambda: admission.num_streams)
        self.registry.register(_Calls(server))

    def serve(self, port: int) -> None:
        """Begin to answer.

        Raises:
          ConfigurationError: the port cannot be bound.
        """
        try:
            self._server, self._thread = start_http_server(port, _HOST, self.registry)
        except OSError as error:
            raise ConfigurationError.of("metrics_port", port, f"a port that is free ({error.strerror})") from None

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)


class _Calls(Collector):
    """Calls that were refused or ended with an error."""

    def __init__(self, server: RpcServer) -> None:
        self._server = server

    def collect(self) -> Iterator[Metric]:
        """Yield the counts as they are."""
        refused = "Streams refused because all places were taken"
        yield CounterMetricFamily("heronry_streams_refused", refused, value=self._server.admission.num_refused)
        errors = CounterMetricFamily(
            "heronry_errors", "Calls that ended with an error, by method and class", labels=("method", "error")
        )
        for (method, error), count in sorted(self._server.errors.copy().items()):
            errors.add_metric((method, error), count)
        yield errors
