"""Models as `heronry params` tells of them."""

import json

import numpy as np
import pytest

from heronry.cli.params_fields import model_fields
from heronry.types.aggregation import Aggregation, Krum, TrimmedMean
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    Consistency,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.models import ModelInfo, ModelSettings, Shard
from heronry.types.optimizers import MixingOptimizer, SgdOptimizer
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion

SCHEMA = ModelSchema.of({"weight": np.zeros((2, 3), np.float32)})


def described(settings: ModelSettings, **figures: object) -> dict[str, object]:
    """Return the fields as a program reads them."""
    info = ModelInfo("policy", ParameterVersion(3, 7, b"\x12\xab"), SCHEMA, settings, **figures)
    return json.loads(json.dumps(model_fields(info)))


@pytest.mark.parametrize(
    ("consistency", "mode"),
    [
        (SynchronousRounds(2), "synchronous"),
        (StaleSynchronous(1), "stale_synchronous"),
        (Asynchronous(), "asynchronous"),
        (BufferedAsynchronous(2), "buffered"),
    ],
)
def test_modes_have_the_names_of_the_contract(consistency: Consistency, mode: str) -> None:
    assert described(ModelSettings(consistency=consistency))["settings"]["consistency"]["mode"] == mode


def test_settings_are_told_with_their_figures() -> None:
    settings = ModelSettings(
        BufferedAsynchronous(9), Aggregation(Krum(2, 3)), MixingOptimizer(0.5), shard=Shard(1, 2, "host:1")
    )

    fields = described(settings)["settings"]

    assert fields["aggregation"] == {
        "rule": "krum",
        "num_byzantine": 2,
        "num_selected": 3,
        "grid_step": 0.0,
        "max_held_bytes": 64 << 20,
    }
    assert fields["optimizer"] == {"kind": "mixing", "rate": 0.5}
    assert fields["limits"] == {"max_norm": None, "max_weight": 1e9, "requires_lease": False}
    assert fields["shard"] == {"index": 1, "num_shards": 2, "first_address": "host:1"}


def test_rules_and_optimisers_of_several_words_are_joined_by_underscores() -> None:
    settings = ModelSettings(BufferedAsynchronous(3), Aggregation(TrimmedMean(1)), SgdOptimizer())

    fields = described(settings)["settings"]

    assert (fields["aggregation"]["rule"], fields["optimizer"]["kind"]) == ("trimmed_mean", "sgd")


def test_staleness_is_told_with_the_bounds_of_each_count() -> None:
    fields = described(ModelSettings(), staleness_histogram=(5, 4, 3, 2))

    bounds = [(bucket["from"], bucket["to"], bucket["contributions"]) for bucket in fields["staleness"]]
    assert bounds == [(0, 0, 5), (1, 1, 4), (2, 3, 3), (4, 7, 2)]


def test_a_model_is_told_with_its_version_and_tensors() -> None:
    fields = described(ModelSettings(), num_bytes=24, refusals={"StaleContributionError": 2})

    assert fields["version"] == {"epoch": 3, "number": 7, "hash": "12ab"}
    assert fields["tensors"] == {"weight": ["float32", [2, 3], "parameter"]}
    assert fields["refusals"] == {"StaleContributionError": 2}
