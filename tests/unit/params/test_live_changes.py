"""Updates of settings, and models that go."""

import numpy as np
import pytest

from heronry.params.core.decoding import decode_packed
from heronry.params.core.model_update import ModelUpdate
from heronry.types.blocking import WouldBlock
from heronry.types.consistency import Asynchronous, BufferedAsynchronous, StaleSynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    InvalidArgumentError,
    InvalidContributionError,
    ModelNotFoundError,
    SchemaMismatchError,
    VersionNotFoundError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ContributionLimits
from heronry.types.optimizers import AdamOptimizer, SgdOptimizer
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole
from heronry.types.version import ParameterVersion


def flat_of(*values: float) -> np.ndarray:
    return np.array(values, np.float32).view(np.uint8)


def changed(bench, **fields: object) -> None:
    bench.models.update("policy", ModelUpdate(**fields))


def test_limits_apply_at_once(bench) -> None:
    bench.register(0.0)

    changed(bench, limits=ContributionLimits(max_norm=1.0))

    with pytest.raises(InvalidContributionError, match="norm"):
        bench.push(2.0)
    assert bench.info().settings.limits.max_norm == 1.0


def test_a_round_that_the_new_figures_complete_is_closed_when_it_is_due(bench) -> None:
    bench.register(0.0, consistency=BufferedAsynchronous(5))
    for value in (2.0, 4.0):
        bench.push(value)

    changed(bench, consistency=BufferedAsynchronous(2))
    assert bench.version.number == 1
    bench.close_due()

    assert (bench.version.number, bench.values[0]) == (2, 3.0)


def test_a_synchronous_round_follows_its_new_quorum(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(3, deadline_s=5.0))
    bench.join("a", "b", "c")
    bench.push(2.0, client_id="a")

    changed(bench, consistency=SynchronousRounds(3, quorum=1, deadline_s=5.0))
    bench.now_s = 5.0
    bench.close_due()

    assert bench.version.number == 2


def test_rates_change_and_what_the_optimiser_remembers_stays(bench) -> None:
    bench.register(0.0, optimizer=SgdOptimizer(1.0, momentum=0.5))
    bench.push(1.0, kind=ContributionKind.DELTA)

    changed(bench, optimizer=SgdOptimizer(0.1, momentum=0.5))
    bench.push(1.0, kind=ContributionKind.DELTA)

    assert bench.values[0] == pytest.approx(1.0 + 0.1 * 1.5)


def test_momentum_that_is_switched_on_begins_at_nothing(bench) -> None:
    bench.register(0.0)
    changed(bench, optimizer=SgdOptimizer(1.0, momentum=0.5))
    for _ in range(2):
        bench.push(1.0, kind=ContributionKind.DELTA)

    assert bench.values[0] == 1.0 + 1.5


def test_fewer_versions_are_kept_at_once(bench) -> None:
    bench.register(0.0, consistency=Asynchronous(max_staleness=0))
    for value in (1.0, 2.0):
        bench.push(value)

    changed(bench, num_versions_kept=1)

    assert [i.version.number for i in bench.model.history.infos()] == [3]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"consistency": BufferedAsynchronous(2)}, "consistency"),
        ({"optimizer": AdamOptimizer(0.1)}, "optimizer"),
        ({"num_versions_kept": 0}, "num_versions_kept"),
    ],
)
def test_another_mode_or_kind_is_refused(bench, fields, field: str) -> None:
    bench.register(0.0)

    with pytest.raises(InvalidArgumentError, match=field):
        changed(bench, **fields)


def test_a_wider_lead_lets_those_go_on_who_wait(bench) -> None:
    bench.register(0.0, consistency=StaleSynchronous(max_lead=0))
    bench.join("fast", "slow")
    bench.push(1.0, client_id="fast", kind=ContributionKind.DELTA)
    with pytest.raises(WouldBlock) as waiting:
        bench.models.check_lead("policy", "fast", 0.0)

    woken = bench.models.update("policy", ModelUpdate(consistency=StaleSynchronous(max_lead=1))).conditions

    assert waiting.value.condition in woken
    bench.models.check_lead("policy", "fast", 0.0)


def test_everybody_who_waits_for_a_model_that_goes_is_told_so(bench) -> None:
    bench.register(0.0)
    (token,) = bench.join("a")
    calls = [
        lambda: bench.models.newer("policy", bench.version, True),
        lambda: bench.models.select("policy", 9, None, True),
        lambda: bench.models.select("policy", None, "best", True),
        lambda: bench.models.next_invitation("policy", "a", token, 1, 0.0),
    ]
    conditions = set()
    for call in calls[:1] + calls[1:]:
        with pytest.raises(WouldBlock) as waiting:
            call()
        conditions.add(waiting.value.condition)

    woken = bench.models.delete("policy").conditions

    assert conditions <= woken
    with pytest.raises(ModelNotFoundError):
        bench.models.newer("policy", None, True)
    with pytest.raises(ModelNotFoundError):
        bench.models.next_invitation("policy", "a", token, 1, 0.0)


def test_a_name_can_be_used_again(bench) -> None:
    bench.register(1.0)
    bench.push(2.0)
    bench.models.delete("policy")

    version = bench.register(5.0, 6.0)

    assert (version.number, list(bench.values)) == (1, [5.0, 6.0])


@pytest.mark.parametrize("level", list(AcknowledgementLevel))
def test_a_deleted_model_is_not_restored_whatever_its_level(open_folder, level: AcknowledgementLevel) -> None:
    bench, folder = open_folder()
    bench.register(1.0, acknowledgement=level)
    folder.write(bench.models.begin_checkpoint())
    bench.models.delete("policy")

    bench, _ = open_folder()

    with pytest.raises(ModelNotFoundError):
        bench.models.model("policy")
    assert not bench.problems


def test_an_open_round_does_not_grow_beyond_what_it_was_opened_for(bench) -> None:
    bench.register(0.0, consistency=BufferedAsynchronous(2))
    bench.push(2.0)

    changed(bench, consistency=BufferedAsynchronous(3))
    answers = [bench.push(4.0, kind=ContributionKind.WEIGHTS) for _ in range(4)]

    assert [a.closed_round for a in answers] == [True, False, False, True]


def test_a_round_that_became_smaller_is_restored_as_it_was(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, consistency=BufferedAsynchronous(5))
    for value in (1.0, 2.0, 6.0):
        bench.push(value)
    changed(bench, consistency=BufferedAsynchronous(2))
    folder.write(bench.models.begin_checkpoint())

    bench, _ = open_folder()

    assert (bench.info().num_pending, bench.model.sum_size, bench.problems) == (3, 5, [])
    bench.close_due()
    assert bench.values[0] == 3.0


def test_readers_and_workers_of_a_deleted_model_do_not_mistake_its_successor_for_it(bench) -> None:
    first = bench.register(1.0)
    second = bench.push(2.0).version
    bench.models.delete("policy")
    bench.register(5.0)

    assert bench.models.newer("policy", first, False).version == bench.version
    assert bench.models.newer("policy", second, False).version == bench.version
    assert bench.models.newer("policy", bench.version, False) is None
    for base in (first, second):
        with pytest.raises(VersionNotFoundError):
            bench.push(1.0, kind=ContributionKind.DELTA, base_version=base)


@pytest.mark.parametrize("kind", list(ContributionKind))
def test_values_on_their_way_to_a_model_that_was_replaced_are_refused(bench, kind: ContributionKind) -> None:
    bench.register(1.0)
    layout, header = bench.model.layout, bench.header(kind=kind, base_version=ParameterVersion(1, 1))
    decoded = decode_packed(layout, header.codec, flat_of(2.0), bench.pool)
    bench.models.delete("policy")
    bench.register(1.0, 5.0)

    with pytest.raises(SchemaMismatchError, match=r"parameters: got .*\[1\].*float32\[2\]"):
        bench.models.push(header, decoded, 4, 0.0, 100.0)

    assert (bench.version.number, list(bench.values)) == (1, [1.0, 5.0])


def test_other_tensors_on_their_way_to_a_model_that_was_replaced_are_refused(bench) -> None:
    def register(name: str) -> None:
        tensors = {"weight": np.zeros(1, np.float32), name: np.zeros(1, np.float32)}
        roles = {name: (TensorRole.BUFFER, MergeRule.LAST)}
        bench.register_schema(ModelSchema.of(tensors, roles), tensors)

    register("mean")
    header = bench.header(base_version=ParameterVersion(1, 1))
    decoded = decode_packed(bench.model.layout, header.codec, flat_of(2.0, 3.0), bench.pool)
    bench.models.delete("policy")
    register("count")

    with pytest.raises(SchemaMismatchError, match=r"tensors: got .*'mean'.*allowed: .*'count'"):
        bench.models.push(header, decoded, 8, 0.0, 100.0)


def test_a_watch_is_told_of_the_end_of_its_model_whatever_else_is_waited_for(bench) -> None:
    version = bench.register(0.0)
    with pytest.raises(WouldBlock) as watch:
        bench.models.newer("policy", version, True)
    for index in range(8192):
        with pytest.raises(WouldBlock):
            bench.models.select("policy", None, str(index), True)

    assert watch.value.condition in bench.models.delete("policy").conditions
