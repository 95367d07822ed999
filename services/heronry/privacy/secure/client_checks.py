"""What a client can check of what the server tells it.

It cannot check that members are real clients, nor that a key is a member's own: that is the transport's. See the
package's docstring for what a malicious server could do.
"""

from collections.abc import Iterable

from heronry.privacy.secure.agreement import KeyPair, is_usable_key
from heronry.types.errors import UnmaskRefusedError, UnsoundRoundError
from heronry.types.privacy import DistributedNoise
from heronry.types.secure_messages import SEALED_BYTES, AdvertisedKeys, RelayedShares, Roster, UnmaskRequest
from heronry.types.secure_rounds import RoundParameters


def check_parameters(
    client_id: str, parameters: RoundParameters, claim: DistributedNoise | None, *, has_noise: bool
) -> None:
    """Refuse a round without this client, or with less noise or fewer survivors than it was promised."""
    if client_id not in parameters.members:
        raise UnsoundRoundError.of("secure.members", parameters.members, f"a list with {client_id!r}")
    noise, fewest = parameters.noise_multiplier, parameters.min_survivors
    if claim is not None and noise < claim.noise_multiplier:
        raise UnsoundRoundError.of(
            "secure.noise_multiplier", noise, f"at least {claim.noise_multiplier:g}, as promised"
        )
    if claim is not None and fewest < claim.min_survivors:
        raise UnsoundRoundError.of("secure.min_survivors", fewest, f"at least {claim.min_survivors}, as promised")
    if noise > 0 and not has_noise:
        raise UnsoundRoundError.of("secure.noise_multiplier", noise, "0: this client has no source of noise")


def check_roster(client_id: str, advertised: AdvertisedKeys, roster: Roster, parameters: RoundParameters) -> None:
    """Refuse a roster that is too short, has strangers, or keys that are not distinct, usable and the client's own."""
    _check_listed("secure.roster", client_id, roster.keys, parameters.members, parameters.min_survivors)
    if roster.keys[client_id] != advertised:
        raise UnsoundRoundError.of("secure.roster", client_id, "the keys that this client advertised")
    keys = [key for pair in roster.keys.values() for key in (pair.sealing_key, pair.mask_key)]
    if len(set(keys)) != len(keys):
        raise UnsoundRoundError.of("secure.roster", f"{len(keys) - len(set(keys))} keys twice", "distinct keys")
    probe = KeyPair.fresh()
    for member, pair in roster.keys.items():
        if not (is_usable_key(pair.sealing_key, probe) and is_usable_key(pair.mask_key, probe)):
            raise UnsoundRoundError.of("secure.roster", member, "X25519 keys of 32 bytes, not of low order")


def check_relayed(client_id: str, relayed: RelayedShares, roster: Roster, parameters: RoundParameters) -> None:
    """Refuse shares of too few clients, of clients off the roster, or of lengths that no share has."""
    sharers = relayed.sharers
    _check_listed("secure.sharers", client_id, sharers, roster.keys, parameters.min_survivors)
    if set(relayed.sealed) != set(sharers) - {client_id}:
        raise UnsoundRoundError.of("secure.sealed", sorted(relayed.sealed), "a share of every other sharer")
    for sender, sealed in relayed.sealed.items():
        if not isinstance(sealed, bytes) or len(sealed) != SEALED_BYTES:
            raise UnsoundRoundError.of("secure.sealed", sender, f"{SEALED_BYTES} bytes")


def check_request(client_id: str, request: UnmaskRequest, sharers: Iterable[str], parameters: RoundParameters) -> None:
    """Refuse a request that does not name every sharer exactly once, enough of them and this client as survivors.

    With a share of both secrets of one client from enough others, the server could unmask that client alone.
    """
    survivors, dropped = request.survivors, request.dropped
    both = sorted(set(survivors) & set(dropped))
    if both:
        raise UnmaskRefusedError(f"both secrets of {both} are asked for", details={"clients": ", ".join(both)})
    if sorted((*survivors, *dropped)) != sorted(sharers):
        raise UnmaskRefusedError("the request does not name every client that shared, once")
    if client_id not in survivors:
        raise UnmaskRefusedError(f"{client_id!r} has contributed and is not among the survivors")
    if len(survivors) < parameters.min_survivors:
        figures = {"survivors": str(len(survivors)), "min_survivors": str(parameters.min_survivors)}
        raise UnmaskRefusedError(
            f"{len(survivors)} survivors, {parameters.min_survivors} were promised", details=figures
        )


def _check_listed(field: str, client_id: str, listed: Iterable[str], known: Iterable[str], fewest: int) -> None:
    """Refuse a list that is too short, names somebody twice or a stranger, or leaves this client out."""
    names = list(listed)
    if len(names) < fewest or len(set(names)) != len(names):
        raise UnsoundRoundError.of(
            field, f"{len(set(names))} of {len(names)} names differ", f"at least {fewest}, distinct"
        )
    strangers = sorted(set(names) - set(known))
    if strangers or client_id not in names:
        raise UnsoundRoundError.of(field, strangers or names, f"known members, {client_id!r} among them")
