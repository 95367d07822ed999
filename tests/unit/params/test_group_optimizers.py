"""Groups of tensors that have an optimiser of their own."""

import numpy as np
import pytest

from heronry.params.core.model_update import ModelUpdate
from heronry.types.aggregation import Aggregation, GeometricMedian, Median, Sum
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import InvalidArgumentError
from heronry.types.optimizers import (
    AdagradOptimizer,
    AdamOptimizer,
    MixingOptimizer,
    ServerOptimizer,
    SgdOptimizer,
    YogiOptimizer,
)
from heronry.types.tensors import ModelSchema

GROUPS = {"emb": "slow", "head": "slow", "norm": "still", "late": "still"}
DEFAULT = AdamOptimizer(0.05)
OF_GROUPS: dict[str, ServerOptimizer] = {"slow": SgdOptimizer(0.3, 0.9, nesterov=True), "still": AdagradOptimizer(0.1)}


def random(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Tensors of three groups, of which two lie in several places; 1 and 7 floats leave the others unaligned."""
    return {
        "emb": rng.normal(size=(5, 3)).astype(np.float32),
        "body": rng.normal(size=7).astype(np.float32),
        "norm": rng.normal(size=1).astype(np.float32),
        "more": rng.normal(size=(2, 9)).astype(np.float32),
        "none": np.empty((0, 4), np.float32),
        "head": rng.normal(size=33).astype(np.float32),
        "late": rng.normal(size=2).astype(np.float32),
    }


def push(bench, tensors: dict[str, np.ndarray], **fields: object) -> None:
    flat = np.frombuffer(bench.model.schema.pack(tensors), np.uint8)
    bench.push_flat(bench.header(**{"kind": ContributionKind.GRADIENT, **fields}), flat)


def values_of(bench) -> dict[str, np.ndarray]:
    return bench.model.schema.views(bench.model.history.newest.flat)


@pytest.mark.parametrize("kind", list(ContributionKind))
@pytest.mark.parametrize(
    ("default", "groups"),
    [
        (DEFAULT, OF_GROUPS),
        (SgdOptimizer(), {"slow": YogiOptimizer(0.1), "still": SgdOptimizer(0.5)}),
        (AdagradOptimizer(0.2, 0.1), {"still": SgdOptimizer()}),
    ],
)
@pytest.mark.parametrize(
    "rule", [Aggregation(), Aggregation(Sum()), Aggregation(Median()), Aggregation(grid_step=2**-20)]
)
def test_each_group_moves_as_a_model_of_its_own_would(make_bench, kind, default, groups, rule) -> None:
    rng = np.random.default_rng(5)
    first = random(rng)
    settings = {"consistency": BufferedAsynchronous(3, max_staleness=4), "aggregation": rule}
    grouped = make_bench()
    grouped.register_schema(
        ModelSchema.of(first, groups=GROUPS), first, optimizer=default, group_optimizers=groups, **settings
    )
    alone = {}
    for group in {"", *GROUPS.values()}:
        names = [name for name in first if GROUPS.get(name, "") == group]
        alone[group] = make_bench(), names
        own = {name: first[name] for name in names}
        alone[group][0].register_schema(ModelSchema.of(own), own, optimizer=groups.get(group, default), **settings)

    for _ in range(9):
        pushed = random(rng)
        push(grouped, pushed, kind=kind)
        for bench, names in alone.values():
            push(bench, {name: pushed[name] for name in names}, kind=kind)

    assert grouped.version.number == 4
    moved = values_of(grouped)
    for bench, names in alone.values():
        for name in names:
            assert moved[name].tobytes() == values_of(bench)[name].tobytes(), name


def test_a_restart_goes_on_bit_for_bit(open_folder, make_bench) -> None:
    rng = np.random.default_rng(6)
    first, pushed = random(rng), [random(rng) for _ in range(6)]
    settings = {"optimizer": DEFAULT, "group_optimizers": OF_GROUPS}
    whole = make_bench()
    bench, folder = open_folder()
    for each in (whole, bench):
        each.register_schema(ModelSchema.of(first, groups=GROUPS), first, **settings)

    for number, tensors in enumerate(pushed):
        push(whole, tensors)
        push(bench, tensors)
        if number == 2:
            folder.write(bench.models.begin_checkpoint())
        if number % 2:
            bench, folder = open_folder()
            assert bench.problems == []

    assert bench.model.history.newest.flat.tobytes() == whole.model.history.newest.flat.tobytes()
    assert bench.model.settings == whole.model.settings


def test_after_a_rollback_every_group_begins_anew(make_bench) -> None:
    rng = np.random.default_rng(7)
    first, tensors = random(rng), random(rng)
    bench, fresh = make_bench(), make_bench()
    for each in (bench, fresh):
        each.register_schema(ModelSchema.of(first, groups=GROUPS), first, optimizer=DEFAULT, group_optimizers=OF_GROUPS)
    push(bench, random(rng))

    bench.models.rollback("policy", 1, None, "back", 0.0)
    push(bench, tensors)
    push(fresh, tensors)

    assert bench.model.history.newest.flat.tobytes() == fresh.model.history.newest.flat.tobytes()


def test_the_rate_of_a_group_changes_on_a_live_model_and_its_velocity_stays(bench) -> None:
    first = {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}
    groups = {"fast": SgdOptimizer(1.0, momentum=0.5)}
    bench.register_schema(
        ModelSchema.of(first, groups={"b": "fast"}), first, optimizer=SgdOptimizer(1.0), group_optimizers=groups
    )
    ones = {name: np.ones(2, np.float32) for name in first}
    push(bench, ones)

    bench.models.update("policy", ModelUpdate(group_optimizers={"fast": SgdOptimizer(0.5, momentum=0.5)}))
    push(bench, ones)

    # b: a first step of 1, then half of the velocity 0.5 * 1 + 1.
    assert {name: value.tolist() for name, value in values_of(bench).items()} == {"a": [-2, -2], "b": [-1.75, -1.75]}


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"other": SgdOptimizer()}, r"group_optimizers: got 'other', allowed: fast"),
        ({"fast": AdamOptimizer(0.1)}, r"group_optimizers\.fast: got 'AdamOptimizer', allowed: SgdOptimizer"),
        ({"fast": SgdOptimizer(1e300)}, r"group_optimizers\.fast\.learning_rate: got 1e\+300"),
    ],
)
def test_changes_that_do_not_fit_a_group_are_refused(bench, update, message: str) -> None:
    first = {"a": np.zeros(2, np.float32)}
    bench.register_schema(
        ModelSchema.of(first, groups={"a": "fast"}), first, group_optimizers={"fast": SgdOptimizer(0.5)}
    )

    with pytest.raises(InvalidArgumentError, match=message):
        bench.models.update("policy", ModelUpdate(group_optimizers=update))

    assert bench.model.settings.group_optimizers == {"fast": SgdOptimizer(0.5)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"group_optimizers": {"misspelt": SgdOptimizer()}}, "got 'misspelt', allowed: groups of learnt tensors: fast"),
        ({"group_optimizers": {"": SgdOptimizer()}}, r"settings\.group_optimizers: got ''"),
        ({"group_optimizers": {"fast": MixingOptimizer(0.5)}}, "MixingOptimizer for all groups or for none"),
        (
            {"optimizer": MixingOptimizer(0.5), "group_optimizers": {"fast": SgdOptimizer()}},
            "for all groups or for none",
        ),
        ({"group_optimizers": {"fast": 0.1}}, r"settings\.group_optimizers\.fast"),
        ({"group_optimizers": {"fast": AdamOptimizer(1e-60)}}, r"group_optimizers\.fast\.learning_rate: got 1e-60"),
    ],
)
def test_settings_of_groups_that_make_no_sense_are_refused(bench, settings, message: str) -> None:
    first = {"a": np.zeros(2, np.float32)}

    with pytest.raises(InvalidArgumentError, match=message):
        bench.register_schema(ModelSchema.of(first, groups={"a": "fast"}), first, **settings)


def test_groups_may_mix_weights_at_rates_of_their_own(bench) -> None:
    first = {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}
    bench.register_schema(
        ModelSchema.of(first, groups={"b": "fast"}),
        first,
        optimizer=MixingOptimizer(0.25),
        group_optimizers={"fast": MixingOptimizer(1.0)},
    )

    push(bench, {name: np.full(2, 4.0, np.float32) for name in first}, kind=ContributionKind.WEIGHTS)

    assert {name: value.tolist() for name, value in values_of(bench).items()} == {"a": [1.0, 1.0], "b": [4.0, 4.0]}


def test_what_would_overflow_in_one_group_is_refused_and_moves_no_group(bench) -> None:
    first = {"a": np.zeros(2, np.float32), "b": np.full(2, 3e38, np.float32)}
    settings = {"optimizer": SgdOptimizer(0.1), "group_optimizers": {"fast": SgdOptimizer(1.0)}}
    bench.register_schema(ModelSchema.of(first, groups={"b": "fast"}), first, **settings)

    with pytest.raises(InvalidArgumentError, match=r"b\[0\]: the update would make it inf"):
        push(bench, {name: np.full(2, 3e38, np.float32) for name in first}, kind=ContributionKind.DELTA)

    assert bench.version.number == 1


def test_a_rule_that_holds_contributions_steps_groups_too(bench) -> None:
    first = {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}
    bench.register_schema(
        ModelSchema.of(first, groups={"b": "fast"}),
        first,
        optimizer=SgdOptimizer(1.0),
        group_optimizers={"fast": SgdOptimizer(0.5)},
        aggregation=Aggregation(GeometricMedian()),
        consistency=BufferedAsynchronous(3),
    )

    for _ in range(3):
        push(bench, {name: np.ones(2, np.float32) for name in first})

    np.testing.assert_allclose(np.concatenate(list(values_of(bench).values())), [-1, -1, -0.5, -0.5], rtol=1e-6)
