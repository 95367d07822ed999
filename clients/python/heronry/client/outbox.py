"""What a writer has appended and the service has not accepted yet."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client.arguments import check_arrays
from heronry.types.blocking import Waiting
from heronry.types.columns import Columns, ColumnSpec
from heronry.types.errors import SchemaMismatchError
from heronry.types.experience import Block, ItemSlices
from heronry.types.tensors import ElementType
from heronry.wire.append_frames import AppendFrameWriter
from heronry.wire.blocks import items_to_proto
from heronry.wire.tables import waiting_from_proto


@dataclass(frozen=True)
class _Entry:
    """A message of the writer: a block, serialised, or items, whose starts depend on the connection."""

    sequence: int
    num_steps: int
    content: bytes | ItemSlices


class Outbox:
    """Numbers blocks and items, keeps them until they are accepted, counts credits; knows no stream.

    Bounded by the credits and the pieces of one block: whoever appends asks `has_credit` first. A block is
    serialised once. One thread may append while the event loop's does the rest.
    """

    def __init__(self) -> None:
        self.num_steps = 0
        self.num_lost_items = 0
        self.waiting: Waiting | None = None
        self._unaccepted: deque[_Entry] = deque()
        self._frames = AppendFrameWriter()
        self._num_appended = 0
        self._num_accepted = 0
        self._num_steps_accepted = 0
        self._first_step = 0
        self._credits = 0

    def __len__(self) -> int:
        return len(self._unaccepted)

    @property
    def has_credit(self) -> bool:
        """Whether one more message may be appended."""
        return len(self._unaccepted) < self._credits

    @property
    def num_accepted(self) -> int:
        """The sequence number up to which everything is accepted."""
        return self._num_accepted

    @property
    def num_appended(self) -> int:
        """The sequence number of the last message that was appended."""
        return self._num_appended

    def append(self, block: Block) -> int:
        """Keep a block; return its sequence number, whatever number it came with."""
        num_steps = block.num_steps
        sequence = self._num_appended + 1
        self._keep(_Entry(sequence, num_steps, self._frames.frame(replace(block, sequence=sequence))))
        self.num_steps += num_steps
        return sequence

    def append_items(self, items: ItemSlices) -> int:
        """Keep items, their starts counted from the writer's first step; return their sequence number."""
        sequence = self._num_appended + 1
        self._keep(_Entry(sequence, 0, replace(items, sequence=sequence)))
        return sequence

    def begin_connection(self) -> int:
        """Return the sequence number behind which a new connection goes on; its lanes begin with the steps there.

        Items over earlier steps are lost: the lanes were cut where the connection broke.
        """
        self._first_step = self._num_steps_accepted
        # In place: another thread may append meanwhile.
        for index in range(len(self._unaccepted)):
            self._unaccepted[index] = self._trimmed(self._unaccepted[index])
        return self._num_accepted

    def after(self, sequence: int) -> tuple[int, bytes] | None:
        """Return number and bytes of the first unaccepted message behind `sequence` that the credits allow to send."""
        index = max(0, sequence - self._num_accepted)
        if index >= min(len(self._unaccepted), self._credits):
            return None
        entry = self._unaccepted[index]
        content = entry.content
        return entry.sequence, content if isinstance(content, bytes) else self._items_frame(content)

    def note(self, response: pb.AppendResponse) -> None:
        """Take the service's answer: drop what it accepted, or learn why it waits, which changes nothing else."""
        if response.HasField("waiting"):
            self.waiting = waiting_from_proto(response.waiting)
            return
        # A service that restarted without memory counts from zero; what it had accepted stays accepted.
        while self._num_accepted < response.accepted_sequence and self._unaccepted:
            self._num_steps_accepted += self._unaccepted.popleft().num_steps
            self._num_accepted += 1
        self._credits = response.credits
        self.waiting = None

    def _keep(self, entry: _Entry) -> None:
        self._unaccepted.append(entry)
        self._num_appended = entry.sequence

    def _trimmed(self, entry: _Entry) -> _Entry:
        items = entry.content
        if isinstance(items, bytes):
            return entry
        known = items.starts >= self._first_step
        self.num_lost_items += int(np.count_nonzero(~known))
        priorities = None if items.priorities is None else items.priorities[known]
        left = (items.lanes[known], items.starts[known], items.lengths[known], items.behaviour_version, priorities)
        return replace(entry, content=ItemSlices(items.sequence, *left))

    def _items_frame(self, items: ItemSlices) -> bytes:
        items = replace(items, starts=items.starts - np.uint64(self._first_step))
        return pb.AppendRequest(items=items_to_proto(items)).SerializeToString()


def as_one_lane(columns: Mapping[str, npt.ArrayLike]) -> Columns:
    """Return `[T, ...]` columns as `[T, 1, ...]`.

    Raises:
      SchemaMismatchError: no mapping, or a column without steps.
    """
    if not isinstance(columns, Mapping):
        raise SchemaMismatchError.of("columns", type(columns), "a mapping of names to arrays")
    lanes = {}
    for path, values in columns.items():
        try:
            array = np.asarray(values)
        except ValueError:
            raise SchemaMismatchError.of(f"columns.{path}", type(values), "an array, [T, ...]") from None
        if array.ndim == 0:
            raise SchemaMismatchError.of(f"columns.{path}.shape", (), "(T, ...), one value a step")
        lanes[path] = array[:, np.newaxis]
    return lanes


def check_columns(columns: Columns, specs: Sequence[ColumnSpec], num_lanes: int) -> Columns:
    """Return the columns in the order of their signatures.

    Raises:
      SchemaMismatchError: a column is missing or too many, no array, or differs from its signature.
    """
    check_arrays("columns", columns)
    if columns.keys() != {spec.path for spec in specs}:
        raise SchemaMismatchError.of("columns", sorted(columns), str(sorted(spec.path for spec in specs)))
    first = columns[specs[0].path]
    num_steps = first.shape[0] if first.ndim else 0
    for spec in specs:
        array = columns[spec.path]
        expected = (num_steps, num_lanes, *spec.shape)
        if array.shape != expected or num_steps == 0:
            shown = ", ".join(str(extent) for extent in (num_lanes, *spec.shape))
            raise SchemaMismatchError.of(
                f"columns.{spec.path}.shape", array.shape, f"(T, {shown}) with T = {num_steps or 1}"
            )
        if ElementType.of(array.dtype) is not spec.element_type:
            allowed = spec.element_type.name.lower()
            raise SchemaMismatchError.of(f"columns.{spec.path}.element_type", str(array.dtype), allowed)
    return {spec.path: columns[spec.path] for spec in specs}
