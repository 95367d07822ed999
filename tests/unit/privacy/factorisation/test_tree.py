"""The tree keeps no state: it draws nodes again, few of them, and its claim is the accountant's."""

import math

import dp_accounting
import numpy as np
import pytest
from dp_accounting import dp_event, rdp

from heronry.privacy.factorisation import TreeAggregation, noise_deviation
from heronry.types.privacy import CorrelatedNoise, TreeFactorisation

HORIZON = 300


class Nodes:
    """Gives node r the value 2^r and remembers who was asked for."""

    def __init__(self) -> None:
        self.drawn: list[int] = []

    def __call__(self, index: int, out: np.ndarray) -> None:
        self.drawn.append(index)
        out[:] = 0.0
        out[index] = 1.0


def noises_of(nodes: Nodes) -> np.ndarray:
    """Return how much of each node is in each release, [T, nodes]."""
    recurrence = TreeAggregation().recurrence(HORIZON, nodes)
    noises = np.empty((HORIZON, HORIZON))
    for index, z in enumerate(noises):
        nodes(index, z)
        recurrence.next(z)
    return noises


def test_a_prefix_sum_is_the_sum_of_disjoint_nodes_and_nothing_else() -> None:
    prefixes = np.cumsum(noises_of(Nodes()), axis=0)

    for num_releases, prefix in enumerate(prefixes, start=1):
        nodes = np.flatnonzero(prefix)
        assert set(prefix[nodes]) == {1.0}
        assert len(nodes) == num_releases.bit_count() <= math.log2(num_releases) + 1
        # Node r covers as many releases as the largest power of two in r + 1.
        assert sum((int(node) + 1) & -(int(node) + 1) for node in nodes) == num_releases


def test_two_nodes_a_release_are_drawn_on_average_and_log2_at_most() -> None:
    nodes = Nodes()
    num_drawn = []
    recurrence = TreeAggregation().recurrence(HORIZON, nodes)
    for index in range(HORIZON):
        before = len(nodes.drawn)
        z = np.empty(HORIZON)
        nodes(index, z)
        recurrence.next(z)
        num_drawn.append(len(nodes.drawn) - before)

    assert np.mean(num_drawn) <= 2
    assert all(drawn <= math.log2(index + 1) + 1 for index, drawn in enumerate(num_drawn))


def test_no_release_is_below_more_nodes_than_the_sensitivity_counts() -> None:
    num_above = np.zeros(HORIZON)
    for node in range(HORIZON):
        size = (node + 1) & -(node + 1)
        num_above[node + 1 - size : node + 1] += 1

    assert num_above.max() == pytest.approx(TreeAggregation().sensitivity(HORIZON, 1, 1) ** 2)


@pytest.mark.parametrize("horizon", [1, 100, 128, 1000])
@pytest.mark.parametrize("noise_multiplier", [0.5, 1.0, 4.0])
def test_a_horizon_costs_one_gaussian_of_the_noise_multiplier(horizon: int, noise_multiplier: float) -> None:
    strategy = TreeAggregation()
    noise = CorrelatedNoise(noise_multiplier, horizon, 1, 1, TreeFactorisation())

    node_deviation = noise_deviation(noise, strategy)

    tree = rdp.RdpAccountant(neighboring_relation=dp_accounting.NeighboringRelation.REPLACE_SPECIAL)
    tree.compose(dp_event.SingleEpochTreeAggregationDpEvent(node_deviation, horizon))
    gaussian = rdp.RdpAccountant(neighboring_relation=dp_accounting.NeighboringRelation.REPLACE_SPECIAL)
    gaussian.compose(dp_event.GaussianDpEvent(noise_multiplier))
    assert node_deviation == pytest.approx(noise_multiplier * math.sqrt(horizon.bit_length()))
    assert tree.get_epsilon(1e-5) == pytest.approx(gaussian.get_epsilon(1e-5), rel=1e-9)


def test_the_published_cost_of_a_tree_is_met() -> None:
    # dp-accounting 0.6.0: node noise of 1, 128 releases, delta 1e-5.
    noise = CorrelatedNoise(1 / math.sqrt(8), 128, 1, 1, TreeFactorisation())
    gaussian = rdp.RdpAccountant()

    gaussian.compose(dp_event.GaussianDpEvent(noise.noise_multiplier))

    assert noise_deviation(noise, TreeAggregation()) == pytest.approx(1.0)
    assert gaussian.get_epsilon(1e-5) == pytest.approx(16.512876, abs=1e-5)
