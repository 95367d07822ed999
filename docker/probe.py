"""Health probe of a service in a container: exit code 0 when it says SERVING.

Asks `grpc.health.v1.Health/Check` with the standard library alone, because importing grpc would cost
a third of a second of CPU at every check of every container. Usage: probe.py [HOST:PORT [SERVICE]]
"""

import socket
import struct
import sys

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4
STREAM = 1
SERVING = b"\x08\x01"
PATH = b"/grpc.health.v1.Health/Check"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one HTTP/2 frame."""
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """Return one header field, neither indexed nor compressed."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def request(host: str, service: bytes) -> bytes:
    """Return the preface, the settings and the call, in one piece."""
    fields = (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", PATH),
        (b":authority", host.encode()),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    )
    message = (b"\x0a" + bytes([len(service)]) + service) if service else b""
    body = b"\0" + struct.pack("!I", len(message)) + message
    headers = b"".join(literal(*field) for field in fields)
    call = frame(HEADERS, END_HEADERS, STREAM, headers) + frame(DATA, END_STREAM, STREAM, body)
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + call


def is_serving(host: str, port: int, service: bytes = b"", timeout_s: float = 2.0) -> bool:
    """Tell whether the service at the address answers SERVING."""
    with socket.create_connection((host, port), timeout_s) as connection:
        connection.sendall(request(host, service))
        stream = connection.makefile("rb")
        while len(head := stream.read(9)) == 9:
            size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            payload = stream.read(size)
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            elif kind == DATA and payload:
                return payload[5:] == SERVING
            elif kind in (RST_STREAM, GOAWAY) or (kind == HEADERS and flags & END_STREAM):
                return False
    return False


def main(arguments: list[str]) -> int:
    """Probe the address given; returns the exit code."""
    host, _, port = (arguments[0] if arguments else "127.0.0.1:50051").rpartition(":")
    try:
        return 0 if is_serving(host, int(port), arguments[1].encode() if len(arguments) > 1 else b"") else 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
