"""Tables, models, runs and services survive the way over the wire."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.api.coordinator.v1 import coordinator_pb2
from heronry.api.params.v1 import params_pb2
from heronry.api.replay.v1 import replay_pb2
from heronry.types.aggregation import (
    Aggregation,
    AggregationRule,
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
from heronry.types.blocking import Waiting
from heronry.types.columns import ColumnSpec
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    Consistency,
    LatePolicy,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import (
    ContributionLimits,
    ModelInfo,
    ModelSettings,
    Shard,
    VersionInfo,
    WorkerInfo,
)
from heronry.types.optimizers import (
    AdagradOptimizer,
    AdamOptimizer,
    MixingOptimizer,
    ServerOptimizer,
    SgdOptimizer,
    YogiOptimizer,
)
from heronry.types.patterns import Pattern
from heronry.types.privacy import (
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)
from heronry.types.run import (
    Assignment,
    Barrier,
    Endpoint,
    Evaluation,
    EvaluationSummary,
    FleetStatistics,
    LearnerStatistics,
    Progress,
    RunState,
    RunStatus,
    ServiceInfo,
    ServiceRole,
)
from heronry.types.tables import Delivery, RateLimiter, Selector, SelectorKind, TableDefinition, TableInfo
from heronry.types.tensors import ElementType, ModelSchema, TensorSpec
from heronry.types.version import ParameterVersion
from heronry.wire import model_settings, models, registry, runs, statistics, tables, times

COUNTS = st.integers(0, 2**63)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
TEXT = st.text(max_size=8)
CLAIM = PrivacySettings(
    PrivacyUnit.CLIENT,
    NeighbourRelation.ADD_OR_REMOVE_ONE,
    200,
    1e-5,
    8.0,
    FixedClip(0.5),
    IndependentNoise(1.5, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False),
)
VERSION = ParameterVersion(3, 14, b"\x01" * 32, b"\x02" * 32)
DEFINITION = TableDefinition(
    "steps",
    Selector.prioritized(0.6),
    Selector.fifo(),
    RateLimiter.sample_to_insert_ratio(2.0, 8, 16.0),
    max_size=100,
    max_times_sampled=4,
    max_lag=0,
    pattern=Pattern(3, 1),
    acknowledgement=AcknowledgementLevel.DISK,
    delivery=Delivery.AT_LEAST_ONCE,
    columns=(ColumnSpec("observation", ElementType.FLOAT32, (4,)),),
    seed=7,
)
SETTINGS = ModelSettings(
    SynchronousRounds(4, 3, 2.5, 1, LatePolicy.KEEP, 2),
    Aggregation(TrimmedMean(1), max_held_bytes=1 << 20),
    AdamOptimizer(3e-4),
    ContributionLimits(max_norm=10.0, max_weight=5.0, requires_lease=True),
    AcknowledgementLevel.DISK,
    num_versions_kept=2,
    privacy=CLAIM,
    group_optimizers={"head": AdamOptimizer(1e-3), "body": SgdOptimizer(0.1, 0.9)},
)


@given(st.floats(0, 1e9))
def test_durations_keep_their_nanoseconds(seconds: float) -> None:
    assert times.duration_from_proto(times.duration_to_proto(seconds)) == pytest.approx(seconds, abs=1e-9, rel=1e-15)


@pytest.mark.parametrize(
    "definition",
    [DEFINITION, TableDefinition.queue("q", size=4, pattern=Pattern())],
)
def test_a_table_definition_survives(definition: TableDefinition) -> None:
    assert tables.table_definition_from_proto(tables.table_definition_to_proto(definition)) == definition


def test_an_unlimited_limiter_survives() -> None:
    limiter = RateLimiter.of_min_size(3)

    assert tables.rate_limiter_from_proto(tables.rate_limiter_to_proto(limiter)) == limiter


@given(kind=st.sampled_from(SelectorKind), exponent=st.floats(0, 10))
def test_a_selector_survives(kind: SelectorKind, exponent: float) -> None:
    selector = Selector(kind, exponent)

    assert tables.selector_from_proto(tables.selector_to_proto(selector)) == selector


def test_a_table_s_figures_survive() -> None:
    info = TableInfo(DEFINITION, 1, 2, 3, 4, 5, 6, 7, waiting=(Waiting("sample", "items", 1.0, 8.0, 2.5),))

    assert tables.table_info_from_proto(tables.table_info_to_proto(info)) == info


def test_a_selector_without_a_kind_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgumentError, match=r"selector\.kind"):
        tables.selector_from_proto(replay_pb2.Selector())


@pytest.mark.parametrize("settings", [SETTINGS, ModelSettings(), ModelSettings(shard=Shard(1, 3, "h:1"))])
def test_model_settings_survive(settings: ModelSettings) -> None:
    assert model_settings.settings_from_proto(model_settings.settings_to_proto(settings)) == settings


@pytest.mark.parametrize(
    "rule",
    [
        Mean(),
        Sum(),
        WeightedMean(),
        FederatedMean(100),
        NormBoundedMean(0.5),
        Median(),
        TrimmedMean(2),
        Krum(1, 3),
        GeometricMedian(),
    ],
)
def test_every_rule_survives(rule: AggregationRule) -> None:
    aggregation = Aggregation(rule, max_held_bytes=1 << 30)

    assert model_settings.aggregation_from_proto(model_settings.aggregation_to_proto(aggregation)) == aggregation


def test_a_grid_survives() -> None:
    aggregation = Aggregation(WeightedMean(), grid_step=2.0**-20)

    assert model_settings.aggregation_from_proto(model_settings.aggregation_to_proto(aggregation)) == aggregation


@pytest.mark.parametrize(
    "consistency",
    [
        SynchronousRounds(8, quorum=5, deadline_s=0.5, num_extra=2, late=LatePolicy.KEEP, min_workers=3),
        StaleSynchronous(0, 7),
        Asynchronous(0, 0.5),
        BufferedAsynchronous(10, 3, 1.0),
    ],
)
def test_every_mode_of_consistency_survives(consistency: Consistency) -> None:
    assert model_settings.consistency_from_proto(model_settings.consistency_to_proto(consistency)) == consistency


@pytest.mark.parametrize(
    "optimizer",
    [
        SgdOptimizer(0.5, 0.9, nesterov=True),
        AdamOptimizer(3e-4, 0.8, 0.99, 1e-6),
        YogiOptimizer(1e-2, 0.8, 0.99, 1e-4),
        AdagradOptimizer(1e-2, 0.1, 1e-6),
        MixingOptimizer(0.25),
    ],
)
def test_every_optimiser_survives(optimizer: ServerOptimizer) -> None:
    assert model_settings.optimizer_from_proto(model_settings.optimizer_to_proto(optimizer)) == optimizer


def test_the_largest_figures_survive() -> None:
    small, large = 2**32 - 1, 2**64 - 1
    settings = ModelSettings(
        SynchronousRounds(small, quorum=small, deadline_s=1e9, num_extra=small, min_workers=small),
        Aggregation(FederatedMean(large), max_held_bytes=large),
        num_versions_kept=small,
    )

    assert model_settings.settings_from_proto(model_settings.settings_to_proto(settings)) == settings
    assert model_settings.consistency_to_proto(StaleSynchronous(large, large)).stale_synchronous.max_lead == large


@pytest.mark.parametrize(
    "encode",
    [model_settings.aggregation_to_proto, model_settings.consistency_to_proto, model_settings.optimizer_to_proto],
)
def test_what_is_none_of_the_kinds_is_never_sent_as_another(encode: Callable[[object], object]) -> None:
    unchecked = SimpleNamespace(rule="median", grid_step=0.0, max_held_bytes=1)

    with pytest.raises(AssertionError):
        encode(unchecked)


def test_what_is_absent_is_the_mean_and_asynchronous() -> None:
    assert model_settings.aggregation_from_proto(params_pb2.Aggregation()) == Aggregation()
    assert model_settings.consistency_from_proto(params_pb2.Consistency()) == Asynchronous()
    assert model_settings.limits_from_proto(params_pb2.ContributionLimits()) == ContributionLimits()


def test_settings_without_an_optimiser_are_refused_by_name() -> None:
    with pytest.raises(InvalidArgumentError, match=r"settings\.optimizer"):
        model_settings.optimizer_from_proto(params_pb2.ServerOptimizer())


def test_a_late_policy_of_no_known_value_is_refused_by_name() -> None:
    message = model_settings.consistency_to_proto(SynchronousRounds(1))
    message.synchronous.late = 99  # type: ignore[assignment]  # on purpose

    with pytest.raises(InvalidArgumentError, match=r"consistency\.synchronous\.late: got 99, allowed: refuse, keep"):
        model_settings.consistency_from_proto(message)


def test_what_the_parameter_service_tells_survives() -> None:
    schema = ModelSchema((TensorSpec("w", (2, 3), ElementType.FLOAT32, 0),))
    info = ModelInfo(
        "policy",
        VERSION,
        schema,
        SETTINGS,
        24,
        5,
        1,
        10,
        2,
        refusals={"StaleContributionError": 2},
        num_bytes_received=240,
        num_bytes_sent=480,
        staleness_histogram=(7, 2, 1),
        round_remaining_s=1.5,
        cohort_size=4,
    )
    version = VersionInfo(VERSION, ("best", "candidate"), 1234.5)
    worker = WorkerInfo("learner-0", 3, 2.5, 7, 1, 4, 1.25, 6, 9, 8, 2)

    assert models.model_info_from_proto(models.model_info_to_proto(info)) == info
    assert models.version_info_from_proto(models.version_info_to_proto(version)) == version
    assert models.worker_info_from_proto(models.worker_info_to_proto(worker)) == worker


def test_a_model_without_a_deadline_has_none_on_the_other_side() -> None:
    info = ModelInfo("policy", VERSION, ModelSchema(()), ModelSettings())

    assert models.model_info_from_proto(models.model_info_to_proto(info)).round_remaining_s is None


@given(
    run_id=TEXT,
    figures=st.dictionaries(TEXT, NUMBERS, max_size=3),
    failure=st.none() | st.text(min_size=1, max_size=8),
    state=st.none() | st.sampled_from(RunState),
    first_step_time_s=st.none() | st.integers(0, 2**31).map(float),
)
def test_a_report_survives(
    run_id: str,
    figures: dict[str, float],
    failure: str | None,
    state: RunState | None,
    first_step_time_s: float | None,
) -> None:
    progress = Progress(run_id, figures, first_step_time_s, failure, state, num_starts=3)

    assert registry.progress_from_proto(registry.progress_to_proto(progress)) == progress


@given(role=st.sampled_from(ServiceRole), incarnation=COUNTS, has_lease=st.booleans())
def test_a_registered_service_survives(role: ServiceRole, incarnation: int, has_lease: bool) -> None:
    service = ServiceInfo(
        role, "x-0", incarnation, ("unix:/s", "h:1"), "1.0", has_lease, 1.5, Progress("run"), 10, 0.25, num_starts=2
    )

    assert registry.service_from_proto(registry.service_to_proto(service)) == service


@given(state=st.sampled_from(RunState), generation=COUNTS, restore=st.booleans())
def test_an_assignment_survives(state: RunState, generation: int, restore: bool) -> None:
    endpoints = (Endpoint(ServiceRole.PARAMS, "params-0", ("unix:/p",)),)
    assignment = Assignment(generation, "run", state, {"seed": 3, "environment": {"id": "x"}}, endpoints, restore, 9)

    assert registry.assignment_from_proto(registry.assignment_to_proto(assignment)) == assignment


def test_an_unknown_role_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgumentError, match="role"):
        registry.role_from_proto(coordinator_pb2.SERVICE_ROLE_UNSPECIFIED)


def test_a_run_survives_with_and_without_what_it_may_lack() -> None:
    bare = RunStatus("run", RunState.PENDING)
    full = RunStatus(
        "run", RunState.FINISHED, 1, 2, 3, 4.5, VERSION, EvaluationSummary(VERSION, 100, 490.0, 12.5, 60_000),
        7.25, "done", "runs/run", {"eval_mean": 500}, {"seed": 1}, 99.0,
    )  # fmt: skip

    assert runs.run_status_from_proto(runs.run_status_to_proto(bare)) == bare
    assert runs.run_status_from_proto(runs.run_status_to_proto(full)) == full


def test_episodes_and_figures_survive() -> None:
    evaluation = Evaluation(VERSION, (1.0, 2.5), (10, 25))
    fleet = FleetStatistics("r", "CartPole-v1", 8, 100, 5.0, 3, 20.0, 21.0, VERSION, {0: 4, 2: 1}, 1.0, 2.0, 3.0)
    learner = LearnerStatistics("r", "ppo", "cpu", 1, 2, 3, VERSION, {"loss": 0.5}, 1.0, 2.0, Barrier(1, VERSION, 4))

    assert runs.evaluation_from_proto(runs.evaluation_to_proto(evaluation)) == evaluation
    assert statistics.fleet_statistics_from_proto(statistics.fleet_statistics_to_proto(fleet)) == fleet
    assert (
        statistics.fleet_statistics_from_proto(statistics.fleet_statistics_to_proto(FleetStatistics()))
        == FleetStatistics()
    )
    bare = LearnerStatistics()
    assert statistics.learner_statistics_from_proto(statistics.learner_statistics_to_proto(learner)) == learner
    assert statistics.learner_statistics_from_proto(statistics.learner_statistics_to_proto(bare)) == bare
