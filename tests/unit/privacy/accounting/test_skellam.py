"""The Rényi bound of Skellam noise."""

import numpy as np
import pytest
from scipy import stats

from heronry.privacy.accounting import Accountant, AccountantName, SkellamDpEvent, gaussian, skellam_rdp
from heronry.types.privacy import NeighbourRelation

ORDERS = np.array([1.5, 2.0, 3.0, 4.5, 8.0, 16.0])


def exact_divergence(variance: float, shift: int, order: float) -> float:
    """Return the Rényi divergence of a Skellam variable and itself shifted, summed over 40 standard deviations."""
    reach = int(40 * np.sqrt(variance)) + 10 * shift
    support = np.arange(-reach, reach + 1)
    mine = stats.skellam.logpmf(support, variance / 2, variance / 2)
    shifted = stats.skellam.logpmf(support - shift, variance / 2, variance / 2)
    is_there = np.isfinite(mine) & np.isfinite(shifted)
    terms = order * mine[is_there] + (1 - order) * shifted[is_there]
    return float(np.logaddexp.reduce(terms)) / (order - 1)


@pytest.mark.parametrize(("variance", "shift"), [(4.0, 1), (25.0, 3), (100.0, 10)])
def test_the_bound_is_above_the_exact_divergence(variance: float, shift: int) -> None:
    bound = skellam_rdp(SkellamDpEvent(variance, shift, 1), ORDERS)

    exact = np.array([exact_divergence(variance, shift, order) for order in ORDERS])
    assert (bound >= exact * (1 - 1e-6)).all()
    assert bound[1] < 3 * exact[1]


def test_the_formula_of_the_paper_at_an_order() -> None:
    # 2 * 16 / 200 + min((3 * 16 + 6 * 8) / 40000, 24 / 200), with D1 = min(sqrt(4) * 4, 16) = 8.
    assert skellam_rdp(SkellamDpEvent(100.0, 4.0, 4), [2.0])[0] == pytest.approx(0.16 + 96 / 40_000)


def test_on_a_fine_grid_it_costs_what_a_gaussian_does_at_whole_orders() -> None:
    orders = np.array([2.0, 3.0, 8.0, 64.0])

    skellam = skellam_rdp(SkellamDpEvent(2.0**40, 2.0**20 / 1.5, 10_000_000), orders)

    assert skellam == pytest.approx(orders / (2 * 1.5**2), rel=1e-5)


def test_its_epsilon_is_little_above_that_of_a_gaussian() -> None:
    skellam, normal = Accountant(NeighbourRelation.REPLACE_ONE), Accountant(NeighbourRelation.REPLACE_ONE)
    skellam.compose(SkellamDpEvent(2.0**40, 2.0**20 / 8, 10_000_000), 10)
    normal.compose(gaussian(8.0), 10)

    renyi = {bound.accountant: bound.epsilon for bound in normal.bounds(1e-5)}[AccountantName.RDP]
    # Orders between whole ones are bounded by a chord.
    assert renyi <= skellam.epsilon(1e-5).epsilon <= 1.01 * renyi


def test_coarse_grids_cost_more() -> None:
    fine, coarse = (skellam_rdp(SkellamDpEvent(steps**2, steps, 1000), ORDERS) for steps in (1024.0, 2.0))

    assert (coarse > fine).all()
