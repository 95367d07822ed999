import numpy as np
import pytest

from heronry.replay.core.prioritized import PrioritizedSelector


def filled(priorities: np.ndarray, exponent: float) -> PrioritizedSelector:
    selector = PrioritizedSelector(exponent, len(priorities))
    selector.insert(np.arange(len(priorities)), priorities.astype(np.float32))
    return selector


def chi_square(counts: np.ndarray, expected: np.ndarray) -> float:
    return float(((counts - expected) ** 2 / expected).sum())


def upper_quantile(degrees: int) -> float:
    """Return about the 1 - 1e-6 quantile of chi-square, by Wilson and Hilferty."""
    z = 4.753
    return degrees * (1 - 2 / (9 * degrees) + z * (2 / (9 * degrees)) ** 0.5) ** 3


@pytest.mark.parametrize("draws_a_call", [1000, 1_000_000])
def test_frequencies_are_priority_to_the_exponent(draws_a_call: int) -> None:
    # 1e6 draws, fixed seed; a right sampler would fail at another seed with probability below 1e-6.
    # Stratified draws vary less than independent ones: the bound holds the more.
    rng = np.random.default_rng(2016)
    priorities = np.concatenate([[0.0], rng.random(199) * 10, [0.0]])
    selector = filled(priorities, 0.6)
    # Items hold priorities in float32.
    weights = np.where(priorities > 0, priorities.astype(np.float32).astype(np.float64) ** 0.6, 0)
    counts = np.zeros(len(priorities))

    for _ in range(1_000_000 // draws_a_call):
        counts += np.bincount(selector.draw(draws_a_call, rng).slots, minlength=len(priorities))

    expected = 1_000_000 * weights / weights.sum()
    possible = weights > 0
    assert counts[~possible].sum() == 0
    assert chi_square(counts[possible], expected[possible]) < upper_quantile(int(possible.sum()) - 1)


def test_single_draws_are_not_biased_either() -> None:
    # 60,000 draws of one; false-alarm rate below 1e-6 as above.
    rng = np.random.default_rng(3)
    priorities = np.arange(1.0, 7.0)
    selector = filled(priorities, 1.0)
    counts = np.zeros(6)

    for _ in range(6000):
        counts[selector.draw(1, rng).slots[0]] += 1

    assert chi_square(counts, 6000 * priorities / 21) < upper_quantile(5)


def test_probabilities_told_are_those_of_the_formula() -> None:
    priorities = np.array([1.0, 4.0, 9.0, 0.0])
    selector = filled(priorities, 0.5)

    slots, probabilities = selector.draw(256, np.random.default_rng(0))

    np.testing.assert_allclose(probabilities, np.array([1, 2, 3, 0])[slots] / 6, rtol=1e-12)


def test_a_priority_of_zero_has_no_weight_even_for_an_exponent_of_zero() -> None:
    selector = filled(np.array([0.0, 5.0, 0.0, 7.0]), 0.0)

    slots, probabilities = selector.draw(1000, np.random.default_rng(0))

    assert set(slots.tolist()) == {1, 3}
    assert set(probabilities.tolist()) == {0.5}


def test_without_any_weight_all_are_equally_probable() -> None:
    selector = filled(np.zeros(5), 0.7)
    selector.delete(np.array([2]))

    slots, probabilities = selector.draw(400, np.random.default_rng(0))

    assert set(slots.tolist()) == {0, 1, 3, 4}
    assert set(probabilities.tolist()) == {0.25}


def test_each_stratum_gets_its_draw() -> None:
    selector = filled(np.ones(8), 1.0)

    slots = selector.draw(8, np.random.default_rng(0)).slots

    assert slots.tolist() == list(range(8))


def test_choosing_gives_each_slot_once_with_the_probability_of_its_own_draw() -> None:
    selector = filled(np.array([1.0, 3.0]), 1.0)

    slots, probabilities = selector.choose(2, np.random.default_rng(1))

    assert sorted(slots.tolist()) == [0, 1]
    assert probabilities.tolist() == [[0.25, 0.75][slots[0]], 1.0]
    assert len(selector) == 2


def test_independent_draws_have_the_same_frequencies_and_vary_more() -> None:
    # 1e5 draws over 50 slots, chi-square below its 1 - 1e-6 quantile; at 50 draws a call, strata of equal slots
    # are drawn exactly once each, independent ones are not.
    rng = np.random.default_rng(77)
    selector = filled(np.full(50, 2.0), 1.0)
    counts = np.zeros(50)
    has_repeats = False

    for _ in range(2000):
        slots = selector.draw(50, rng, independent=True).slots
        counts += np.bincount(slots, minlength=50)
        has_repeats |= len(set(slots.tolist())) < 50

    assert has_repeats
    assert chi_square(counts, np.full(50, 2000.0)) < upper_quantile(49)


def test_stratified_draws_come_as_often_as_expected_to_within_two() -> None:
    # A slot of expected count B * P(i) lies in at most that many whole strata and two broken ones.
    rng = np.random.default_rng(8)
    priorities = rng.random(40) * 5
    selector = filled(priorities, 1.0)
    expected = 512 * selector.probabilities(np.arange(40))

    counts = np.bincount(selector.draw(512, rng).slots, minlength=40)

    assert (np.abs(counts - expected) < 2).all()


def test_a_new_exponent_weighs_all_slots_anew() -> None:
    priorities = np.array([0.0, 4.0, 9.0, 7.0])
    selector = filled(priorities, 1.0)
    selector.delete(np.array([3]))

    selector.set_exponent(0.5, priorities.astype(np.float32))

    assert selector.mass == 5.0
    np.testing.assert_allclose(selector.probabilities(np.arange(3)), [0, 0.4, 0.6])


def test_choices_without_replacement_follow_the_weights_one_after_the_other() -> None:
    # 6,000 choices of 2 out of weights 1, 2, 3: P(i then j) = w_i / 6 * w_j / (6 - w_i); chi-square with 5
    # degrees, passing 41 has probability 9.4e-8.
    rng = np.random.default_rng(5)
    weights = np.array([1.0, 2.0, 3.0])
    selector = filled(weights, 1.0)
    counts = np.zeros((3, 3))
    for _ in range(6000):
        (first, second), probabilities = selector.choose(2, rng)
        counts[first, second] += 1
        expected = [weights[first] / 6, weights[second] / (6 - weights[first])]
        np.testing.assert_allclose(probabilities, expected, rtol=1e-12)

    expected = 6000 * np.outer(weights / 6, weights) / (6 - weights)[:, None]
    pairs = ~np.eye(3, dtype=np.bool_)
    assert chi_square(counts[pairs], expected[pairs]) < 41


def test_choices_go_on_among_slots_without_weight_when_the_others_are_used_up() -> None:
    selector = filled(np.array([0.0, 2.0, 0.0, 0.0]), 1.0)

    slots, probabilities = selector.choose(9, np.random.default_rng(2), np.array([3]))

    assert slots[0] == 1
    assert sorted(slots[1:].tolist()) == [0, 2]
    assert probabilities.tolist() == [1.0, 0.5, 1.0]
    assert selector.mass == 2.0
