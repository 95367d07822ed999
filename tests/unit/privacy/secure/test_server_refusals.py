"""The server refuses by name, counts, and loses nothing of the others."""

from dataclasses import replace

import numpy as np
import pytest

from heronry.privacy.secure import AdvertisedKeys, MaskedInput, RevealedShares, ServerStep, shamir
from heronry.types.errors import (
    MalformedMessageError,
    RepeatedMessageError,
    RoundAbandonedError,
    StrangerError,
    UnexpectedMessageError,
)

_MEMBERS = tuple(f"client-{index:03}" for index in range(5))
_VECTORS = {member: np.array([0.25, -0.5, 0.0]) for member in _MEMBERS}
_TOTAL = [5 * 2**14, -5 * 2**15, 0]


def _refused(kind, call, *arguments) -> None:
    with pytest.raises(kind):
        call(*arguments)


def _advertise_under_fire(five) -> None:
    """Advertise all keys, with refused ones between."""
    server = five.server
    keys = five.clients[_MEMBERS[0]].join(five.parameters)
    _refused(StrangerError, server.accept_keys, "stranger", keys)
    _refused(MalformedMessageError, server.accept_keys, _MEMBERS[0], AdvertisedKeys(b"", keys.mask_key))
    _refused(MalformedMessageError, server.accept_keys, _MEMBERS[0], AdvertisedKeys(keys.mask_key, bytes(32)))
    _refused(MalformedMessageError, server.accept_keys, _MEMBERS[0], AdvertisedKeys(keys.mask_key, keys.mask_key))
    _refused(UnexpectedMessageError, server.accept_masked, _MEMBERS[0], MaskedInput(np.zeros(3, np.uint32)))
    server.accept_keys(_MEMBERS[0], keys)
    _refused(RepeatedMessageError, server.accept_keys, _MEMBERS[0], keys)
    _refused(MalformedMessageError, server.accept_keys, _MEMBERS[1], keys)
    five.advertise(_MEMBERS[1:])


def _share_under_fire(five) -> None:
    """Relay all shares, with refused ones between."""
    server = five.server
    shares = {member: five.clients[member].share(five.roster) for member in _MEMBERS}
    first = shares[_MEMBERS[0]]
    _refused(UnexpectedMessageError, server.accept_keys, _MEMBERS[0], None)
    _refused(StrangerError, server.accept_shares, "stranger", first)
    _refused(MalformedMessageError, server.accept_shares, _MEMBERS[0], replace(first, seed_digest=b"short"))
    _refused(MalformedMessageError, server.accept_shares, _MEMBERS[0], replace(first, sealed={}))
    short = {**first.sealed, _MEMBERS[1]: bytes(147)}
    _refused(MalformedMessageError, server.accept_shares, _MEMBERS[0], replace(first, sealed=short))
    for member in _MEMBERS:
        server.accept_shares(member, shares[member])
    _refused(RepeatedMessageError, server.accept_shares, _MEMBERS[0], first)
    for member, relayed in server.close_shares().items():
        five.clients[member].receive(relayed)


def _mask_under_fire(five) -> None:
    """Accept all masked vectors, with refused ones between."""
    server = five.server
    masked = {member: five.clients[member].contribute(_VECTORS[member]) for member in _MEMBERS}
    for words in (np.zeros(4, np.uint32), np.zeros(3, np.int64), np.zeros((3, 1), np.uint32), None):
        _refused(MalformedMessageError, server.accept_masked, _MEMBERS[0], MaskedInput(words))
    for member in _MEMBERS:
        server.accept_masked(member, masked[member])
    _refused(RepeatedMessageError, server.accept_masked, _MEMBERS[0], masked[_MEMBERS[0]])
    five.request = server.close_masked()


def _reveal_under_fire(five) -> None:
    """Reveal all shares, with refused ones between."""
    server = five.server
    right = five.revealed(_MEMBERS[0])
    _refused(MalformedMessageError, server.accept_revealed, _MEMBERS[0], RevealedShares({}, right.seed_shares))
    for share in (b"short", b"\xff" * 66):
        wrong = RevealedShares({_MEMBERS[1]: share}, {})
        _refused(MalformedMessageError, server.accept_revealed, _MEMBERS[0], wrong)
    server.accept_revealed(_MEMBERS[0], right)
    _refused(RepeatedMessageError, server.accept_revealed, _MEMBERS[0], right)
    five.reveal(_MEMBERS[1:])


def test_a_round_under_fire_comes_to_the_right_sum_and_counts_what_it_refused(five) -> None:
    for step in (_advertise_under_fire, _share_under_fire, _mask_under_fire, _reveal_under_fire):
        step(five)

    assert five.server.close().total.tolist() == _TOTAL
    assert five.server.refusals == {
        "StrangerError": 2,
        "UnexpectedMessageError": 2,
        "RepeatedMessageError": 4,
        "MalformedMessageError": 4 + 3 + 4 + 3,
    }


def test_who_fell_out_at_one_step_is_a_stranger_at_the_next(five) -> None:
    five.advertise(_MEMBERS[:4])

    _refused(StrangerError, five.server.accept_shares, _MEMBERS[4], None)
    assert five.server.missing == _MEMBERS[:4]


def test_a_masked_input_that_comes_late_is_refused(five) -> None:
    five.advertise()
    five.share()
    late = five.clients[_MEMBERS[4]].contribute(_VECTORS[_MEMBERS[4]])
    five.contribute({member: _VECTORS[member] for member in _MEMBERS[:4]})

    _refused(UnexpectedMessageError, five.server.accept_masked, _MEMBERS[4], late)


def test_an_abandoned_round_stays_so(five) -> None:
    five.advertise()
    five.share()

    with pytest.raises(RoundAbandonedError) as abandoned:
        five.contribute({member: _VECTORS[member] for member in _MEMBERS[:2]})

    assert abandoned.value.details == {"step": "collecting masked inputs", "clients": "2", "min_survivors": "3"}
    assert five.server.step is ServerStep.ABANDONED
    for end in (five.server.close_masked, five.server.close):
        _refused(UnexpectedMessageError, end)
    _refused(UnexpectedMessageError, five.server.accept_masked, _MEMBERS[2], MaskedInput(np.zeros(3, np.uint32)))


def test_steps_are_ended_in_order(five) -> None:
    for end in (five.server.close_shares, five.server.close_masked, five.server.close):
        _refused(UnexpectedMessageError, end)


def _answered_with_lies(five, liars):
    """A round with one dropped client in which some survivors reveal shares that do not fit."""
    five.advertise()
    five.share()
    five.contribute({member: _VECTORS[member] for member in _MEMBERS[:4]})
    for member in _MEMBERS[:4]:
        revealed = five.revealed(member)
        if member in liars:
            lies = ({owner: bytes(66) for owner in held} for held in (revealed.seed_shares, revealed.key_shares))
            revealed = RevealedShares(*lies)
        five.server.accept_revealed(member, revealed)
    return five.server


@pytest.mark.parametrize("liar", _MEMBERS[:4])
def test_a_wrong_share_is_left_out_where_it_can_be_spared(five, liar) -> None:
    server = _answered_with_lies(five, {liar})

    assert server.close().total.tolist() == [4 * 2**14, -4 * 2**15, 0]


def test_wrong_shares_that_cannot_be_spared_end_the_round_with_nothing_unmasked(five) -> None:
    server = _answered_with_lies(five, set(_MEMBERS[:2]))

    with pytest.raises(RoundAbandonedError, match="do not give it"):
        server.close()

    assert server.step is ServerStep.ABANDONED
    assert len(server._total) == 0


@pytest.mark.parametrize("secret", ["seed_shares", "key_shares"])
def test_a_liar_that_shifts_a_secret_to_another_valid_one_is_found_out(five, secret) -> None:
    """Sharing is linear: whoever knows who answers can move the secret and stay within its range."""
    five.advertise()
    five.share()
    five.contribute({member: _VECTORS[member] for member in _MEMBERS[:4]})
    weight = shamir.weights_at_zero((1, 2, 3))[1]
    for member in _MEMBERS[:3]:
        revealed = five.revealed(member)
        if member == _MEMBERS[0]:
            # By 256: X25519 does not look at the lowest bits of a private key.
            shift = 256 * pow(weight, -1, shamir.PRIME)
            shifted = {owner: _moved(share, shift) for owner, share in getattr(revealed, secret).items()}
            revealed = replace(revealed, **{secret: shifted})
        five.server.accept_revealed(member, revealed)

    with pytest.raises(RoundAbandonedError, match="3 shares of a secret of"):
        five.server.close()


def _moved(share: bytes, shift: int) -> bytes:
    value = (int.from_bytes(share, "little") + shift) % shamir.PRIME
    return value.to_bytes(shamir.SHARE_BYTES, "little")
