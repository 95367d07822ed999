"""The streamed noise is C^-1 Z, whatever the chunks, and can be taken up again."""

import numpy as np
import pytest

from heronry.privacy.factorisation import BandedToeplitz, BufferedToeplitz, Strategy, TreeAggregation, fit_buffers
from heronry.privacy.factorisation.recurrence import CHUNK

HORIZON = 12
TOEPLITZ = [
    BandedToeplitz(1),
    BandedToeplitz(2),
    BandedToeplitz(5),
    BandedToeplitz(HORIZON + 3),
    BufferedToeplitz((0.1, 0.6, 2.0), (0.3, 1.5, 4.0)),
    fit_buffers(2, HORIZON, 2, 4),
]
STRATEGIES = [*TOEPLITZ, TreeAggregation()]


def draw(index: int, out: np.ndarray) -> None:
    out[:] = np.random.default_rng([7, index]).standard_normal(len(out))


def stream(strategy: Strategy, num_parameters: int, num_releases: int = HORIZON) -> np.ndarray:
    recurrence = strategy.recurrence(num_parameters, draw)
    noises = np.empty((num_releases, num_parameters))
    for index, z in enumerate(noises):
        assert recurrence.num_releases == index
        draw(index, z)
        recurrence.next(z)
    return noises


def matrix_of(strategy: BandedToeplitz | BufferedToeplitz) -> np.ndarray:
    column = np.concatenate([strategy.coefficients(HORIZON), np.zeros(HORIZON)])
    return np.array([np.roll(column, t)[:HORIZON] for t in range(HORIZON)]).T


@pytest.mark.parametrize("strategy", TOEPLITZ, ids=repr)
def test_the_strategy_matrix_turns_the_noise_back_into_the_normals(strategy: BandedToeplitz | BufferedToeplitz) -> None:
    normals = np.empty((HORIZON, 5))
    for index, z in enumerate(normals):
        draw(index, z)

    noises = stream(strategy, 5)

    np.testing.assert_allclose(matrix_of(strategy) @ noises, normals, atol=1e-12)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_prefix_sums_have_the_stated_variance(strategy: Strategy) -> None:
    # The recurrence is linear: unit impulses on stream t show column t of C^-1, one coordinate for each t.
    def impulse(index: int, out: np.ndarray) -> None:
        out[:] = 0.0
        out[index] = 1.0

    recurrence = strategy.recurrence(HORIZON, impulse)
    noises = np.empty((HORIZON, HORIZON))
    for index, z in enumerate(noises):
        impulse(index, z)
        recurrence.next(z)

    variances = np.sum(np.cumsum(noises, axis=0) ** 2, axis=1)

    np.testing.assert_allclose(variances, strategy.prefix_variances(HORIZON), rtol=1e-12)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_the_covariance_is_that_of_the_factorisation(strategy: Strategy) -> None:
    # 78 entries over 100,000 values: 3 % of the deviations' product are 6.7 standard errors of an entry at least, so
    # that a right recurrence fails for fewer than 1 seed in 10^8.
    noises = stream(strategy, 100_000)

    assert largest_deviation(noises, strategy) < 0.03


def test_noise_that_is_3_percent_too_small_has_another_covariance() -> None:
    noises = stream(BandedToeplitz(5), 100_000)

    assert largest_deviation(0.97 * noises, BandedToeplitz(5)) > 0.03


def largest_deviation(noises: np.ndarray, strategy: Strategy) -> float:
    """Return how far the covariance is from C^-1 C^-T, in units of the two deviations' product."""
    inverse = np.array([inverse_row(strategy, t) for t in range(HORIZON)])
    expected = inverse @ inverse.T
    deviations = np.sqrt(np.diag(expected))
    covariance = noises @ noises.T / noises.shape[1]
    return float(np.max(np.abs(covariance - expected) / np.outer(deviations, deviations)))


def inverse_row(strategy: Strategy, t: int) -> np.ndarray:
    """Return row t of C^-1: from the matrix; the tree's from its definition by intervals."""
    if not isinstance(strategy, TreeAggregation):
        return np.linalg.inv(matrix_of(strategy))[t]
    row = np.zeros(HORIZON)
    for num_releases, sign in ((t + 1, 1.0), (t, -1.0)):
        while num_releases:
            row[num_releases - 1] += sign
            num_releases &= num_releases - 1
    return row


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
@pytest.mark.parametrize("restart", [0, 1, 7])
def test_a_replay_goes_on_with_the_very_same_bits(strategy: Strategy, restart: int) -> None:
    uninterrupted = stream(strategy, 9)
    recurrence = strategy.recurrence(9, draw)
    recurrence.replay(restart)

    for index in range(restart, HORIZON):
        z = np.empty(9)
        draw(index, z)
        recurrence.next(z)

        assert np.array_equal(z, uninterrupted[index])


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_a_replay_forgets_what_went_before(strategy: Strategy) -> None:
    uninterrupted = stream(strategy, 9)
    recurrence = strategy.recurrence(9, draw)
    recurrence.replay(7)

    recurrence.replay(3)
    z = np.empty(9)
    draw(3, z)
    recurrence.next(z)

    assert np.array_equal(z, uninterrupted[3])


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_a_state_that_was_handed_out_is_gone_on_from(strategy: Strategy) -> None:
    uninterrupted = stream(strategy, 9)
    first = strategy.recurrence(9, draw)
    first.replay(7)
    second = strategy.recurrence(9, draw)

    second.restore(first.state())
    z = np.empty(9)
    draw(7, z)
    second.next(z)

    assert np.array_equal(z, uninterrupted[7])
    assert first.num_releases == 7


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_bits_do_not_depend_on_where_chunks_end(strategy: Strategy) -> None:
    num_parameters = CHUNK + 3
    noises = stream(strategy, num_parameters, 3)

    def draw_end(index: int, out: np.ndarray) -> None:
        whole = np.empty(num_parameters)
        draw(index, whole)
        out[:] = whole[-len(out) :]

    recurrence = strategy.recurrence(10, draw_end)
    for index in range(3):
        z = np.empty(10)
        draw_end(index, z)
        recurrence.next(z)

        assert np.array_equal(z, noises[index, -10:])


@pytest.mark.parametrize("strategy", [BandedToeplitz(5), fit_buffers(2, 1000, 1, 1)], ids=repr)
def test_a_thousand_releases_gather_no_error(strategy: BandedToeplitz | BufferedToeplitz) -> None:
    recurrence = strategy.recurrence(1, draw)
    inverse = np.zeros((1000, 1))
    inverse[0] = 1.0
    for z in inverse:
        recurrence.next(z)

    identity = np.convolve(strategy.coefficients(1000), inverse[:, 0])[:1000]

    np.testing.assert_allclose(identity, np.eye(1, 1000)[0], atol=1e-13)
    np.testing.assert_allclose(np.cumsum(np.cumsum(inverse) ** 2), strategy.prefix_variances(1000), rtol=1e-10)


def test_state_is_as_many_vectors_as_there_are_buffers() -> None:
    assert fit_buffers(3, HORIZON, 2, 4).recurrence(5, draw).state().vectors.shape == (3, 5)
    assert BandedToeplitz(4).recurrence(5, draw).state().vectors.shape == (3, 5)
    assert TreeAggregation().recurrence(5, draw).state().vectors.shape == (0, 5)


@pytest.mark.parametrize("strategy", [BandedToeplitz(2), TreeAggregation()], ids=repr)
@pytest.mark.parametrize(
    "z", [np.zeros(4), np.zeros(5, np.float32), np.zeros((1, 5))], ids=["short", "float32", "matrix"]
)
def test_noise_of_another_shape_or_type_is_refused(strategy: Strategy, z: np.ndarray) -> None:
    with pytest.raises(ValueError, match="noise of shape"):
        strategy.recurrence(5, draw).next(z)


def test_a_state_of_another_shape_is_refused() -> None:
    state = BandedToeplitz(3).recurrence(5, draw).state()

    with pytest.raises(ValueError, match="state of shape"):
        BandedToeplitz(2).recurrence(5, draw).restore(state)
