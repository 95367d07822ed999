import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client.outbox import Outbox, check_columns
from heronry.types.columns import ColumnSpec
from heronry.types.errors import SchemaMismatchError
from heronry.types.experience import Block, ItemSlices
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 1)
SPECS = (ColumnSpec("reward", ElementType.FLOAT32, ()), ColumnSpec("observation", ElementType.FLOAT32, (4,)))


def columns() -> dict[str, np.ndarray]:
    return {"observation": np.zeros((2, 3, 4), np.float32), "reward": np.zeros((2, 3), np.float32)}


def block() -> Block:
    return Block(0, columns(), VERSION)


def answer(accepted: int, num_credits: int) -> pb.AppendResponse:
    return pb.AppendResponse(accepted_sequence=accepted, credits=num_credits)


def sequences_to_send(outbox: Outbox, after: int) -> list[int]:
    found = []
    while (request := outbox.after(after)) is not None:
        after, frame = request
        assert pb.AppendRequest.FromString(frame).block.sequence == after
        found.append(after)
    return found


def test_nothing_may_be_appended_before_the_first_credits() -> None:
    assert not Outbox().has_credit


def test_blocks_are_numbered_from_one_and_bounded_by_the_credits() -> None:
    outbox = Outbox()
    outbox.note(answer(0, num_credits=2))

    assert [outbox.append(block()) for _ in range(2)] == [1, 2]
    assert not outbox.has_credit


def test_accepted_blocks_make_room_and_are_not_sent_again() -> None:
    outbox = Outbox()
    outbox.note(answer(0, num_credits=3))
    for _ in range(3):
        outbox.append(block())

    outbox.note(answer(2, num_credits=3))

    assert outbox.has_credit
    assert sequences_to_send(outbox, after=outbox.num_accepted) == [3]


def test_an_answer_that_says_why_it_waits_changes_nothing_else() -> None:
    outbox = Outbox()
    outbox.note(answer(0, num_credits=3))
    for _ in range(3):
        outbox.append(block())
    waiting = pb.Waiting(side="insert", term="size", value=3, bound=2)

    outbox.note(pb.AppendResponse(accepted_sequence=2, credits=3, waiting=waiting))

    assert (len(outbox), outbox.num_accepted) == (3, 0)
    assert outbox.waiting is not None
    assert outbox.waiting.term == "size"
    outbox.note(answer(3, num_credits=3))
    assert (len(outbox), outbox.waiting) == (0, None)


def test_after_a_reconnect_everything_unaccepted_is_sent_in_order() -> None:
    outbox = Outbox()
    outbox.note(answer(0, num_credits=4))
    for _ in range(4):
        outbox.append(block())
    outbox.note(answer(1, num_credits=4))

    assert sequences_to_send(outbox, after=outbox.num_accepted) == [2, 3, 4]


def test_a_service_that_forgot_the_writer_gets_only_what_was_not_accepted() -> None:
    outbox = Outbox()
    outbox.note(answer(0, num_credits=2))
    outbox.append(block())
    outbox.note(answer(1, num_credits=2))
    outbox.append(block())

    outbox.note(answer(0, num_credits=2))

    assert outbox.num_accepted == 1
    assert sequences_to_send(outbox, after=outbox.num_accepted) == [2]


def test_fewer_credits_after_a_reconnect_hold_blocks_back() -> None:
    outbox = Outbox()
    outbox.note(answer(0, num_credits=4))
    for _ in range(4):
        outbox.append(block())

    outbox.note(answer(0, num_credits=1))

    assert sequences_to_send(outbox, after=0) == [1]


def items(*starts: int) -> ItemSlices:
    count = len(starts)
    lanes, lengths = np.zeros(count, np.uint32), np.ones(count, np.uint32)
    return ItemSlices(0, lanes, np.array(starts, np.uint64), lengths, VERSION, np.arange(count, dtype=np.float64))


def starts_sent(outbox: Outbox, after: int) -> list[int]:
    found = outbox.after(after)
    assert found is not None
    return np.frombuffer(pb.AppendRequest.FromString(found[1]).items.starts, "<u8").tolist()


def test_items_take_a_number_and_a_credit_like_blocks() -> None:
    outbox = Outbox()
    outbox.note(answer(0, num_credits=2))
    outbox.append(block())

    assert outbox.append_items(items(0, 1)) == 2
    assert not outbox.has_credit
    assert starts_sent(outbox, after=1) == [0, 1]


def test_items_of_a_new_connection_count_from_its_first_step_and_lose_those_before() -> None:
    outbox = Outbox()
    outbox.note(answer(0, num_credits=4))
    outbox.append(block())
    outbox.append(block())
    outbox.append_items(items(1, 2, 3))
    outbox.note(answer(1, num_credits=4))

    outbox.begin_connection()

    assert starts_sent(outbox, after=2) == [0, 1]
    assert outbox.num_lost_items == 1


def test_columns_are_put_in_the_order_of_their_signatures() -> None:
    assert list(check_columns(columns(), SPECS, 3)) == ["reward", "observation"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"extra": np.zeros((2, 3), np.float32)}, "columns"),
        ({"reward": np.zeros((2, 4), np.float32)}, "columns.reward.shape"),
        ({"reward": np.zeros((2, 3), np.float64)}, "columns.reward.element_type"),
        ({"observation": np.zeros((2, 3, 5), np.float32)}, "columns.observation.shape"),
    ],
)
def test_columns_that_differ_from_their_signatures_are_refused_by_name(
    change: dict[str, np.ndarray], field: str
) -> None:
    with pytest.raises(SchemaMismatchError) as error:
        check_columns(columns() | change, SPECS, 3)

    assert error.value.details["field"] == field


def test_a_block_without_steps_is_refused() -> None:
    empty = {path: array[:0] for path, array in columns().items()}

    with pytest.raises(SchemaMismatchError):
        check_columns(empty, SPECS, 3)
