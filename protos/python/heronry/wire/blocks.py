"""Blocks of steps and explicit items as messages."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2
from heronry.types.columns import Columns, successors
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.experience import Block, ItemSlices
from heronry.wire.columns import columns_from_proto, columns_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto

_E = TypeVar("_E", bound=np.generic)

_PRIORITY: Final = np.dtype("<f8")
_LANE: Final = np.dtype("<u4")
_START: Final = np.dtype("<u8")


def block_to_proto(block: Block) -> replay_pb2.AppendBlock:
    """Return the message of a block."""
    shared = successors(block.columns)
    headers, data = columns_to_proto(_with_last_steps(block.columns, shared))
    return replay_pb2.AppendBlock(
        sequence=block.sequence,
        num_steps=block.num_steps,
        behaviour_version=version_to_proto(block.behaviour_version),
        columns=headers,
        data=data,
        priority=block.priority,
        priorities=b"" if block.priorities is None else np.asarray(block.priorities, _PRIORITY).tobytes(),
        lane_ends=b"" if block.lane_ends is None else np.asarray(block.lane_ends, np.bool_).tobytes(),
        successors=successors_to_proto(shared),
    )


def block_from_proto(message: replay_pb2.AppendBlock) -> Block:
    """Return the block of a message; its columns are read-only views.

    Raises:
      SchemaMismatchError: no columns, a column whose leading axes are not `[num_steps, N]`, or a successor of none.
      InvalidArgumentError: priorities or ends of lanes that do not fit these axes.
      DataLossError, UnimplementedError: as `columns_from_proto`.
    """
    sent = columns_from_proto(message.columns, message.data)
    columns = with_successors(sent, successors_from_proto(message.successors))
    num_lanes = check_axes(columns, message.num_steps)
    return Block(
        message.sequence,
        columns,
        version_from_proto(message.behaviour_version),
        message.priority if message.HasField("priority") else None,
        step_priorities(message.priorities, message.num_steps, num_lanes),
        lane_ends(message.lane_ends, num_lanes),
    )


def successors_to_proto(shared: Mapping[str, str]) -> list[replay_pb2.AppendSuccessor]:
    """Return the messages of columns that are not sent, of which each is another one step on."""
    return [replay_pb2.AppendSuccessor(path=path, of=of) for path, of in shared.items()]


def successors_from_proto(messages: Sequence[replay_pb2.AppendSuccessor]) -> dict[str, str]:
    """Return what each successor is one step on from.

    Raises:
      SchemaMismatchError: a path used twice.
    """
    shared: dict[str, str] = {}
    for message in messages:
        if message.path in shared:
            raise SchemaMismatchError.of("successors.path", message.path, "a path used once")
        shared[message.path] = message.of
    return shared


def with_successors(sent: Columns, shared: Mapping[str, str]) -> Columns:
    """Return the columns that were sent and their successors, as views.

    Raises:
      SchemaMismatchError: a successor of a column that was not sent, or that was sent itself.
    """
    if not shared:
        return sent
    for path, of in shared.items():
        if not path or path in sent:
            raise SchemaMismatchError.of("successors.path", path, "a path of its own")
        if of not in sent or sent[of].ndim < 2:
            raise SchemaMismatchError.of(f"successors.{path}.of", of, f"one of {sorted(sent)}, [T + 1, N, ...]")
    longer = set(shared.values())
    columns = {path: array[:-1] if path in longer else array for path, array in sent.items()}
    return columns | {path: sent[of][1:] for path, of in shared.items()}


def _with_last_steps(columns: Columns, shared: Mapping[str, str]) -> Columns:
    """Return what is sent: columns without successors as they are, others with their successor's last step."""
    longer = {of: np.concatenate([columns[of], columns[path][-1:]]) for path, of in shared.items()}
    return {path: longer.get(path, array) for path, array in columns.items() if path not in shared}


def check_axes(columns: Columns, num_steps: int) -> int:
    """Return how many lanes a block has.

    Raises:
      SchemaMismatchError: no columns, or a column whose leading axes are not `[num_steps, N]`.
    """
    if not columns:
        raise SchemaMismatchError.of("block.columns", 0, "at least one column")
    lanes = next(iter(columns.values())).shape[1:2]
    for path, array in columns.items():
        if array.shape[:2] != (num_steps, *lanes) or array.ndim < 2:
            raise SchemaMismatchError.of(f"columns.{path}.shape", array.shape, f"[{num_steps}, N, ...], N alike")
    return int(lanes[0])


def step_priorities(data: bytes, num_steps: int, num_lanes: int) -> npt.NDArray[np.float64] | None:
    """Return the priorities of a block's items by their last steps, `[T, N]`; None for no bytes.

    Raises:
      InvalidArgumentError: not as many as there are steps.
    """
    if not data:
        return None
    expected = num_steps * num_lanes * _PRIORITY.itemsize
    if len(data) != expected:
        raise InvalidArgumentError.of("block.priorities", f"{len(data)} bytes", f"{expected} bytes, or none")
    return np.frombuffer(data, _PRIORITY).reshape(num_steps, num_lanes)


def lane_ends(data: bytes, num_lanes: int) -> npt.NDArray[np.bool_] | None:
    """Return which lanes end after a block, `[N]`; None for no bytes.

    Raises:
      InvalidArgumentError: not a byte of 0 or 1 a lane.
    """
    if not data:
        return None
    ends = np.frombuffer(data, np.uint8)
    if len(ends) != num_lanes:
        raise InvalidArgumentError.of("block.lane_ends", f"{len(ends)} bytes", f"{num_lanes} bytes, or none")
    if ends.max() > 1:
        raise InvalidArgumentError.of("block.lane_ends", int(ends.max()), "0 or 1")
    return ends.view(np.bool_)


def items_to_proto(items: ItemSlices) -> replay_pb2.AppendItems:
    """Return the message of explicit items."""
    return replay_pb2.AppendItems(
        sequence=items.sequence,
        lanes=np.asarray(items.lanes, _LANE).tobytes(),
        starts=np.asarray(items.starts, _START).tobytes(),
        lengths=np.asarray(items.lengths, _LANE).tobytes(),
        priorities=b"" if items.priorities is None else np.asarray(items.priorities, _PRIORITY).tobytes(),
        behaviour_version=version_to_proto(items.behaviour_version),
    )


def items_from_proto(message: replay_pb2.AppendItems) -> ItemSlices:
    """Return the explicit items of a message.

    Raises:
      InvalidArgumentError: not as many starts, lengths or priorities as lanes.
    """
    lanes = _numbers("items.lanes", message.lanes, _LANE, len(message.lanes) // _LANE.itemsize)
    num_items = len(lanes)
    priorities = message.priorities
    return ItemSlices(
        message.sequence,
        lanes,
        _numbers("items.starts", message.starts, _START, num_items),
        _numbers("items.lengths", message.lengths, _LANE, num_items),
        version_from_proto(message.behaviour_version),
        _numbers("items.priorities", priorities, _PRIORITY, num_items) if priorities else None,
    )


def _numbers(field: str, data: bytes, dtype: "np.dtype[_E]", count: int) -> npt.NDArray[_E]:
    if len(data) != count * dtype.itemsize:
        raise InvalidArgumentError.of(field, f"{len(data)} bytes", f"{dtype.itemsize} bytes for each of {count} items")
    return np.frombuffer(data, dtype)
