"""Contributions that would leave something infinite behind are refused themselves, not those that come after them."""

import numpy as np
import pytest

from heronry.params.core.model_update import ModelUpdate
from heronry.params.core.optimizers.adaptive import Adagrad
from heronry.types.aggregation import Aggregation, Sum
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import InvalidArgumentError, InvalidContributionError
from heronry.types.optimizers import AdagradOptimizer, AdamOptimizer, SgdOptimizer, YogiOptimizer
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole

GRADIENT = ContributionKind.GRADIENT
ADAPTIVE = [AdamOptimizer(0.1), YogiOptimizer(0.1), AdagradOptimizer(0.1)]
# sqrt(largest binary32 * 2 ** -26).
BOUND = 2.25e15


@pytest.mark.parametrize("optimizer", ADAPTIVE)
@pytest.mark.parametrize("round_size", [1, 3])
def test_a_gradient_whose_square_overflows_is_refused_by_name(bench, optimizer, round_size: int) -> None:
    bench.register(0.0, optimizer=optimizer, consistency=BufferedAsynchronous(round_size))

    with pytest.raises(InvalidContributionError, match=r"contribution: got 1.*e\+20.*at most 2\.25e\+15"):
        bench.push(1e20, kind=GRADIENT)

    for _ in range(round_size):
        bench.push(1.0, kind=GRADIENT)
    assert bench.version.number == 2
    assert bench.values[0] < 0


@pytest.mark.parametrize("optimizer", ADAPTIVE)
def test_what_an_optimiser_remembers_stays_finite_at_the_bound(bench, optimizer) -> None:
    bench.register(0.0, 0.0, optimizer=optimizer)
    for _ in range(50):
        bench.push(0.99 * BOUND, -0.99 * BOUND, kind=GRADIENT)

    assert all(np.isfinite(slot).all() for slot in bench.model.optimizer_state.slots.values())


def test_sums_of_the_largest_squares_stop_before_they_overflow() -> None:
    bound = Adagrad(AdagradOptimizer(0.1)).largest_difference(np.dtype(np.float32))
    square, largest = np.float32(bound) ** 2, np.finfo(np.float32).max

    total = np.float32(square * 2.0**25)

    assert total < largest / 2
    assert total + square == total


@pytest.mark.parametrize("optimizer", ADAPTIVE)
def test_weights_far_from_the_newest_values_are_refused_though_small(bench, optimizer) -> None:
    bench.register(1e17, 0.0, optimizer=optimizer)

    with pytest.raises(InvalidContributionError, match=r"contribution: got 9\.9.*e\+16"):
        bench.push(0.0, 0.0)

    assert bench.push(1e17, 1.0).counted


def test_each_of_a_sum_has_its_share_of_the_bound(bench) -> None:
    settings = {"consistency": BufferedAsynchronous(4), "aggregation": Aggregation(Sum())}
    bench.register(0.0, optimizer=AdamOptimizer(0.1), **settings)

    with pytest.raises(InvalidContributionError, match=r"at most 5\.63e\+14"):
        bench.push(BOUND / 3, kind=GRADIENT)


def test_plain_descent_has_no_such_bound(bench) -> None:
    bench.register(0.0, optimizer=SgdOptimizer(1e-20))

    bench.push(1e20, kind=GRADIENT)

    assert bench.values[0] == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("optimizer", "field"),
    [
        (AdamOptimizer(0.1, epsilon=1e-50), "epsilon"),
        (AdagradOptimizer(0.1, initial_accumulator=1e39), "initial_accumulator"),
        (SgdOptimizer(1e39), "learning_rate"),
    ],
)
def test_figures_that_the_number_type_does_not_hold_are_refused(bench, optimizer, field: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"optimizer\.{field}: got .*1\.4e-45 to 3\.4e\+38 \(float32\)"):
        bench.register(0.0, optimizer=optimizer)

    bench.register(0.0, optimizer=type(optimizer)(0.5))
    with pytest.raises(InvalidArgumentError, match=field):
        bench.models.update("policy", ModelUpdate(optimizer=optimizer))
    assert bench.info().settings.optimizer == type(optimizer)(0.5)


def test_a_count_that_overflows_is_refused_itself_and_the_round_goes_on(bench) -> None:
    tensors = {name: np.zeros(1, np.float32) for name in ("weight", "seen")}
    schema = ModelSchema.of(tensors, {"seen": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS)})
    bench.register_schema(schema, tensors, consistency=BufferedAsynchronous(3))

    def push(seen: float):
        flat = np.array([1.0, seen], np.float32).view(np.uint8)
        return bench.push_flat(bench.header(kind=ContributionKind.DELTA), flat)

    push(3e38)
    with pytest.raises(InvalidContributionError, match=r"seen\[0\]: the update would make it inf"):
        push(3e38)
    answers = [push(1.0), push(2.0)]

    assert [a.closed_round for a in answers] == [False, True]


def test_a_request_id_too_long_to_be_remembered_is_refused(bench) -> None:
    bench.register(0.0)
    bench.push(1.0, request_id="x" * 256)

    with pytest.raises(InvalidArgumentError, match=r"request_id: got '257 characters', allowed: .*1 to 256 characters"):
        bench.push(1.0, request_id="x" * 257)
