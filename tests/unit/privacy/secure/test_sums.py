"""The unmasked sum is the plain sum of whole numbers, whoever falls out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.privacy.secure import RoundParameters, ServerStep
from heronry.types.errors import InvalidArgumentError, RoundAbandonedError

_NUM_CLIENTS, _FEWEST = 5, 3


@given(last_step=st.lists(st.integers(0, 4), min_size=_NUM_CLIENTS, max_size=_NUM_CLIENTS), seed=st.integers(0, 1000))
@settings(max_examples=40)
def test_the_sum_is_the_survivors_plain_sum_or_nothing_is_unmasked(rounds, last_step, seed) -> None:
    one = rounds.open(_NUM_CLIENTS, _FEWEST)
    members = one.parameters.members
    # A client's last step: 0 it never speaks, 1 keys, 2 shares, 3 its vector, 4 all.
    alive = [[m for m, last in zip(members, last_step, strict=True) if last >= step] for step in range(5)]
    vectors = rounds.vectors(alive[3], seed=seed)

    def play() -> np.ndarray:
        one.advertise(alive[1])
        one.share(alive[2])
        one.contribute(vectors)
        one.reveal(alive[4])
        return one.server.close().total

    if len(alive[4]) < _FEWEST:
        with pytest.raises(RoundAbandonedError, match="nothing is unmasked"):
            play()
        assert one.server.step is ServerStep.ABANDONED
        assert not one.server._total.any()
    else:
        assert np.array_equal(play(), rounds.plain_sum(vectors, one.parameters))


def test_a_tenth_of_a_large_vector_falls_into_a_last_part_of_a_chunk(rounds) -> None:
    one = rounds.open(3, 2, num_parameters=40_001)
    vectors = rounds.vectors(one.parameters.members[:2], 40_001, scale=1e-3)

    found = one.run(vectors)

    assert np.array_equal(found.total, rounds.plain_sum(vectors, one.parameters))
    assert (found.survivors, found.dropped) == (one.parameters.members[:2], one.parameters.members[2:])


def test_sums_at_the_edge_of_the_words_come_back_with_their_signs(rounds) -> None:
    step, clients = 2.0**-29, 3
    one = rounds.open(clients, 2, num_parameters=2, grid_step=step)

    total = one.run({member: np.array([1.0, 0.0]) for member in one.parameters.members}).total
    two = rounds.open(clients, 2, num_parameters=2, grid_step=step)
    opposite = two.run({member: np.array([0.0, -1.0]) for member in two.parameters.members}).total

    assert total.tolist() == [clients * 2**29, 0]
    assert opposite.tolist() == [0, -clients * 2**29]


def test_a_grid_on_which_a_sum_could_overflow_is_refused(rounds) -> None:
    with pytest.raises(InvalidArgumentError, match="below 2\\^31 steps"):
        rounds.parameters(5, 3, grid_step=2.0**-29)


def test_thirty_two_clients_of_a_vector_fit_thirty_two_bits_at_the_usual_grid(rounds) -> None:
    # The mechanism's grid: the power of two below z C / 2^20.
    parameters: RoundParameters = rounds.parameters(
        32, 26, num_parameters=1_000_000, grid_step=2.0**-20, noise_multiplier=1.0
    )

    assert parameters.largest_sum < 2**31 / 30


def test_weights_scale_what_is_left_after_the_clip(rounds) -> None:
    one = rounds.open(2, 2, num_parameters=2)
    one.advertise()
    one.share()
    for member, weight in zip(one.parameters.members, (0.5, 0.25), strict=True):
        one.server.accept_masked(member, one.clients[member].contribute(np.array([0.0, -2.0]), weight))
    one.request = one.server.close_masked()
    one.reveal()

    assert one.server.close().total.tolist() == [0, -round(0.75 * 2**16)]
