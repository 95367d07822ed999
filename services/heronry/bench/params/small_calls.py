"""How many small unary calls one service process answers, beside an echo of bare gRPC.

Floor: some 125 microseconds a call in the one thread that Python's gRPC answers in, the sending of the answer among
them: 8,000 a second of one core. Transport and client want 60 more each, of two cores in all.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from heronry.api.params.v1 import params_pb2 as pb
from heronry.bench.measurement import Measurement
from heronry.bench.params import unary_load
from heronry.bench.params.bare_grpc import SERVICE
from heronry.bench.params.processes import ParamsServer, Worker, ask_all
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

CASE = "params.small_calls"
_METHOD = "/heronry.api.params.v1.ParamsService/GetModel"
_MODEL = "small"
_NUM_FLOATS = 8
_NUM_IN_FLIGHT = 16
_NUM_CLIENTS = 2
_WINDOW_S = 2.0
_NUM_WINDOWS = 5
_LEAD_S = 0.05
_GOAL = 5000.0


def small_calls(peers: Peers) -> Iterator[Row]:
    """Yield GetModel calls a second, from a C++ client where there is one."""
    del peers
    program = unary_load.compiled()
    ours: list[float] = []
    theirs: list[float] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="heronry-bench-")))
        server = stack.enter_context(ParamsServer(folder / "params"))
        clients = [stack.enter_context(Worker("crowd_worker")) for _ in range(_NUM_CLIENTS)]
        _gather(clients, server)
        cpu_before = server.cpu_s()
        if program is None:
            ours = [_by_python(clients) for _ in range(_NUM_WINDOWS + 1)]
        else:
            request = folder / "request"
            request.write_bytes(pb.GetModelRequest(model=_MODEL).SerializeToString())
            bare = stack.enter_context(Worker("bare_server"))
            address = bare.ask("start", num_floats=_NUM_FLOATS, num_workers=1)["address"]
            by_cpp = _by_cpp(program, request)
            for _ in range(_NUM_WINDOWS + 1):
                ours.append(by_cpp(server.tcp_address, _METHOD))
                theirs.append(by_cpp(address, f"/{SERVICE}/Echo"))
        cpu_us = 1e6 * (server.cpu_s() - cpu_before) / (_WINDOW_S * sum(ours))
    clients_told = "C++, 1 process" if program else f"Python, {_NUM_CLIENTS} processes"
    settings = {"clients": clients_told, "in_flight": _NUM_IN_FLIGHT, "server_cpu_us": round(cpu_us, 1)}
    beside = {"reference": "echo of bare grpc.aio", "reference_value": statistics.median(theirs[1:])} if theirs else {}
    yield Row.of(CASE, ours[1:], "calls/s", "higher", goal=_GOAL, settings=settings, **beside)


def _gather(clients: list[Worker], server: ParamsServer) -> None:
    where = {"address": server.tcp_address, "model": _MODEL}
    clients[0].ask("register", **where, num_floats=_NUM_FLOATS, num_contributions=1)
    for number, client in enumerate(clients):
        client.ask("gather", **where, names=[f"caller-{number}"], num_floats=_NUM_FLOATS)


def _by_cpp(program: Path, request: Path) -> Callable[[str, str], float]:
    def rate(address: str, method: str) -> float:
        told = unary_load.calls(program, address, method, request, _WINDOW_S, _NUM_IN_FLIGHT)
        return float(told["num_calls"] / told["seconds"])

    return rate


def _by_python(clients: list[Worker]) -> float:
    at = time.monotonic() + _LEAD_S
    in_flight = _NUM_IN_FLIGHT // len(clients)
    answers = ask_all(clients, "calls", at=at, seconds=_WINDOW_S, num_in_flight=in_flight)
    return float(sum(answer["num_calls"] for answer in answers) / _WINDOW_S)


SMALL_CALL_MEASUREMENTS = (Measurement((CASE,), small_calls, 40.0),)
