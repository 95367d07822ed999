"""Server optimisers: how an update becomes new values."""

from dataclasses import dataclass

from heronry.types.field_checks import check_type, finite_number, number_from_zero, positive_number, share


@dataclass(frozen=True)
class SgdOptimizer:
    """Gradient descent: v = momentum v + g, w = w - learning_rate v."""

    learning_rate: float = 1.0
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _set_positive(self, "optimizer.sgd", "learning_rate")
        _set_decay(self, "optimizer.sgd", "momentum")
        check_type("optimizer.sgd.nesterov", self.nesterov, bool)


@dataclass(frozen=True)
class AdamOptimizer:
    """Adam (Kingma and Ba 2015, Algorithm 1)."""

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _set_moments(self, "optimizer.adam")


@dataclass(frozen=True)
class YogiOptimizer:
    """Yogi (Zaheer et al. 2018, Algorithm 2), its moments corrected as Adam's."""

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        _set_moments(self, "optimizer.yogi")


@dataclass(frozen=True)
class AdagradOptimizer:
    """Adagrad (Duchi et al. 2011, diagonal)."""

    learning_rate: float
    initial_accumulator: float = 0.0
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        _set_positive(self, "optimizer.adagrad", "learning_rate")
        first = number_from_zero("optimizer.adagrad.initial_accumulator", self.initial_accumulator)
        object.__setattr__(self, "initial_accumulator", first)
        _set_positive(self, "optimizer.adagrad", "epsilon")


@dataclass(frozen=True)
class MixingOptimizer:
    """Mixes pushed weights in: `w = (1 - rate) w + rate * mean`, whatever version they were computed at."""

    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", share("optimizer.mixing.rate", self.rate))


ServerOptimizer = SgdOptimizer | AdamOptimizer | YogiOptimizer | AdagradOptimizer | MixingOptimizer


def _set_moments(optimizer: AdamOptimizer | YogiOptimizer, field: str) -> None:
    _set_positive(optimizer, field, "learning_rate")
    _set_decay(optimizer, field, "beta1")
    _set_decay(optimizer, field, "beta2")
    _set_positive(optimizer, field, "epsilon")


def _set_positive(optimizer: ServerOptimizer, field: str, name: str) -> None:
    object.__setattr__(optimizer, name, positive_number(f"{field}.{name}", getattr(optimizer, name)))


def _set_decay(optimizer: ServerOptimizer, field: str, name: str) -> None:
    value = getattr(optimizer, name)
    decay = finite_number(f"{field}.{name}", value, lambda number: 0 <= number < 1, "at least 0, below 1")
    object.__setattr__(optimizer, name, decay)
