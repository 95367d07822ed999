"""What a writer has appended and the service has not accepted yet."""

from collections import deque
from collections.abc import Sequence

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client.arguments import check_arrays
from heronry.types.blocking import Waiting
from heronry.types.columns import Columns, ColumnSpec
from heronry.types.errors import SchemaMismatchError
from heronry.types.experience import Block
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import block_to_proto
from heronry.wire.tables import waiting_from_proto


class Outbox:
    """Numbers blocks, keeps them until they are accepted, counts credits; knows no stream.

    Bounded by the credits: whoever appends asks `has_credit` first.
    """

    def __init__(self) -> None:
        self._unaccepted: deque[pb.AppendRequest] = deque()
        self._num_appended = 0
        self._num_accepted = 0
        self._credits = 0
        self.waiting: Waiting | None = None

    def __len__(self) -> int:
        return len(self._unaccepted)

    @property
    def has_credit(self) -> bool:
        """Whether one more block may be appended."""
        return len(self._unaccepted) < self._credits

    @property
    def num_accepted(self) -> int:
        """The sequence number up to which everything is accepted."""
        return self._num_accepted

    def append(self, columns: Columns, behaviour_version: ParameterVersion, priority: float | None) -> int:
        """Keep a block; return its sequence number."""
        self._num_appended += 1
        block = Block(self._num_appended, columns, behaviour_version, priority)
        self._unaccepted.append(pb.AppendRequest(block=block_to_proto(block)))
        return self._num_appended

    def after(self, sequence: int) -> pb.AppendRequest | None:
        """Return the first unaccepted block behind `sequence` that the credits allow to send."""
        index = max(0, sequence - self._num_accepted)
        return self._unaccepted[index] if index < min(len(self._unaccepted), self._credits) else None

    def note(self, response: pb.AppendResponse) -> None:
        """Take the service's answer: drop what it accepted."""
        # A service that restarted without memory counts from zero; what it had accepted stays accepted.
        while self._num_accepted < response.accepted_sequence and self._unaccepted:
            self._unaccepted.popleft()
            self._num_accepted += 1
        self._credits = response.credits
        self.waiting = waiting_from_proto(response.waiting) if response.HasField("waiting") else None


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
