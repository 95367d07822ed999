"""What is told of a model: the same object until something changes, and then what is true."""

import pytest

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.core.model_update import ModelUpdate
from heronry.params.info_messages import InfoMessages, named_model
from heronry.types.consistency import BufferedAsynchronous, SynchronousRounds
from heronry.types.errors import HeronryError, InvalidArgumentError
from heronry.wire.models import model_info_to_proto

CHANGES = {
    "a contribution": lambda bench: bench.push(1.0, 2.0),
    "a refusal": lambda bench: bench.models.count_refused("policy", "worker", "StaleContributionError"),
    "bytes sent": lambda bench: bench.models.count_sent("policy", 8),
    "a failure": lambda bench: bench.model.figures.count_failure(HeronryError("full")),
    "a missing part": lambda bench: bench.model.figures.count_missing(1),
    "a rollback": lambda bench: bench.models.rollback("policy", 1, None, "back", 0.0),
    "another epoch": lambda bench: bench.model.enter_epoch(9),
    "other settings": lambda bench: bench.models.update("policy", ModelUpdate(num_versions_kept=3)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("round_size", [1, 3])
def test_what_is_told_changes_with_every_change_and_only_then(bench, change, round_size: int) -> None:
    bench.register(1.0, 2.0, consistency=BufferedAsynchronous(round_size))
    before = bench.info()

    assert bench.info() is before
    change(bench)
    after = bench.info()

    assert after != before
    assert after == bench.model._described(None)
    assert bench.info() is after


def test_the_time_left_of_a_round_is_told_anew_each_time(bench) -> None:
    bench.register(1.0, 2.0, consistency=SynchronousRounds(2, deadline_s=5.0))
    bench.join("one", "two")
    bench.close_due()

    first = bench.info()
    bench.now_s = 2.0

    assert first.round_remaining_s == 5.0
    assert bench.info().round_remaining_s == 3.0


def test_an_answer_says_what_the_message_says_and_is_encoded_once(bench) -> None:
    bench.register(1.0, 2.0)
    messages = InfoMessages()
    first = messages.answer(bench.info())

    assert messages.answer(bench.info()) is first
    bench.push(3.0, 4.0)
    second = messages.answer(bench.info())

    assert pb.GetModelResponse.FromString(second).info == model_info_to_proto(bench.info())
    assert pb.GetModelResponse.FromString(first).info.version.number == 1


@pytest.mark.parametrize("name", ["", "policy", "p" * 1000])
def test_a_request_names_its_model_whether_it_came_before_or_not(name: str) -> None:
    request = pb.GetModelRequest(model=name).SerializeToString()

    assert [named_model(request), named_model(bytes(bytearray(request)))] == [name, name]


@pytest.mark.parametrize("num_bytes", [3, 1000])
def test_bytes_that_are_no_request_are_refused_by_name(num_bytes: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"request: got '{num_bytes} bytes'"):
        named_model(b"\xff" * num_bytes)
