"""The same round by other systems, each in the environment that `--peers DIR` has for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heronry.bench.peers import Peers
from heronry.bench.rows import Row

_ROUND = ("--params", "10000000")


@dataclass(frozen=True)
class RoundPeer:
    """A peer's script that prints `median_s` of such a round.

    Attributes:
      name: last part of the row's case.
      told: what is compared with.
      environment: its folder below `venvs`.
      module: all that it needs; where our own environment has it, that does. None: it needs its own.
    """

    name: str
    told: str
    environment: str
    script: str
    arguments: tuple[str, ...]
    module: str | None = None


PEERS = (
    RoundPeer(
        "beside_grpc_stream",
        "plain grpcio streams, default malloc (ps_comm_bench.py grpc_stream)",
        "grpc",
        "ps_comm_bench.py",
        ("--case", "grpc_stream", "--procs", "4", "--reps", "7", *_ROUND),
        "grpc",
    ),
    RoundPeer(
        "beside_gloo",
        "torch.distributed gloo, reduce and broadcast",
        "gloo",
        "ps_comm_bench.py",
        ("--case", "gloo_pushpull", "--procs", "4", "--reps", "7", *_ROUND),
        "torch",
    ),
    RoundPeer(
        "beside_flwr", "flwr 1.8", "flwr18", "flower_round_legacy.py", ("--clients", "4", "--rounds", "6", *_ROUND)
    ),
)


def peer_rows(peers: Peers, case: str, seconds: Sequence[float]) -> Iterator[Row]:
    """Yield our seconds once more beside each peer; where one is not installed its reference stays empty."""
    for peer in PEERS:
        result = peers.run(peer.environment, peer.script, *peer.arguments, timeout_s=300, module=peer.module)
        beside = {"reference": peer.told, "reference_value": result["median_s"]} if result else {}
        yield Row.of(f"{case}.{peer.name}", seconds, "s", "lower", **beside)
