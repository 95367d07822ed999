"""Claims that would not hold: refused when a model is registered, by field and reason."""

from dataclasses import replace

import numpy as np
import pytest

from heronry.params.core.model_update import ModelUpdate
from heronry.types.aggregation import (
    Aggregation,
    GeometricMedian,
    Krum,
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
    SampledRounds,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ContributionLimits, ModelSettings, Shard
from heronry.types.optimizers import MixingOptimizer
from heronry.types.privacy import (
    BandedFactorisation,
    CorrelatedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacyUnit,
    QuantileClipping,
    TreeFactorisation,
)
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole

ROUNDED, DISCRETE = NoiseSampler.ROUNDED_GAUSSIAN, NoiseSampler.DISCRETE_GAUSSIAN
AMPLIFIED = IndependentNoise(2.0, ROUNDED, is_amplified=True)
BANDED = CorrelatedNoise(2.0, 8, 2, 3, BandedFactorisation(2))
TREE = CorrelatedNoise(2.0, 8, 1, 1, TreeFactorisation())
BUFFERED = {"consistency": BufferedAsynchronous(5)}
POISSON = {"consistency": SampledRounds(50, sampling_rate=0.5)}
FIXED_SIZE = {"consistency": SampledRounds(50, cohort_size=5)}
PRESENCE = NeighbourRelation.ADD_OR_REMOVE_ONE

# Settings of the model, changes of the claim, the field that is named, and the reason that is given.
UNSOUND = {
    "median": ({**BUFFERED, "aggregation": Aggregation(Median())}, {}, "aggregation.rule", "L2 sensitivity"),
    "trimmed mean": (
        {**BUFFERED, "aggregation": Aggregation(TrimmedMean(1))},
        {},
        "aggregation.rule",
        "L2 sensitivity",
    ),
    "Krum": ({**BUFFERED, "aggregation": Aggregation(Krum(1))}, {}, "aggregation.rule", "L2 sensitivity"),
    "geometric median": (
        {**BUFFERED, "aggregation": Aggregation(GeometricMedian())},
        {},
        "aggregation.rule",
        "L2 sensitivity",
    ),
    "a second bound beside the claim's": (
        {**BUFFERED, "aggregation": Aggregation(NormBoundedMean(1.0))},
        {},
        "aggregation.rule",
        "Mean, Sum, FederatedMean",
    ),
    "weights that clients report": (
        {**BUFFERED, "aggregation": Aggregation(WeightedMean())},
        {},
        "aggregation.rule",
        "Mean, Sum, FederatedMean",
    ),
    "a grid of its own": (
        {**BUFFERED, "aggregation": Aggregation(grid_step=0.5)},
        {},
        "aggregation.grid_step",
        "follows from noise and bound",
    ),
    "weights that are mixed in": ({"optimizer": MixingOptimizer(0.5)}, {}, "optimizer", "none to clip"),
    "presence where arrivals fill the round": (
        BUFFERED,
        {"relation": PRESENCE},
        "privacy.relation",
        "takes the place",
    ),
    "presence of free-running clients": (
        {"consistency": Asynchronous()},
        {"relation": PRESENCE},
        "privacy.relation",
        "'zero_out_one', 'replace_one'",
    ),
    "presence in stale rounds": (
        {"consistency": StaleSynchronous(2)},
        {"relation": PRESENCE},
        "privacy.relation",
        "takes the place",
    ),
    "presence in a known cohort": (
        {"consistency": SynchronousRounds(5)},
        {"relation": PRESENCE},
        "privacy.relation",
        "takes the place",
    ),
    "presence in correlated noise": (
        BUFFERED,
        {"relation": PRESENCE, "noise": BANDED},
        "privacy.relation",
        "takes the place",
    ),
    "presence in drawn cohorts of one size": (
        FIXED_SIZE,
        {"relation": PRESENCE},
        "privacy.relation",
        "takes the place",
    ),
    "presence below a cap that no accountant counts": (
        {"consistency": SampledRounds(50, sampling_rate=0.5, max_cohort=30)},
        {"relation": PRESENCE},
        "privacy.relation",
        "takes the place",
    ),
    "norms that are refused": (
        {**BUFFERED, "limits": ContributionLimits(max_norm=1.0)},
        {},
        "limits.max_norm",
        "would tell of their values",
    ),
    "a shard": ({**BUFFERED, "shard": Shard(0, 2)}, {}, "shard", "norm of the whole"),
    "late contributions that are kept": (
        {"consistency": SynchronousRounds(5, late=LatePolicy.KEEP)},
        {},
        "consistency.synchronous.late",
        "one contribution a client and release",
    ),
    "amplification of volunteers": (
        BUFFERED,
        {"noise": AMPLIFIED},
        "privacy.noise.independent.is_amplified",
        "stays secret",
    ),
    "amplification of free-running clients": (
        {"consistency": Asynchronous()},
        {"noise": AMPLIFIED},
        "privacy.noise.independent.is_amplified",
        "stays secret",
    ),
    "amplification of stale rounds": (
        {"consistency": StaleSynchronous(2)},
        {"noise": AMPLIFIED},
        "privacy.noise.independent.is_amplified",
        "stays secret",
    ),
    "amplification of a known cohort": (
        {"consistency": SynchronousRounds(5)},
        {"noise": AMPLIFIED},
        "privacy.noise.independent.is_amplified",
        "stays secret",
    ),
    "correlated noise under sampling": (POISSON, {"noise": BANDED}, "consistency", "not amplified by sampling"),
    "another population than is drawn from": (
        {"consistency": SampledRounds(49, sampling_rate=0.5)},
        {"noise": AMPLIFIED},
        "consistency.sampled.num_clients",
        "50 .privacy.population",
    ),
    "a sampled discrete Gaussian": (
        POISSON,
        {"noise": replace(AMPLIFIED, sampler=DISCRETE)},
        "privacy.noise.independent.sampler",
        "no accountant",
    ),
    "cohorts of a fixed size as Poisson ones": (
        FIXED_SIZE,
        {"noise": AMPLIFIED},
        "privacy.relation",
        "'replace_one'",
    ),
    "Poisson cohorts where units become zero": (
        POISSON,
        {"noise": AMPLIFIED, "relation": NeighbourRelation.ZERO_OUT_ONE},
        "privacy.relation",
        "Poisson cohorts",
    ),
    "amplification of episodes": (
        POISSON,
        {"noise": AMPLIFIED, "unit": PrivacyUnit.EPISODE},
        "privacy.unit",
        "draws clients, not episodes",
    ),
    "an episode in several contributions": (
        BUFFERED,
        {"noise": BANDED, "unit": PrivacyUnit.EPISODE},
        "privacy.noise.correlated.max_participations",
        "an episode enters one",
    ),
    "an episode that a crash may forget": (
        {**BUFFERED, "acknowledgement": AcknowledgementLevel.PROCESS},
        {"unit": PrivacyUnit.EPISODE},
        "acknowledgement",
        "would be counted again",
    ),
    "a tree under another relation": (
        BUFFERED,
        {"noise": TREE, "relation": NeighbourRelation.REPLACE_ONE},
        "privacy.relation",
        "'zero_out_one'",
    ),
    "a bound that float32 does not know": (
        BUFFERED,
        {"clip": FixedClip(1e-300)},
        "privacy.clip.fixed.norm",
        "float32",
    ),
    "an initial bound that float32 does not know": (
        BUFFERED,
        {"clip": QuantileClipping(1e300, 0.5, 0.2, 5.0)},
        "privacy.clip.quantile.initial_norm",
        "float32",
    ),
    "so little noise that integers overflow": (
        BUFFERED,
        {"noise": IndependentNoise(1e-12, ROUNDED, is_amplified=False)},
        "privacy.noise.independent.noise_multiplier",
        "63 bits",
    ),
    "so much noise that contributions vanish on its grid": (
        BUFFERED,
        {"noise": replace(TREE, noise_multiplier=1e9), "relation": NeighbourRelation.ZERO_OUT_ONE},
        "privacy.noise.correlated.noise_multiplier",
        "63 bits",
    ),
}


@pytest.mark.parametrize("case", UNSOUND.values(), ids=UNSOUND)
def test_unsound_settings_are_refused_with_field_and_reason(private_bench, claim, case) -> None:
    settings, changes, field, reason = case
    bench = private_bench()

    with pytest.raises(InvalidArgumentError, match=reason) as refused:
        bench.register(0.0, 0.0, privacy=claim(**changes), **settings)

    assert refused.value.details["field"] == field
    assert refused.value.message.startswith(f"{field}: ")
    assert bench.log.records == []


@pytest.mark.parametrize("role", [TensorRole.STATISTIC, TensorRole.BUFFER])
def test_tensors_that_are_not_learnt_are_refused(private_bench, claim, role) -> None:
    tensors = {"weight": np.zeros(2, np.float32), "mean": np.zeros(1, np.float32)}
    schema = ModelSchema.of(tensors, {"mean": (role, MergeRule.MEAN)})
    bench = private_bench()

    with pytest.raises(InvalidArgumentError, match="running statistics have no clip") as refused:
        bench.register_schema(schema, tensors, privacy=claim())

    assert refused.value.details["field"] == "schema.mean.role"


SOUND = {
    "a mean": (BUFFERED, {}),
    "a sum": ({**BUFFERED, "aggregation": Aggregation(Sum())}, {}),
    "correlated noise": (BUFFERED, {"noise": BANDED}),
    "a tree": (BUFFERED, {"noise": TREE, "relation": NeighbourRelation.ZERO_OUT_ONE}),
    "Poisson cohorts": (POISSON, {"noise": AMPLIFIED}),
    "Poisson cohorts that are not counted on": (POISSON, {"relation": PRESENCE}),
    "Poisson cohorts with a cap": (
        {"consistency": SampledRounds(50, sampling_rate=0.5, max_cohort=30)},
        {"noise": AMPLIFIED},
    ),
    "cohorts without replacement": (FIXED_SIZE, {"noise": AMPLIFIED, "relation": NeighbourRelation.REPLACE_ONE}),
    "a discrete Gaussian": (BUFFERED, {"noise": IndependentNoise(2.0, DISCRETE, is_amplified=False)}),
    "episodes": (BUFFERED, {"unit": PrivacyUnit.EPISODE}),
}


@pytest.mark.parametrize("case", SOUND.values(), ids=SOUND)
def test_sound_settings_are_taken(private_bench, claim, case) -> None:
    settings, changes = case
    bench = private_bench()

    bench.register(0.0, 0.0, privacy=claim(**changes), **settings)

    assert bench.status.has_claim


def test_sampled_rounds_without_a_claim_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="for models with a privacy claim"):
        ModelSettings(consistency=SampledRounds(5, sampling_rate=0.5))


@pytest.mark.parametrize("delta", [1 / 50, 0.5, 0.0, float("nan")])
def test_a_delta_not_below_one_over_the_population_is_refused(claim, delta) -> None:
    with pytest.raises(InvalidArgumentError, match=r"below 0\.02 \(1 / population\)"):
        claim(delta=delta)


def test_the_rounds_that_a_claim_rests_on_cannot_be_changed(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)

    with pytest.raises(InvalidArgumentError, match="the privacy claim rests on it"):
        bench.models.update("policy", ModelUpdate(consistency=BufferedAsynchronous(50)))


def test_no_bound_on_norms_comes_later(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)

    with pytest.raises(InvalidArgumentError, match=r"limits\.max_norm: got 1"):
        bench.models.update("policy", ModelUpdate(limits=ContributionLimits(max_norm=1.0)))

    assert bench.model.settings.limits.max_norm is None


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": PrivacyUnit.EPISODE},
        {"relation": NeighbourRelation.REPLACE_ONE},
        {"noise": BANDED},
    ],
    ids=["unit", "relation", "scope"],
)
def test_a_claim_of_another_kind_under_a_used_name_is_refused(private_bench, claim, changes) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.models.delete("policy")

    with pytest.raises(FailedPreconditionError, match="or another name") as refused:
        bench.register(0.0, privacy=claim(**changes), **BUFFERED)

    assert refused.value.details["field"] == "privacy"
