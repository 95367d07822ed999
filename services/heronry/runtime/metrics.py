"""A service's own figures for Prometheus."""

from prometheus_client import CollectorRegistry, Gauge, start_http_server

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
