"""A client refuses what would uncover more than a sum, and a session that refused is over."""

from dataclasses import replace

import numpy as np
import pytest

from heronry.privacy.secure import AdvertisedKeys, ClientSession, ClientStep, RelayedShares, Roster, UnmaskRequest
from heronry.types.errors import (
    InvalidArgumentError,
    InvalidContributionError,
    UnexpectedMessageError,
    UnmaskRefusedError,
    UnsoundRoundError,
)
from heronry.types.privacy import DistributedNoise

_MEMBERS = tuple(f"client-{index:03}" for index in range(5))
_FIRST = _MEMBERS[0]


def _no_noise(variance: float, total: np.ndarray) -> None:
    """Noise of variance 0."""


@pytest.fixture
def asked(five):
    """A round whose last client dropped, at the request for shares."""
    five.advertise()
    five.share()
    five.contribute(dict.fromkeys(_MEMBERS[:4], np.zeros(3)))
    return five


@pytest.mark.parametrize(
    ("survivors", "dropped", "why"),
    [
        (_MEMBERS[:4], _MEMBERS[3:], "both secrets"),
        (_MEMBERS, _MEMBERS, "both secrets"),
        (_MEMBERS[:4], (), "every client that shared"),
        ((*_MEMBERS[:4], _FIRST), (_MEMBERS[4],), "every client that shared"),
        (_MEMBERS[:4], (_MEMBERS[4], "stranger"), "every client that shared"),
        (_MEMBERS[1:], (_FIRST,), "not among the survivors"),
        (_MEMBERS[:2], _MEMBERS[2:], "3 were promised"),
    ],
)
def test_a_client_never_reveals_more_than_a_sum_needs(asked, survivors, dropped, why) -> None:
    client = asked.clients[_FIRST]

    with pytest.raises(UnmaskRefusedError, match=why):
        client.reveal(UnmaskRequest(survivors, dropped))

    assert client.step is ClientStep.ENDED
    with pytest.raises(UnexpectedMessageError):
        client.reveal(asked.request)


def test_a_client_answers_one_request(asked) -> None:
    client = asked.clients[_FIRST]
    revealed = client.reveal(asked.request)

    with pytest.raises(UnexpectedMessageError, match="ended"):
        client.reveal(asked.request)

    assert set(revealed.seed_shares) == set(_MEMBERS[:4])
    assert set(revealed.key_shares) == {_MEMBERS[4]}


@pytest.mark.parametrize(
    "change",
    [
        lambda keys, spare: {m: keys[m] for m in _MEMBERS[:2]},
        lambda keys, spare: {m: keys[m] for m in _MEMBERS[1:]},
        lambda keys, spare: {**keys, "stranger": spare},
        lambda keys, spare: {**keys, _FIRST: spare},
        lambda keys, spare: {**keys, _MEMBERS[1]: keys[_MEMBERS[2]]},
        lambda keys, spare: {**keys, _MEMBERS[1]: AdvertisedKeys(spare.sealing_key, spare.sealing_key)},
        lambda keys, spare: {**keys, _MEMBERS[1]: AdvertisedKeys(spare.sealing_key, bytes(32))},
        lambda keys, spare: {**keys, _MEMBERS[1]: AdvertisedKeys(spare.sealing_key[:31], spare.mask_key)},
    ],
    ids=["too few", "without itself", "stranger", "not its keys", "keys of another", "twice", "low order", "short"],
)
def test_an_unsound_roster_ends_the_session(rounds, five, change) -> None:
    five.advertise()
    spare = ClientSession(_FIRST, claim=None, add_noise=None).join(five.parameters)
    client = five.clients[_FIRST]

    with pytest.raises(UnsoundRoundError, match="roster"):
        client.share(Roster(change(dict(five.roster.keys), spare)))

    assert client.step is ClientStep.ENDED


@pytest.mark.parametrize(
    "change",
    [
        lambda r: RelayedShares(r.sharers[:2], {_MEMBERS[1]: r.sealed[_MEMBERS[1]]}),
        lambda r: RelayedShares(r.sharers[1:], r.sealed),
        lambda r: RelayedShares((*r.sharers, _FIRST), r.sealed),
        lambda r: RelayedShares((*r.sharers, "stranger"), {**r.sealed, "stranger": bytes(148)}),
        lambda r: RelayedShares(r.sharers, {_MEMBERS[1]: r.sealed[_MEMBERS[1]]}),
        lambda r: RelayedShares(r.sharers, {**r.sealed, _MEMBERS[1]: bytes(147)}),
    ],
    ids=["too few", "without itself", "twice", "stranger", "shares missing", "short"],
)
def test_unsound_shares_end_the_session(five, change) -> None:
    five.advertise()
    client = five.clients[_FIRST]
    for member in _MEMBERS:
        five.server.accept_shares(member, five.clients[member].share(five.roster))
    relayed = five.server.close_shares()[_FIRST]

    with pytest.raises(UnsoundRoundError, match="secure"):
        client.receive(change(relayed))

    assert client.step is ClientStep.ENDED


def test_a_client_joins_no_round_that_is_not_its_own(five) -> None:
    with pytest.raises(UnsoundRoundError, match="'stranger'"):
        ClientSession("stranger", claim=None, add_noise=None).join(five.parameters)


@pytest.mark.parametrize(
    ("claim", "field"), [(DistributedNoise(1.5, 3), "noise_multiplier"), (DistributedNoise(1.0, 4), "min_survivors")]
)
def test_a_client_joins_no_round_with_less_than_it_was_promised(rounds, claim, field) -> None:
    parameters = rounds.parameters(5, 3, noise_multiplier=1.0)

    with pytest.raises(UnsoundRoundError, match=field):
        ClientSession(_FIRST, claim=claim, add_noise=_no_noise).join(parameters)
    ClientSession(_FIRST, claim=DistributedNoise(1.0, 3), add_noise=_no_noise).join(parameters)


def test_a_client_without_noise_joins_no_round_that_needs_it(rounds) -> None:
    with pytest.raises(UnsoundRoundError, match="no source of noise"):
        ClientSession(_FIRST, claim=None, add_noise=None).join(rounds.parameters(5, 3, noise_multiplier=1.0))


@pytest.mark.parametrize("min_survivors", [0, 1, 2, 6])
def test_a_threshold_that_a_split_view_could_reach_twice_is_refused(rounds, min_survivors) -> None:
    with pytest.raises(InvalidArgumentError, match="more than half of 5 members"):
        rounds.parameters(5, min_survivors)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nonce": b"short"}, "nonce"),
        ({"members": ("b", "a")}, "members"),
        ({"members": ("a", "a", "b")}, "members"),
        ({"members": ("a",)}, "members.size"),
        ({"num_parameters": 0}, "num_parameters"),
        ({"grid_step": 0.3}, "grid_step"),
        ({"grid_step": 0.0}, "grid_step"),
        ({"clipping_norm": float("nan")}, "clipping_norm"),
        ({"noise_multiplier": -1.0}, "noise_multiplier"),
        # Noise a few steps wide.
        ({"noise_multiplier": 1e-3}, "grid_step"),
        ({"modulus_bits": 64}, "modulus_bits"),
    ],
)
def test_parameters_out_of_range_are_named(rounds, change, field) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        replace(rounds.parameters(3, 2), **change)

    assert refused.value.details["field"] == f"secure.{field}"


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.0, np.nan, 1.0]),
        np.array([0.0, np.inf, 1.0], np.float32),
        np.array([1e200, 1e200, 0.0]),
        np.zeros(4),
        np.zeros(3, np.int64),
        np.zeros(6)[::2],
        [0.0, 0.0, 0.0],
    ],
)
def test_a_vector_that_cannot_be_bounded_is_refused_and_the_next_one_taken(five, values) -> None:
    five.advertise()
    five.share()
    client = five.clients[_FIRST]

    with pytest.raises(InvalidContributionError, match="values"):
        client.contribute(values)
    with pytest.raises(InvalidArgumentError, match="weight"):
        client.contribute(np.zeros(3), 1.5)

    assert client.contribute(np.zeros(3)).words.shape == (3,)


def test_steps_out_of_order_are_refused(five) -> None:
    client = five.clients[_FIRST]

    with pytest.raises(UnexpectedMessageError, match="parameters"):
        client.contribute(np.zeros(3))
    client.join(five.parameters)
    with pytest.raises(UnexpectedMessageError, match="roster"):
        client.join(five.parameters)


def test_a_share_that_cannot_be_opened_is_left_out(five) -> None:
    five.advertise()
    for member in _MEMBERS:
        shares = five.clients[member].share(five.roster)
        if member == _MEMBERS[1]:
            shares = replace(shares, sealed={**shares.sealed, _FIRST: bytes(148)})
        five.server.accept_shares(member, shares)
    for member, relayed in five.server.close_shares().items():
        five.clients[member].receive(relayed)
    five.contribute({member: np.array([0.5, 0.0, 0.0]) for member in _MEMBERS})
    revealed = five.revealed(_FIRST)
    five.server.accept_revealed(_FIRST, revealed)
    five.reveal(_MEMBERS[1:])

    assert _MEMBERS[1] not in revealed.seed_shares
    assert five.server.close().total.tolist() == [5 * 2**15, 0, 0]


def test_another_view_of_the_roster_gives_shares_that_nobody_can_open(rounds, five) -> None:
    five.advertise()
    other = ClientSession(_MEMBERS[4], claim=None, add_noise=None).join(five.parameters)
    lied_to = Roster({**five.roster.keys, _MEMBERS[4]: other})
    for member in _MEMBERS:
        shares = five.clients[member].share(lied_to if member == _FIRST else five.roster)
        five.server.accept_shares(member, shares)
    relayed = five.server.close_shares()
    for member in _MEMBERS:
        five.clients[member].receive(relayed[member])
    five.contribute({member: np.zeros(3) for member in _MEMBERS})

    assert set(five.revealed(_FIRST).seed_shares) == {_FIRST}
    assert set(five.revealed(_MEMBERS[1]).seed_shares) == set(_MEMBERS[1:])
