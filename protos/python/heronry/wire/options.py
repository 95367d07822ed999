"""Channel options that server and client must agree on."""

from dataclasses import dataclass
from typing import Final

ChannelOptions = tuple[tuple[str, int], ...]

DEFAULT_MAX_MESSAGE_BYTES: Final = 8 << 20
_MIN_PING_INTERVAL_MS: Final = 5_000


@dataclass(frozen=True)
class Keepalive:
    """When a connection counts as lost: nothing came for `period_s`, then no answer to a ping for `timeout_s`.

    Both sides should have the same: a client that pings much more often than its server expects is sent away.
    """

    period_s: float = 20.0
    timeout_s: float = 5.0

    @property
    def options(self) -> ChannelOptions:
        """The options of either side."""
        # `grpc.keepalive_timeout_ms` has no effect in C-core; the ping timeout is what notices a frozen peer.
        return (
            ("grpc.keepalive_time_ms", round(1000 * self.period_s)),
            ("grpc.http2.ping_timeout_ms", round(1000 * self.timeout_s)),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        )

    @property
    def server_options(self) -> ChannelOptions:
        """The options of a server."""
        # The minimum must lie below the clients' period, else their pings are answered with GOAWAY.
        least_ms = min(_MIN_PING_INTERVAL_MS, round(500 * self.period_s))
        return (*self.options, ("grpc.http2.min_ping_interval_without_data_ms", least_ms))


SERVER: Final[ChannelOptions] = (
    ("grpc.so_reuseport", 0),
    ("grpc.enable_channelz", 1),
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
)
# A pool of its own for each channel: bulk bytes must not sit before a heartbeat on one connection.
CLIENT: Final[ChannelOptions] = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 1),
)
BULK: Final[ChannelOptions] = (("grpc.max_receive_message_length", DEFAULT_MAX_MESSAGE_BYTES),)


_KEEPALIVE: Final = Keepalive()


def client_options(*, bulk: bool = False, keepalive: Keepalive = _KEEPALIVE) -> list[tuple[str, int]]:
    """Return the options of a channel; a bulk channel takes larger messages."""
    return [*keepalive.options, *CLIENT, *(BULK if bulk else ())]


def server_options(
    *,
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
    max_streams: int = 1000,
    keepalive: Keepalive = _KEEPALIVE,
) -> list[tuple[str, int]]:
    """Return the options of a server.

    The transport's own bound on streams lies above the admission's, because reaching it queues
    calls in silence: it is the last fence only.
    """
    return [
        *keepalive.server_options,
        *SERVER,
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_concurrent_streams", 2 * max_streams + 64),
    ]
