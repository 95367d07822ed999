"""A round of secure aggregation, and what it costs: CPU time and bytes, a client and the server.

All sessions run in this process, on one thread. The clients that drop do so in the dear case: after all have agreed on
masks with them, so that the server has to rebuild a keystream for each pair of a survivor and a dropped client.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from heronry.privacy.secure import ClientSession, Roster, RoundParameters, ServerSession

_STEPS = ("keys", "shares", "input", "reveal")


def num_bytes(value: Any) -> int:  # noqa: ANN401 - any message, and its parts
    """Return the bytes of a message's values and names; the framing of a wire is not counted."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, dict):
        return sum(num_bytes(part) for pair in value.items() for part in pair)
    if isinstance(value, tuple):
        return sum(num_bytes(part) for part in value)
    if isinstance(value, (int, float)):
        return 8
    return sum(num_bytes(getattr(value, field.name)) for field in fields(value))


class Meter:
    """CPU seconds by who and what."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def run(self, what: str, call: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - those of `call`
        """Return what `call` returns, its time counted."""
        start = time.process_time()
        result = call(*arguments)
        self.seconds[what] += time.process_time() - start
        return result


def measure_round(num_clients: int, num_parameters: int, num_dropped: int, min_survivors: int) -> dict[str, Any]:
    """Run a round without noise; return its figures, and whether the sum is right."""
    members = [f"client-{index:04}" for index in range(num_clients)]
    parameters = RoundParameters.opened(
        members,
        num_parameters=num_parameters,
        grid_step=2.0**-20,
        clipping_norm=1.0,
        noise_multiplier=0.0,
        min_survivors=min_survivors,
    )
    server, meter = ServerSession(parameters), Meter()
    clients = {member: ClientSession(member, claim=None, add_noise=None) for member in members}
    up, down = _agree(server, clients, meter)
    survivors = members[: num_clients - num_dropped]
    vector = np.random.default_rng(1).normal(size=num_parameters).astype(np.float32) / np.float32(num_parameters)
    for member in survivors:
        masked = meter.run("client input", clients[member].contribute, vector)
        meter.run("server input", server.accept_masked, member, masked)
        up["input"] = num_bytes(masked)
    request = server.close_masked()
    for member in survivors:
        revealed = meter.run("client reveal", clients[member].reveal, request)
        meter.run("server reveal", server.accept_revealed, member, revealed)
        up["reveal"], down["reveal"] = num_bytes(revealed), num_bytes(request)
    found = meter.run("server unmask", server.close)

    expected = len(survivors) * np.rint(vector.astype(np.float64) * 2**20).astype(np.int64)
    times = _times(meter, num_clients, len(survivors))
    return {"is_right": bool(np.array_equal(found.total, expected)), **times, **_sizes(up, down, num_parameters)}


def _agree(
    server: ServerSession, clients: dict[str, ClientSession], meter: Meter
) -> tuple[dict[str, int], dict[str, int]]:
    up: dict[str, int] = {}
    down = {"keys": num_bytes(server.parameters)}
    for member, client in clients.items():
        keys = meter.run("client keys", client.join, server.parameters)
        meter.run("server keys", server.accept_keys, member, keys)
        up["keys"] = num_bytes(keys)
    roster: Roster = meter.run("server keys", server.close_keys)
    for member, client in clients.items():
        shares = meter.run("client shares", client.share, roster)
        meter.run("server shares", server.accept_shares, member, shares)
        up["shares"], down["shares"] = num_bytes(shares), num_bytes(roster)
    for member, relayed in meter.run("server shares", server.close_shares).items():
        meter.run("client shares", clients[member].receive, relayed)
        down["input"] = num_bytes(relayed)
    return up, down


def _times(meter: Meter, num_clients: int, num_survivors: int) -> dict[str, Any]:
    heads = {"keys": num_clients, "shares": num_clients, "input": num_survivors, "reveal": num_survivors}
    client = {step: round(1e3 * meter.seconds[f"client {step}"] / heads[step], 2) for step in _STEPS}
    server = {step: round(1e3 * meter.seconds[f"server {step}"], 2) for step in (*_STEPS, "unmask")}
    return {
        "client_cpu_ms": {**client, "all": round(sum(client.values()), 2)},
        "server_cpu_ms": {**server, "all": round(sum(server.values()), 2)},
    }


def _sizes(up: dict[str, int], down: dict[str, int], num_parameters: int) -> dict[str, Any]:
    plain = 4 * num_parameters
    return {
        "client_bytes_up": {**up, "all": sum(up.values())},
        "client_bytes_down": {**down, "all": sum(down.values())},
        "plain_bytes_up": plain,
        "up_over_plain": round(sum(up.values()) / plain, 4),
    }
