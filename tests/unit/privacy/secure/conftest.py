"""A whole round in memory, with clients that fall out after any step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from heronry.privacy.secure import (
    ClientSession,
    RevealedShares,
    RoundParameters,
    SealedShares,
    SecureSum,
    ServerSession,
)

AddNoise = Callable[[float, np.ndarray], None]
Vectors = dict[str, np.ndarray]


@dataclass
class Round:
    """Clients and a server that talk to each other at once; each step goes on with those who are given."""

    parameters: RoundParameters
    add_noise: AddNoise | None = None
    clients: dict[str, ClientSession] = field(default_factory=dict)
    shares: dict[str, SealedShares] = field(default_factory=dict)
    inputs: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = ServerSession(self.parameters)
        for member in self.parameters.members:
            self.clients[member] = ClientSession(member, claim=None, add_noise=self.add_noise)

    def advertise(self, members: Sequence[str] | None = None) -> None:
        for member in self.parameters.members if members is None else members:
            self.server.accept_keys(member, self.clients[member].join(self.parameters))
        self.roster = self.server.close_keys()

    def share(self, members: Sequence[str] | None = None) -> None:
        for member in self.roster.keys:
            self.shares[member] = self.clients[member].share(self.roster)
        for member in self.roster.keys if members is None else members:
            self.server.accept_shares(member, self.shares[member])
        self.relayed = self.server.close_shares()
        for member, relayed in self.relayed.items():
            self.clients[member].receive(relayed)

    def contribute(self, vectors: Mapping[str, np.ndarray]) -> None:
        for member, vector in vectors.items():
            masked = self.clients[member].contribute(vector)
            self.inputs[member] = masked.words.copy()
            self.server.accept_masked(member, masked)
        self.request = self.server.close_masked()

    def reveal(self, members: Sequence[str] | None = None) -> None:
        for member in self.request.survivors if members is None else members:
            self.server.accept_revealed(member, self.revealed(member))

    def revealed(self, member: str) -> RevealedShares:
        return self.clients[member].reveal(self.request)

    def run(self, vectors: Mapping[str, np.ndarray]) -> SecureSum:
        """All share, those with a vector contribute."""
        self.advertise()
        self.share()
        self.contribute(vectors)
        self.reveal()
        return self.server.close()


class Rounds:
    """Makes rounds, vectors and the sums to expect."""

    def open(
        self, num_clients: int, min_survivors: int, *, add_noise: AddNoise | None = None, **settings: Any
    ) -> Round:
        return Round(self.parameters(num_clients, min_survivors, **settings), add_noise)

    def parameters(self, num_clients: int, min_survivors: int, **settings: Any) -> RoundParameters:
        members = [f"client-{index:03}" for index in range(num_clients)]
        usual = {"num_parameters": 3, "grid_step": 2.0**-16, "clipping_norm": 1.0, "noise_multiplier": 0.0}
        return RoundParameters.opened(members, min_survivors=min_survivors, **{**usual, **settings})

    def vectors(self, members: Sequence[str], num_parameters: int = 3, seed: int = 1, scale: float = 0.2) -> Vectors:
        rng = np.random.default_rng(seed)
        return {member: (scale * rng.normal(size=num_parameters)).astype(np.float32) for member in members}

    def plain_sum(self, vectors: Vectors, parameters: RoundParameters) -> np.ndarray:
        """Ten lines of reference: a norm in float64, the nearest step, whole numbers."""
        total = np.zeros(parameters.num_parameters, np.int64)
        for vector in vectors.values():
            exact = vector.astype(np.float64)
            norm = float(np.linalg.norm(exact))
            factor = 1.0 if norm <= parameters.clipping_norm else parameters.clipping_norm / norm
            total += np.rint(exact * factor / parameters.grid_step).astype(np.int64)
        return total


@pytest.fixture(scope="session")
def rounds() -> Rounds:
    return Rounds()


@pytest.fixture
def five(rounds: Rounds) -> Round:
    """Five members of whom three must survive, before the first step."""
    return rounds.open(5, 3)
