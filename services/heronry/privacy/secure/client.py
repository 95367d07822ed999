"""A client's side of one round of secure aggregation."""

import enum
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from heronry.native.arrays import Vector
from heronry.privacy.secure import client_checks as checks
from heronry.privacy.secure import shamir
from heronry.privacy.secure.agreement import KeyPair, pairwise_mask, seal, seed_digest, self_mask, unseal
from heronry.privacy.secure.grid_vector import grid_vector
from heronry.privacy.secure.masks import KEY_BYTES, Mask, apply_masks
from heronry.types.errors import UnexpectedMessageError, UnmaskRefusedError, UnsoundRoundError
from heronry.types.field_checks import checked_name
from heronry.types.privacy import DistributedNoise
from heronry.types.secure_messages import (
    AdvertisedKeys,
    MaskedInput,
    RelayedShares,
    RevealedShares,
    Roster,
    SealedShares,
    Sums,
    UnmaskRequest,
)
from heronry.types.secure_rounds import RoundParameters


class AddNoise(Protocol):
    """Adds noise on the integer grid: closed under addition (Skellam), and from a cryptographic stream."""

    def __call__(self, variance: float, total: Sums) -> None:
        """Add noise of a variance, in squared steps, to every coordinate."""


class ClientStep(enum.Enum):
    """What a client's session waits for."""

    PARAMETERS = "waiting for the round's parameters"
    ROSTER = "waiting for the roster"
    SHARES = "waiting for the others' shares"
    VECTOR = "waiting for its own vector"
    REQUEST = "waiting for the request for shares"
    ENDED = "ended"


class _Secrets:
    """What only this client knows, for one round.

    Attributes:
      sealing: opens what others seal for this client.
      masking: agrees on pairwise masks; shared out, revealed when this client drops.
      seed: of the self mask; shared out, revealed when this client survives.
      held: a share of each client's seed, and behind it one of its private mask key, by client id.
    """

    def __init__(self) -> None:
        self.sealing = KeyPair.fresh()
        self.masking = KeyPair.fresh()
        self.seed = secrets.token_bytes(KEY_BYTES)
        self.held: dict[str, bytes] = {}


class ClientSession:
    """One client, one round: messages in, messages out, each method once and in this order.

    `join`, `share`, `receive`, `contribute`, `reveal`. A message that is unsound ends the session for good, and with it
    its secrets: there is no second try that a server could steer. Not task-safe.

    Args:
      client_id: its own, as the transport authenticates it.
      claim: the noise and the fewest survivors that this client was promised; None: it takes part in sums without a
        claim of differential privacy.
      add_noise: draws the client's share of the noise, from a key that is fresh for this round. Required for a claim.
    """

    def __init__(self, client_id: str, *, claim: DistributedNoise | None, add_noise: AddNoise | None) -> None:
        self._id = checked_name("client_id", client_id)
        self._claim = claim
        self._add_noise = add_noise
        self._step = ClientStep.PARAMETERS
        self._secrets = _Secrets()

    @property
    def step(self) -> ClientStep:
        """Return what the session waits for."""
        return self._step

    def join(self, parameters: RoundParameters) -> AdvertisedKeys:
        """Take part in a round: returns public keys that are made for it.

        Raises:
          UnsoundRoundError: the client is no member, or the round would not keep the claim.
        """
        with self._in_step(ClientStep.PARAMETERS, ClientStep.ROSTER):
            checks.check_parameters(self._id, parameters, self._claim, has_noise=self._add_noise is not None)
            self._parameters = parameters
        return self._own_keys()

    def share(self, roster: Roster) -> SealedShares:
        """Return this client's secrets, in shares sealed for the others.

        Raises:
          UnsoundRoundError: too few clients, strangers, or keys that are not distinct, usable and its own.
        """
        with self._in_step(ClientStep.ROSTER, ClientStep.SHARES):
            checks.check_roster(self._id, self._own_keys(), roster, self._parameters)
            self._roster, self._view = roster, roster.digest(self._parameters)
            return self._shared()

    def receive(self, relayed: RelayedShares) -> None:
        """Take the others' shares. One that cannot be opened is left out when shares are revealed.

        Raises:
          UnsoundRoundError: too few clients, or clients that are not on the roster.
        """
        with self._in_step(ClientStep.SHARES, ClientStep.VECTOR):
            checks.check_relayed(self._id, relayed, self._roster, self._parameters)
            self._sharers = relayed.sharers
            for sender, sealed in relayed.sealed.items():
                keys = self._roster.keys[sender]
                content = unseal(self._secrets.sealing, self._id, keys.sealing_key, sender, self._view, sealed)
                if content is not None:
                    self._secrets.held[sender] = content

    def contribute(self, values: Vector, weight: float = 1.0) -> MaskedInput:
        """Return the vector: clipped, on the grid, with this client's noise, masked.

        CPU time is that of one keystream as long as the vector for each of the sharers.

        Args:
          values: [P] float32 or float64, contiguous; not modified.
          weight: 0 to 1.

        Raises:
          InvalidContributionError: of another length or type, or not finite; the session goes on waiting for a vector.
          InvalidArgumentError: a weight outside 0 to 1; likewise.
        """
        self._require(ClientStep.VECTOR)
        steps = grid_vector(values, weight, self._parameters)
        if self._parameters.noise_multiplier > 0 and self._add_noise is not None:
            self._add_noise(self._parameters.share_variance, steps)
        words = steps.astype(np.uint32)  # modulo 2^32
        apply_masks(words, self._masks())
        self._step = ClientStep.REQUEST
        return MaskedInput(words)

    def reveal(self, request: UnmaskRequest) -> RevealedShares:
        """Return the shares that unmask the survivors' sum, and end the session.

        Raises:
          UnmaskRefusedError: fewer survivors than promised, a client named twice, left out or unknown, or this one not
            among the survivors. Nothing has been revealed and nothing will be.
        """
        with self._in_step(ClientStep.REQUEST, ClientStep.ENDED):
            checks.check_request(self._id, request, self._sharers, self._parameters)
            size, held = shamir.SHARE_BYTES, self._secrets.held
            seeds = {survivor: held[survivor][:size] for survivor in request.survivors if survivor in held}
            keys = {dropped: held[dropped][size:] for dropped in request.dropped if dropped in held}
        self._secrets = _Secrets()
        return RevealedShares(seeds, keys)

    def _own_keys(self) -> AdvertisedKeys:
        return AdvertisedKeys(self._secrets.sealing.public_bytes, self._secrets.masking.public_bytes)

    def _shared(self) -> SealedShares:
        members, threshold = self._parameters.members, self._parameters.min_survivors
        seed_shares = shamir.split(self._secrets.seed, len(members), threshold)
        key_shares = shamir.split(self._secrets.masking.private_bytes(), len(members), threshold)
        sealed = {}
        for member, seed_share, key_share in zip(members, seed_shares, key_shares, strict=True):
            keys = self._roster.keys.get(member)
            if member == self._id:
                self._secrets.held[member] = seed_share + key_share
            elif keys is not None:
                content = seed_share + key_share
                sealed[member] = seal(self._secrets.sealing, self._id, keys.sealing_key, member, self._view, content)
        return SealedShares(seed_digest(self._secrets.seed, self._id, self._view), sealed)

    def _masks(self) -> Iterator[Mask]:
        yield self_mask(self._secrets.seed, self._id, self._view)
        for peer in self._sharers:
            if peer != self._id:
                mask_key = self._roster.keys[peer].mask_key
                yield pairwise_mask(self._secrets.masking, self._id, mask_key, peer, self._view)

    @contextmanager
    def _in_step(self, step: ClientStep, following: ClientStep) -> Iterator[None]:
        """Run a step if it is due; whatever is unsound in it ends the session."""
        self._require(step)
        try:
            yield
        except (UnsoundRoundError, UnmaskRefusedError):
            self._step = ClientStep.ENDED
            # Whatever calls come later, they can only use up secrets that mean nothing.
            self._secrets = _Secrets()
            raise
        self._step = following

    def _require(self, step: ClientStep) -> None:
        if self._step is not step:
            raise UnexpectedMessageError.of(self._step.value, step.value)
