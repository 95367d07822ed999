"""Reverb, in the best configuration it has for each case."""

from heronry.bench.peers import Peers

NAME = "dm-reverb 0.14.0"
_SCRIPT = "reverb_bench.py"
_WINDOWS = ("--seconds", "1", "--windows", "3")


def insert(payload: str, items: str, num_clients: int, max_size: int) -> tuple[str, ...]:
    """Return the arguments of inserting through the structured writer, its fastest."""
    table = ("--item", items, "--max-size", str(max_size), "--writer", "structured")
    return ("insert", "--payload", payload, *table, "--clients", str(num_clients))


def sample(
    payload: str, items: str, num_clients: int, *, table: str, batch_size: int, num_items: int, chunk: int
) -> tuple[str, ...]:
    """Return the arguments of sampling through its dataset.

    Chunks of one step are best for vectors, its own choice (0) for n-step items of frames, and the
    sequence's length for sequences.
    """
    what = ("--payload", payload, "--item", items, "--items", str(num_items), "--chunk", str(chunk))
    how = ("--table", table, "--batch", str(batch_size), "--client", "dataset", "--clients", str(num_clients))
    return ("sample", *what, *how)


def priorities(num_clients: int, batch_size: int, num_items: int) -> tuple[str, ...]:
    """Return the arguments of its bulk call."""
    return ("priority", "--clients", str(num_clients), "--batch", str(batch_size), "--items", str(num_items))


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


def run(peers: Peers, arguments: tuple[str, ...]) -> dict[str, float]:
    """Run a case of the peer; empty where it is not installed."""
    return peers.run("reverb", _SCRIPT, *arguments, *_WINDOWS) or {}


def reference(fields: dict[str, float], name: str, scale: float = 1.0) -> dict[str, object]:
    """Return a row's fields of the peer; none where it was not run."""
    return {"reference": NAME, "reference_value": fields[name] * scale} if name in fields else {}
