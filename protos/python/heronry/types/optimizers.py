"""Server optimisers: how an update becomes new values."""

import math
from dataclasses import dataclass

from heronry.types.errors import InvalidArgumentError


@dataclass(frozen=True)
class SgdOptimizer:
    """Gradient descent: v = momentum v + g, w = w - learning_rate v."""

    learning_rate: float = 1.0
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _check_positive("optimizer.sgd.learning_rate", self.learning_rate)
        _check_decay("optimizer.sgd.momentum", self.momentum)


@dataclass(frozen=True)
class AdamOptimizer:
    """Adam (Kingma and Ba 2015, Algorithm 1)."""

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check_moments("adam", self.learning_rate, self.beta1, self.beta2, self.epsilon)


@dataclass(frozen=True)
class YogiOptimizer:
    """Yogi (Zaheer et al. 2018, Algorithm 2), its moments corrected as Adam's."""

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        _check_moments("yogi", self.learning_rate, self.beta1, self.beta2, self.epsilon)


@dataclass(frozen=True)
class AdagradOptimizer:
    """Adagrad (Duchi et al. 2011, diagonal)."""

    learning_rate: float
    initial_accumulator: float = 0.0
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        _check_positive("optimizer.adagrad.learning_rate", self.learning_rate)
        if not (math.isfinite(self.initial_accumulator) and self.initial_accumulator >= 0):
            field = "optimizer.adagrad.initial_accumulator"
            raise InvalidArgumentError.of(field, self.initial_accumulator, "at least 0, finite")
        _check_positive("optimizer.adagrad.epsilon", self.epsilon)


@dataclass(frozen=True)
class MixingOptimizer:
    """Mixes pushed weights in: `w = (1 - rate) w + rate * mean`, whatever version they were computed at."""

    rate: float

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise InvalidArgumentError.of("optimizer.mixing.rate", self.rate, "above 0, at most 1")


ServerOptimizer = SgdOptimizer | AdamOptimizer | YogiOptimizer | AdagradOptimizer | MixingOptimizer


def _check_moments(kind: str, learning_rate: float, beta1: float, beta2: float, epsilon: float) -> None:
    _check_positive(f"optimizer.{kind}.learning_rate", learning_rate)
    _check_decay(f"optimizer.{kind}.beta1", beta1)
    _check_decay(f"optimizer.{kind}.beta2", beta2)
    _check_positive(f"optimizer.{kind}.epsilon", epsilon)


def _check_positive(field: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InvalidArgumentError.of(field, value, "above 0, finite")


def _check_decay(field: str, value: float) -> None:
    if not 0 <= value < 1:
        raise InvalidArgumentError.of(field, value, "at least 0, below 1")
