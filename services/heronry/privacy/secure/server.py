"""The server's side of one round of secure aggregation."""

import enum
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from heronry.privacy.secure import server_checks as checks
from heronry.privacy.secure.agreement import KeyPair
from heronry.privacy.secure.masks import apply_masks
from heronry.privacy.secure.unmasking import Shares, Unmasking
from heronry.types.errors import (
    HeronryError,
    RepeatedMessageError,
    RoundAbandonedError,
    StrangerError,
    UnexpectedMessageError,
)
from heronry.types.secure_messages import (
    AdvertisedKeys,
    MaskedInput,
    RelayedShares,
    RevealedShares,
    Roster,
    SealedShares,
    SecureSum,
    UnmaskRequest,
)
from heronry.types.secure_rounds import RoundParameters


class ServerStep(enum.Enum):
    """What a round is at."""

    KEYS = "collecting keys"
    SHARES = "collecting shares"
    INPUTS = "collecting masked inputs"
    REVEALED = "collecting shares of the secrets"
    ENDED = "ended"
    ABANDONED = "abandoned"


class ServerSession:
    """One round at the server: messages in, messages out; when a step ends is the caller's decision.

    For each step there is a method that takes one client's message, and one that ends the step: it returns what goes to
    the clients, or abandons the round when fewer than `min_survivors` are left. A message that is refused is counted
    and changes nothing; its sender may still send a right one while the step lasts. Not task-safe.

    Memory: one vector of 4 bytes a parameter, whatever the number of clients, and `members^2` sealed shares.
    """

    def __init__(self, parameters: RoundParameters) -> None:
        self.parameters = parameters
        self.refusals: Counter[str] = Counter()
        self._probe = KeyPair.fresh()
        self._enter(ServerStep.KEYS, parameters.members)
        self._keys: dict[str, AdvertisedKeys] = {}
        self._shares: dict[str, SealedShares] = {}
        self._survivors: list[str] = []
        self._revealed: dict[str, RevealedShares] = {}
        self._total = np.zeros(0, np.uint32)

    @property
    def step(self) -> ServerStep:
        """Return what the round is at."""
        return self._step

    @property
    def missing(self) -> tuple[str, ...]:
        """Return who may still send a message in this step; the caller waits for them, to a deadline."""
        return tuple(member for member in self.parameters.members if member in self._expected - self._arrived)

    def accept_keys(self, client_id: str, keys: AdvertisedKeys) -> None:
        """Take a client's public keys.

        Raises:
          MalformedMessageError: no usable keys, or one that another client has.
          StrangerError, RepeatedMessageError, UnexpectedMessageError: as of every step.
        """
        with self._accepting(ServerStep.KEYS, client_id):
            checks.check_keys(keys, self._keys.values(), self._probe)
            self._keys[client_id] = keys

    def close_keys(self) -> Roster:
        """End the first step; returns what goes to all whose keys have arrived."""
        self._close(ServerStep.KEYS, self._keys)
        self._roster = Roster({member: self._keys[member] for member in sorted(self._keys)})
        self._enter(ServerStep.SHARES, self._keys)
        return self._roster

    def accept_shares(self, client_id: str, shares: SealedShares) -> None:
        """Take a client's shares, sealed for the others.

        Raises:
          MalformedMessageError: other readers than the others on the roster, or a wrong length.
          StrangerError, RepeatedMessageError, UnexpectedMessageError: as of every step.
        """
        with self._accepting(ServerStep.SHARES, client_id):
            checks.check_shares(shares, self._keys.keys() - {client_id})
            self._shares[client_id] = shares

    def close_shares(self) -> Mapping[str, RelayedShares]:
        """End the second step; returns what goes to whom."""
        self._close(ServerStep.SHARES, self._shares)
        self._sharers = tuple(sorted(self._shares))
        self._total = np.zeros(self.parameters.num_parameters, np.uint32)
        self._enter(ServerStep.INPUTS, self._sharers)
        return {reader: self._relayed(reader) for reader in self._sharers}

    def accept_masked(self, client_id: str, masked: MaskedInput) -> None:
        """Add a client's masked vector to the sum; nothing else is kept of it. O(P).

        Raises:
          MalformedMessageError: another type or length.
          StrangerError, RepeatedMessageError, UnexpectedMessageError: as of every step.
        """
        with self._accepting(ServerStep.INPUTS, client_id):
            checks.check_words(masked.words, self.parameters.num_parameters)
            np.add(self._total, masked.words, out=self._total)
            self._survivors.append(client_id)

    def close_masked(self) -> UnmaskRequest:
        """End the third step; returns the request that goes to all survivors."""
        self._close(ServerStep.INPUTS, self._survivors)
        survivors = tuple(sorted(self._survivors))
        dropped = tuple(sharer for sharer in self._sharers if sharer not in set(survivors))
        self._request = UnmaskRequest(survivors, dropped)
        self._enter(ServerStep.REVEALED, survivors)
        return self._request

    def accept_revealed(self, client_id: str, revealed: RevealedShares) -> None:
        """Take a survivor's shares of the secrets that were asked for.

        Raises:
          MalformedMessageError: shares that were not asked for, or a wrong length.
          StrangerError, RepeatedMessageError, UnexpectedMessageError: as of every step.
        """
        with self._accepting(ServerStep.REVEALED, client_id):
            checks.check_revealed(revealed, self._request)
            self._revealed[client_id] = revealed

    def close(self) -> SecureSum:
        """End the round: take the masks off the sum. O(P * survivors * (1 + dropped)); one thread.

        Raises:
          RoundAbandonedError: too few answers, or shares that do not give the secrets: nothing is unmasked.
        """
        self._close(ServerStep.REVEALED, self._revealed)
        try:
            self._unmask()
        except RoundAbandonedError:
            self.abandon()
            raise
        # The sum lies within int32, by the parameters: the wrapped word is the number itself.
        total = self._total.view(np.int32).astype(np.int64)
        self._forget(ServerStep.ENDED)
        return SecureSum(total, self._request.survivors, self._request.dropped)

    def abandon(self) -> None:
        """Give the round up: nothing of it is unmasked, now or later."""
        self._forget(ServerStep.ABANDONED)

    def _unmask(self) -> None:
        view = self._roster.digest(self.parameters)
        unmasking = Unmasking(self._roster, view, self.parameters.min_survivors)
        digests = {sharer: shares.seed_digest for sharer, shares in self._shares.items()}
        seeds = self._by_owner(self._request.survivors, lambda r: r.seed_shares)
        keys = self._by_owner(self._request.dropped, lambda r: r.key_shares)
        # All secrets first: with one missing, not even a part of the masks may come off.
        masks = [*unmasking.self_masks(digests, seeds), *unmasking.pairwise_masks(self._request.survivors, keys)]
        apply_masks(self._total, masks)

    def _by_owner(
        self, owners: Iterable[str], shares_of: Callable[[RevealedShares], Mapping[str, bytes]]
    ) -> dict[str, Shares]:
        """Return the shares of each owner's secret, by the point of whom they come from."""
        point_of = {sender: self.parameters.point_of(sender) for sender in self._revealed}
        answers = [(point_of[sender], shares_of(revealed)) for sender, revealed in self._revealed.items()]
        return {owner: {point: held[owner] for point, held in answers if owner in held} for owner in owners}

    def _relayed(self, reader: str) -> RelayedShares:
        others = (sharer for sharer in self._sharers if sharer != reader)
        return RelayedShares(self._sharers, {sender: self._shares[sender].sealed[reader] for sender in others})

    @contextmanager
    def _accepting(self, step: ServerStep, client_id: str) -> Iterator[None]:
        """Take a message if it is due and its sender expected; count it by the error's name if it is refused."""
        try:
            if self._step is not step:
                raise UnexpectedMessageError.of(self._step.value, step.value)
            if client_id not in self._expected:
                raise StrangerError(
                    f"{client_id!r} does not take part in {step.value}", details={"client": str(client_id)}
                )
            if client_id in self._arrived:
                raise RepeatedMessageError(f"{client_id!r} has already been heard in {step.value}")
            yield
        except HeronryError as refusal:
            self.refusals[type(refusal).__name__] += 1
            raise
        self._arrived.add(client_id)

    def _close(self, step: ServerStep, arrived: Collection[str]) -> None:
        if self._step is not step:
            raise UnexpectedMessageError.of(self._step.value, step.value)
        fewest = self.parameters.min_survivors
        if len(arrived) < fewest:
            self.abandon()
            why = f"{len(arrived)} clients are left, {fewest} are needed"
            raise RoundAbandonedError.of(step.value, why, {"clients": len(arrived), "min_survivors": fewest})

    def _enter(self, step: ServerStep, expected: Iterable[str]) -> None:
        self._step = step
        self._expected = frozenset(expected)
        self._arrived: set[str] = set()

    def _forget(self, step: ServerStep) -> None:
        self._enter(step, ())
        self._shares.clear()
        self._revealed.clear()
        self._total = np.zeros(0, np.uint32)
