"""Channel options that server and client must agree on."""

from typing import Final

ChannelOptions = tuple[tuple[str, int], ...]

DEFAULT_MAX_MESSAGE_BYTES: Final = 8 << 20

# `grpc.keepalive_timeout_ms` has no effect in C-core; the ping timeout is what notices a frozen peer.
COMMON: Final[ChannelOptions] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)
# The server's minimum must lie below the clients' keepalive period, else it answers pings with GOAWAY.
SERVER: Final[ChannelOptions] = (
    *COMMON,
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.so_reuseport", 0),
    ("grpc.enable_channelz", 1),
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
)
# A pool of its own for each channel: bulk bytes must not sit before a heartbeat on one connection.
CLIENT: Final[ChannelOptions] = (
    *COMMON,
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 1),
)
BULK: Final[ChannelOptions] = (("grpc.max_receive_message_length", DEFAULT_MAX_MESSAGE_BYTES),)


def client_options(*, bulk: bool = False) -> list[tuple[str, int]]:
    """Return the options of a channel; a bulk channel takes larger messages."""
    return [*CLIENT, *BULK] if bulk else [*CLIENT]


def server_options(
    *, max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES, max_streams: int = 1000
) -> list[tuple[str, int]]:
    """Return the options of a server.

    The transport's own bound on streams lies above the admission's, because reaching it queues
    calls in silence: it is the last fence only.
    """
    return [
        *SERVER,
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_concurrent_streams", 2 * max_streams + 64),
    ]
