"""Batches whose bytes lie in a slot of shared memory."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.types.columns import column_specs
from heronry.types.errors import DataLossError
from heronry.types.experience import Batch
from heronry.wire.batch_frame import BatchFrame
from heronry.wire.batches import BatchAssembler
from heronry.wire.slots import slot_bytes, slot_places

KINDS = (np.uint64, np.float64, np.float64, np.uint32, np.uint64, np.uint64)
NAMES = ("@key", "@probability", "@priority", "@times_sampled", "@epoch", "@version")


class Slots:
    """Memory of one slot, number 3."""

    def __init__(self, num_bytes: int) -> None:
        self.memory = np.zeros(num_bytes, np.uint8)
        self.offers: list[tuple[str, bytes, int, int]] = []

    def offered(self, *offer: object) -> None:
        self.offers.append(offer)

    def bytes_of(self, slot: int, num_bytes: int) -> npt.NDArray[np.uint8]:
        if slot != 3 or num_bytes > len(self.memory):
            raise ValueError(f"slot {slot}")
        view = self.memory[:num_bytes].view()
        view.setflags(write=False)
        return view


def frames_of(columns: dict[str, np.ndarray], slots: Slots | None) -> tuple[BatchFrame, Slots]:
    size = len(next(iter(columns.values()))[0])
    facts = {name: np.arange(size, dtype=kind) for name, kind in zip(NAMES, KINDS, strict=True)}
    specs, fact_specs = column_specs(columns, 0), column_specs(facts, 0)
    slots = slots or Slots(slot_bytes(s.num_bytes for s in (*specs, *fact_specs)))
    frame = BatchFrame(specs, fact_specs, size, slots.memory.data)
    for name, values in {**columns, **facts}.items():
        (frame.columns.get(name) if name in columns else frame.facts.get(name))[...] = values
    frame.seal(5, 77)
    return frame, slots


@given(st.lists(st.integers(0, 1000), max_size=20))
def test_columns_stand_in_their_order_each_at_a_multiple_of_64(lengths: list[int]) -> None:
    places = slot_places(lengths)

    assert [end - begin for begin, end in places] == lengths
    assert all(begin % 64 == 0 for begin, _ in places)
    assert all(0 <= after - end < 64 for (_, end), (after, _) in pairwise(places))
    assert slot_bytes(lengths) == (places[-1][1] if places else 0)


@given(st.integers(1, 5), st.integers(0, 3), st.integers(1, 9))
def test_a_batch_in_a_slot_is_read_without_a_copy(num_steps: int, width: int, size: int) -> None:
    rng = np.random.default_rng(width)
    columns = {"odd": rng.integers(0, 256, (num_steps, size, width), np.uint8), "x": rng.random((num_steps, size))}
    frame, slots = frames_of(columns, None)
    assembler = BatchAssembler(slots=slots)

    for with_headers in (True, False):
        (message,) = frame.messages(with_headers=with_headers, slot=3)
        batch = assembler.add(message)
        assert isinstance(batch, Batch)
        for name, values in columns.items():
            np.testing.assert_array_equal(batch.columns[name], values)
        assert np.shares_memory(batch.columns["x"], slots.memory)
        assert not batch.columns["x"].flags.writeable
        assert (batch.batch_id, batch.table_size, batch.keys.tolist()) == (5, 77, list(range(size)))


def test_a_slot_that_is_not_mapped_is_a_named_error() -> None:
    frame, slots = frames_of({"x": np.zeros((1, 2))}, None)

    for assembler, slot in ((BatchAssembler(), 3), (BatchAssembler(slots=slots), 4)):
        (message,) = frame.messages(with_headers=True, slot=slot)
        with pytest.raises(DataLossError, match=rf"batch\.slot: got {slot}"):
            assembler.add(message)
