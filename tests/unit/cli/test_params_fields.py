"""Models as `heronry params` tells of them."""

import json

import numpy as np
import pytest

from heronry.cli.params_fields import model_fields, shown_value, workers_wanting
from heronry.types.aggregation import Aggregation, Krum, TrimmedMean
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    Consistency,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.models import ContributionLimits, ModelInfo, ModelSettings, Shard, WorkerInfo
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


@pytest.mark.parametrize(
    ("settings", "is_needed"),
    [
        (ModelSettings(SynchronousRounds(2)), True),
        (ModelSettings(StaleSynchronous(1)), True),
        (ModelSettings(Asynchronous()), False),
        (ModelSettings(limits=ContributionLimits(requires_lease=True)), True),
    ],
)
def test_whether_a_lease_is_needed_is_told_of_every_mode(settings: ModelSettings, is_needed: bool) -> None:
    assert described(settings)["settings"]["needs_lease"] is is_needed


def wanting(settings: ModelSettings, *workers: WorkerInfo, **figures: object) -> dict[str, int] | None:
    return workers_wanting(ModelInfo("policy", ParameterVersion(3, 7), SCHEMA, settings, **figures), workers)


LIVE, GONE = WorkerInfo("a", 1, 9.5), WorkerInfo("b", 1, 0.0)
COHORT = ModelSettings(SynchronousRounds(3, quorum=2))


def test_a_synchronous_round_waits_for_as_many_workers_with_a_lease_as_its_cohort_has() -> None:
    assert wanting(COHORT, LIVE, GONE) == {"have": 1, "need": 3}
    assert wanting(ModelSettings(SynchronousRounds(3, min_workers=2)), LIVE) == {"have": 1, "need": 2}


def test_once_a_cohort_was_drawn_one_worker_is_enough() -> None:
    assert wanting(COHORT, WorkerInfo("a", 1, 0.0, num_invited=4)) == {"have": 0, "need": 1}
    assert wanting(COHORT, GONE, num_pending=1) == {"have": 0, "need": 1}


def test_open_rounds_other_modes_and_shards_that_follow_wait_for_nobody() -> None:
    assert wanting(COHORT, LIVE, round_remaining_s=4.0, cohort_size=3) is None
    assert wanting(ModelSettings(Asynchronous())) is None
    assert wanting(ModelSettings(SynchronousRounds(3), shard=Shard(1, 2, "host:1"))) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (False, "no"), (30.0, "30"), (1e9, "1000000000"), (0.1 + 0.2, repr(0.1 + 0.2))],
)
def test_figures_keep_all_their_digits(value: object, text: str) -> None:
    assert shown_value(value) == text
