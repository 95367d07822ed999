"""Reverb, in the best configuration it has for each case."""

from collections.abc import Mapping, Sequence

from heronry.bench.peers import Peers

NAME = "dm-reverb 0.14.0"
_SCRIPT = "reverb_bench.py"
_WINDOWS = ("--seconds", "1", "--windows", "3")
_TIMEOUT_S = 180.0
Fields = Mapping[str, float]


def insert(payload: str, items: str, max_size: int) -> tuple[str, ...]:
    """Return the arguments of inserting through the structured writer, its fastest."""
    table = ("--item", items, "--max-size", str(max_size), "--writer", "structured")
    return ("insert", "--payload", payload, *table)


def sample(
    payload: str, items: str, *, samplers: Sequence[str], batch_size: int, num_items: int, chunk: int
) -> tuple[str, ...]:
    """Return the arguments of sampling through its dataset.

    Chunks of one step are best for vectors, its own choice (0) for n-step items of frames, and the
    sequence's length for sequences.
    """
    what = ("--payload", payload, "--item", items, "--items", str(num_items), "--chunk", str(chunk))
    return ("sample", *what, "--table", ",".join(samplers), "--batch", str(batch_size), "--client", "dataset")


def priorities(batch_size: int, num_items: int) -> tuple[str, ...]:
    """Return the arguments of its bulk call."""
    return ("priority", "--batch", str(batch_size), "--items", str(num_items))


def mixed(payload: str, batch_size: int, num_items: int) -> tuple[str, ...]:
    """Return the arguments of two writers and one dataset at once."""
    table = ("--payload", payload, "--items", str(num_items), "--chunk", "1")
    return ("mixed", *table, "--batch", str(batch_size), "--client", "dataset")


def memory(payload: str, num_items: int) -> tuple[str, ...]:
    """Return the arguments of filling a table in chunks of 20, where an item costs it least."""
    return ("memory", "--payload", payload, "--items", str(num_items), "--chunk", "20")


def checkpoint(gigabytes: float) -> tuple[str, ...]:
    """Return the arguments of saving large items: many small ones take it minutes."""
    return ("checkpoint", "--payload", "noise", "--item", "nstep:3", "--gb", str(gigabytes))


def run(peers: Peers, arguments: tuple[str, ...]) -> Fields:
    """Run a case of the peer; empty where it is not installed."""
    return peers.run("reverb", _SCRIPT, *arguments, *_WINDOWS, timeout_s=_TIMEOUT_S) or {}


def run_clients(peers: Peers, arguments: tuple[str, ...], numbers: Sequence[int]) -> dict[tuple[int, str], Fields]:
    """Run a case with each number of clients; return its lines by number of clients and table."""
    clients = ("--clients", ",".join(str(number) for number in numbers))
    lines = peers.run_lines("reverb", _SCRIPT, *arguments, *clients, *_WINDOWS, timeout_s=_TIMEOUT_S)
    return {(int(line["clients"]), str(line.get("table", ""))): line for line in lines}


def reference(fields: Fields, name: str, scale: float = 1.0, told: str = "") -> dict[str, object]:
    """Return a row's fields of the peer, `told` added to its name; none where it was not run."""
    return {"reference": NAME + told, "reference_value": fields[name] * scale} if name in fields else {}
