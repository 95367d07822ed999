"""Settings become strategies, and strategies survive as documents."""

import json
import math

import pytest

from heronry.privacy.factorisation import (
    BandedToeplitz,
    BufferedToeplitz,
    Strategy,
    TreeAggregation,
    fit_buffers,
    noise_deviation,
    strategy_from_document,
    strategy_of,
    strategy_to_document,
)
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import BandedFactorisation, BufferedFactorisation, CorrelatedNoise, TreeFactorisation


def test_settings_name_the_strategy() -> None:
    assert strategy_of(CorrelatedNoise(1.0, 50, 2, 10, BandedFactorisation(4))) == BandedToeplitz(4)
    assert strategy_of(CorrelatedNoise(1.0, 50, 2, 10, BufferedFactorisation(2))) == fit_buffers(2, 50, 2, 10)
    assert strategy_of(CorrelatedNoise(1.0, 50, 1, 10, TreeFactorisation())) == TreeAggregation()


def test_a_band_wider_than_the_horizon_keeps_no_more_vectors_than_there_are_releases() -> None:
    assert strategy_of(CorrelatedNoise(1.0, 50, 2, 10, BandedFactorisation(4000))) == BandedToeplitz(50)


def test_noise_is_scaled_by_the_whole_horizon_s_sensitivity() -> None:
    noise = CorrelatedNoise(0.8, 50, 4, 10, BandedFactorisation(1))

    assert noise_deviation(noise, strategy_of(noise)) == pytest.approx(0.8 * math.sqrt(4))


@pytest.mark.parametrize("strategy", [BandedToeplitz(4), fit_buffers(3, 50, 2, 10), TreeAggregation()], ids=repr)
def test_a_strategy_comes_back_from_its_document_exactly(strategy: Strategy) -> None:
    document = json.loads(json.dumps(strategy_to_document(strategy)))

    assert strategy_from_document(document) == strategy


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"kind": "tree", "band": 3},
        {"kind": "banded", "band": 0},
        {"kind": "banded", "band": "4"},
        {"kind": "banded", "band": True},
        {"kind": "buffered", "rates": [], "inverse_rates": []},
        {"kind": "buffered", "rates": [0.2], "inverse_rates": [0.1]},
        {"kind": "buffered", "rates": ["0.1"], "inverse_rates": [0.2]},
    ],
)
def test_a_document_that_names_no_strategy_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        strategy_from_document(document)


def test_a_strategy_without_buffers_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        BufferedToeplitz((), ())
