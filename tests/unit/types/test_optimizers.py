import math
from collections.abc import Callable

import pytest

from heronry.types.errors import InvalidArgumentError
from heronry.types.optimizers import AdagradOptimizer, AdamOptimizer, MixingOptimizer, SgdOptimizer, YogiOptimizer


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: SgdOptimizer(learning_rate=0.0), "sgd.learning_rate"),
        (lambda: SgdOptimizer(learning_rate="0.1"), "sgd.learning_rate"),  # type: ignore[arg-type]  # on purpose
        (lambda: SgdOptimizer(learning_rate=True), "sgd.learning_rate"),
        (lambda: SgdOptimizer(momentum=math.nan), "sgd.momentum"),
        (lambda: SgdOptimizer(nesterov=1), "sgd.nesterov"),  # type: ignore[arg-type]  # on purpose
        (lambda: AdamOptimizer(None), "adam.learning_rate"),  # type: ignore[arg-type]  # on purpose
        (lambda: SgdOptimizer(momentum=1.0), "sgd.momentum"),
        (lambda: AdamOptimizer(math.nan), "adam.learning_rate"),
        (lambda: AdamOptimizer(1e-3, beta1=1.0), "adam.beta1"),
        (lambda: AdamOptimizer(1e-3, beta2=-0.1), "adam.beta2"),
        (lambda: AdamOptimizer(1e-3, epsilon=0.0), "adam.epsilon"),
        (lambda: YogiOptimizer(-1.0), "yogi.learning_rate"),
        (lambda: YogiOptimizer(1e-3, beta2=1.0), "yogi.beta2"),
        (lambda: AdagradOptimizer(math.inf), "adagrad.learning_rate"),
        (lambda: AdagradOptimizer(1e-3, initial_accumulator=-1.0), "adagrad.initial_accumulator"),
        (lambda: AdagradOptimizer(1e-3, epsilon=0.0), "adagrad.epsilon"),
        (lambda: MixingOptimizer(0.0), "mixing.rate"),
        (lambda: MixingOptimizer(1.5), "mixing.rate"),
    ],
)
def test_a_figure_out_of_range_names_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make()

    assert error.value.details["field"] == f"optimizer.{field}"


def test_the_bounds_themselves_are_allowed() -> None:
    assert SgdOptimizer(momentum=0.0).momentum == 0.0
    assert AdagradOptimizer(1e-3, initial_accumulator=0.0).initial_accumulator == 0.0
    assert MixingOptimizer(1.0).rate == 1.0
