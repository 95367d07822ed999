"""Bytes that a worker's round moves, one contribution and one version, by every codec.

Floors, both ways together: 8 bytes a parameter with F32, 4 with BF16 and F16, 2 and the scales with INT8, 16 bytes
for each element that TOP_K keeps.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from heronry.bench.measurement import Measurement
from heronry.bench.params.checks import MiscountError
from heronry.bench.params.processes import ParamsServer, Worker
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

NUM_FLOATS = 10_000_000
CODECS = ("f32", "bf16", "f16", "int8", "top_k")
_BLOCK = 256
_TOP_K_SHARE = 0.01
_NUM_ROUNDS = 3


def case_of(codec: str) -> str:
    """Return a codec's row."""
    return f"params.codecs.bytes.{codec}"


def packed_bytes(codec: str, num_floats: int = NUM_FLOATS) -> int:
    """Return the bytes of one vector, by the definition of its codec."""
    sizes = {
        "f32": 4 * num_floats,
        "bf16": 2 * num_floats,
        "f16": 2 * num_floats,
        "int8": num_floats + 4 * math.ceil(num_floats / _BLOCK),
        "top_k": 8 * math.ceil(_TOP_K_SHARE * num_floats),
    }
    return sizes[codec]


def bytes_a_round(peers: Peers) -> Iterator[Row]:
    """Yield what the service counted as received and sent in a round of one worker."""
    del peers
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="heronry-bench-")))
        server = stack.enter_context(ParamsServer(folder / "params"))
        worker = stack.enter_context(Worker("codec_worker"))
        for codec in CODECS:
            more = {"codec": codec, "num_floats": NUM_FLOATS, "top_k_share": _TOP_K_SHARE}
            told = worker.ask("rounds", address=server.tcp_address, num_rounds=_NUM_ROUNDS, **more)
            values = [received + sent for received, sent in told["moved"]]
            expected = 2 * packed_bytes(codec)
            if any(value != expected for value in values):
                raise MiscountError(f"{codec}: {told['moved']} bytes were received and sent, not {expected} in all")
            beside = {"reference": "float32", "reference_value": 2.0 * packed_bytes("f32")}
            settings = {"floats": NUM_FLOATS, "push_and_pull_s": told["seconds"]}
            yield Row.of(case_of(codec), values, "bytes", "lower", settings=settings, **beside)


CODEC_MEASUREMENTS = (Measurement(tuple(case_of(codec) for codec in CODECS), bytes_a_round, 15.0),)
