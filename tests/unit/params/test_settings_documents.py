"""Settings as checkpoints and journals keep them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.params.core.durability.settings_documents import settings_from_document, settings_to_document
from heronry.types.aggregation import (
    Aggregation,
    FederatedMean,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NormBoundedMean,
    Sum,
    TrimmedMean,
    WeightedMean,
)
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    LatePolicy,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.errors import DataLossError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ContributionLimits, ModelSettings, Shard
from heronry.types.optimizers import (
    AdagradOptimizer,
    AdamOptimizer,
    MixingOptimizer,
    SgdOptimizer,
    YogiOptimizer,
)

positive = st.floats(1e-9, 1e9)
rules = st.sampled_from([Mean(), Sum(), WeightedMean(), Median(), GeometricMedian(), TrimmedMean(1), Krum(1, 2)])
rules |= st.builds(FederatedMean, st.integers(1, 2**64 - 1)) | st.builds(NormBoundedMean, positive)
modes = st.sampled_from(
    [
        SynchronousRounds(9, 7, 2.5, 3, LatePolicy.KEEP, 4),
        SynchronousRounds(9),
        BufferedAsynchronous(9, 3, 0.5),
    ]
)
optimizers = st.sampled_from([SgdOptimizer(0.1, 0.9, True), MixingOptimizer(0.5), AdagradOptimizer(0.1, 0.2, 1e-8)])
optimizers |= st.builds(AdamOptimizer, positive) | st.builds(YogiOptimizer, positive)
any_settings = st.builds(
    ModelSettings,
    consistency=modes,
    aggregation=st.builds(Aggregation, rules, max_held_bytes=st.integers(1, 2**64 - 1)),
    optimizer=optimizers,
    limits=st.builds(ContributionLimits, st.none() | positive, positive, st.booleans()),
    acknowledgement=st.sampled_from(AcknowledgementLevel),
    num_versions_kept=st.integers(1, 99),
    shard=st.sampled_from([None, Shard(0, 2), Shard(1, 2, "host:1")]),
)


@given(any_settings)
def test_settings_come_back_as_they_were_written(settings: ModelSettings) -> None:
    document = json.loads(json.dumps(settings_to_document(settings)))

    assert settings_from_document(document) == settings


def test_the_optimisers_of_groups_come_back_as_they_were_written() -> None:
    groups = {"head": AdamOptimizer(0.1), "body": SgdOptimizer(0.5, 0.9, nesterov=True)}
    settings = ModelSettings(group_optimizers=groups)

    assert settings_from_document(json.loads(json.dumps(settings_to_document(settings)))) == settings


@pytest.mark.parametrize("mode", [Asynchronous(3, 0.25), StaleSynchronous(4, 5)])
def test_modes_without_rounds_come_back_as_they_were_written(mode) -> None:
    settings = ModelSettings(consistency=mode, aggregation=Aggregation(grid_step=2.0**-20))

    assert settings_from_document(json.loads(json.dumps(settings_to_document(settings)))) == settings


@pytest.mark.parametrize(
    "damage",
    [
        {"optimizer": {"kind": "Sorcery"}},
        {"optimizer": {"kind": "SgdOptimizer", "magic": 1}},
        {"consistency": 7},
    ],
)
def test_settings_of_another_format_are_told_as_damage(damage) -> None:
    with pytest.raises(DataLossError):
        settings_from_document({**settings_to_document(ModelSettings()), **damage})
