"""The TCP ports of a mesh on this machine."""

import errno
import socket

from heronry.types.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
COORDINATOR_PORT = 50050
PARAMS_PORT = 50051
REPLAY_PORT = 50052
FIRST_FLEET_PORT = 50053
LEARNER_PORT = 50060
MAX_FLEETS_WITH_PORTS = LEARNER_PORT - FIRST_FLEET_PORT


def port_of(role: str, index: int = 0) -> int:
    """Return the port of a service; fleets have one each, up to the learner's."""
    if role == "fleet":
        if index >= MAX_FLEETS_WITH_PORTS:
            raise ConfigurationError.of("fleets", index + 1, f"1 to {MAX_FLEETS_WITH_PORTS} where each has a TCP port")
        return FIRST_FLEET_PORT + index
    ports = {
        "coordinator": COORDINATOR_PORT,
        "params": PARAMS_PORT,
        "replay": REPLAY_PORT,
        "learner": LEARNER_PORT,
    }
    return ports[role]


def require_free_port(instance: str, port: int, host: str = LOOPBACK) -> None:
    """Raise ConfigurationError when somebody listens at the port already.

    Binds as the service will, so that the answer comes before any process is started; the service
    itself finds out about the race that remains.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise ConfigurationError.of(f"{instance}.listen", f"{host}:{port}", "a port nobody else uses") from error
