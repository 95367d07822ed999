"""Readers that wait, and what wakes them."""

import numpy as np
import pytest

from heronry.params.core.models import Models
from heronry.types.blocking import WouldBlock
from heronry.types.errors import AlreadyExistsError, FencedError, InvalidArgumentError, ModelNotFoundError
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion


def test_a_reader_of_the_newest_version_waits_for_the_next(bench) -> None:
    version = bench.register(0.0)
    with pytest.raises(WouldBlock) as waiting:
        bench.models.newer("policy", version, True)

    bench.push(1.0)

    assert waiting.value.condition in bench.woken
    assert bench.models.newer("policy", version, True).version.number == 2


def test_a_reader_that_does_not_wait_is_told_that_nothing_is_newer(bench) -> None:
    assert bench.models.newer("policy", bench.register(0.0), False) is None


def test_a_reader_from_another_epoch_gets_the_newest_version(bench) -> None:
    bench.register(0.0)

    assert bench.models.newer("policy", ParameterVersion(9, 999), True).version.number == 1


def test_readers_can_wait_for_a_model_a_number_and_a_tag(bench) -> None:
    conditions = set()
    with pytest.raises(WouldBlock) as waiting:
        bench.models.newer("policy", None, True)
    conditions.add(waiting.value.condition)
    registered = bench.models.register(
        "policy", ModelSchema.of({"w": np.zeros(1, np.float32)}), ModelSettings(), np.zeros(4, np.uint8), 0.0
    )
    for selection in [(2, None), (None, "best")]:
        with pytest.raises(WouldBlock) as waiting:
            bench.models.select("policy", *selection, True)
        conditions.add(waiting.value.condition)
    bench.push(1.0)
    tagged = bench.models.tag("policy", 0, "best")

    assert conditions <= registered.conditions | bench.woken | tagged.conditions


def test_without_waiting_an_unknown_model_is_refused(bench) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no model 'policy' .have: none"):
        bench.models.newer("policy", None, False)


def test_everybody_with_a_lease_is_invited_to_every_round(bench) -> None:
    bench.register(0.0)
    token = bench.model.workers.register("worker", 1, 0.0).fencing_token

    first = bench.models.next_invitation("policy", "worker", token, 0, 0.0)
    with pytest.raises(WouldBlock) as waiting:
        bench.models.next_invitation("policy", "worker", token, first.round_id, 0.0)
    bench.push(1.0)

    assert (first.round_id, first.base_version.number, first.remaining_s) == (1, 1, None)
    assert waiting.value.condition in bench.woken
    assert bench.models.next_invitation("policy", "worker", token, first.round_id, 0.0).round_id == 2
    with pytest.raises(FencedError):
        bench.models.next_invitation("policy", "other", token, 0, 0.0)


def test_a_model_registered_again_stays_as_it_is_unless_its_schema_differs(bench) -> None:
    bench.register(1.0, 2.0)
    bench.push(3.0, 4.0)

    assert bench.register(9.0, 9.0).number == 2
    with pytest.raises(
        AlreadyExistsError, match=r"schema.weight: got weight float32\[1\] PARAMETER, has weight float32\[2\]"
    ):
        bench.register(1.0)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 129])
def test_names_that_could_leave_a_folder_are_refused(bench, name: str) -> None:
    models: Models = bench.models

    with pytest.raises(InvalidArgumentError, match="model"):
        models.check_registration(name, ModelSchema.of({"w": np.zeros(1, np.float32)}))
