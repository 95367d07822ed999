"""Effects to bytes and back.

The kind of an effect is the number of its layout. A layout never changes: another one takes another
number, so that a log is read the same by every later version.
"""

import json
import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from heronry.replay.core import effects as e
from heronry.replay.durability.packing import Packer, Unpacker
from heronry.replay.durability.step_codec import get_pieces, get_windows, put_pieces, put_windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError
from heronry.types.tables import RateLimiter
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

_U32, _I32, _F32 = "<u4", "<i4", "<f4"
_NUMBER: Final = struct.Struct("<Q")
_PAIR: Final = struct.Struct("<QQ")
_BLOCK: Final = struct.Struct("<QQQQ")
_WRITER: Final = struct.Struct("<QQQ")
_LIMITER: Final = struct.Struct("<Qddd")
_EXPONENT: Final = struct.Struct("<d")
_CUT: Final = struct.Struct("<QB")


def encode(effect: e.Effect) -> tuple[int, bytes]:
    """Return the kind and the bytes of an effect."""
    kind, put = _ENCODERS[type(effect)]
    packer = Packer()
    put(packer, effect)
    return kind, packer.bytes()


def decode(kind: int, payload: bytes) -> e.Effect:
    """Return the effect of a record.

    Raises:
      DataLossError: a kind that this version does not know, or bytes that are none of it.
    """
    get = _DECODERS.get(kind)
    if get is None:
        raise DataLossError(f"records of kind {kind} are unknown: written by a later version")
    unpacker = Unpacker(payload)
    effect = get(unpacker)
    unpacker.end()
    return effect


def _put_columns(to: Packer, effect: e.ColumnsDeclared) -> None:
    to.text(json.dumps([[s.path, s.element_type.name, list(s.shape)] for s in effect.specs]))


def _get_columns(of: Unpacker) -> e.Effect:
    return e.ColumnsDeclared(tuple(ColumnSpec(p, ElementType[t], tuple(s)) for p, t, s in json.loads(of.text())))


def _put_opened(to: Packer, effect: e.WriterOpened) -> None:
    to.values(_WRITER, effect.number, effect.epoch, effect.num_lanes)
    to.text(effect.writer_id)


def _get_opened(of: Unpacker) -> e.Effect:
    number, epoch, num_lanes = of.values(_WRITER)
    return e.WriterOpened(number, of.text(), epoch, num_lanes)


def _put_stored(to: Packer, effect: e.BlockStored) -> None:
    to.values(_BLOCK, effect.number, effect.sequence, effect.version.epoch, effect.version.number)
    put_pieces(to, effect.pieces)
    put_windows(to, effect.windows)
    to.array(effect.priorities, _F32)
    to.array(effect.open_lanes, _I32)
    to.array(effect.ended_lanes, _I32)


def _get_stored(of: Unpacker) -> e.Effect:
    number, sequence, epoch, version = of.values(_BLOCK)
    pieces, windows = get_pieces(of), get_windows(of)
    if windows is None:
        raise DataLossError("a block without windows")
    return e.BlockStored(
        number,
        sequence,
        ParameterVersion(epoch, version),
        pieces,
        windows,
        of.array_or_none(_F32, np.float32),
        of.array_or_none(_I32, np.int32),
        of.array_or_none(_I32, np.int32),
    )


def _put_accepted(to: Packer, effect: e.BlockAccepted) -> None:
    to.values(_PAIR, effect.number, effect.sequence)


def _put_inserted(to: Packer, effect: e.ItemsInserted) -> None:
    to.values(_WRITER, effect.number, effect.version.epoch, effect.version.number)
    to.array(effect.slots, _U32)
    to.array(effect.priorities, _F32)
    to.array(effect.evicted, _U32)
    to.array(effect.times_sampled, _U32)
    to.generator(effect.rng)
    put_windows(to, effect.windows)


def _get_inserted(of: Unpacker) -> e.Effect:
    number, epoch, version = of.values(_WRITER)
    slots, priorities = of.array(_U32, np.int64), of.array(_F32, np.float32)
    evicted, times_sampled = of.array(_U32, np.int64), of.array_or_none(_U32, np.uint32)
    rng = of.generator()
    made_with = ParameterVersion(epoch, version)
    return e.ItemsInserted(number, slots, priorities, made_with, evicted, get_windows(of), times_sampled, rng)


def _put_sampled(to: Packer, effect: e.ItemsSampled) -> None:
    for slots in (effect.slots, effect.retired, effect.lagging):
        to.array(slots, _U32)
    to.generator(effect.rng)


def _get_sampled(of: Unpacker) -> e.Effect:
    slots, retired, lagging = (of.array(_U32, np.int64) for _ in range(3))
    return e.ItemsSampled(slots, retired, lagging, of.generator())


def _put_returned(to: Packer, effect: e.LeasesReturned) -> None:
    to.array(effect.retired, _U32)
    to.array(effect.sampled, _U32)
    to.values(_NUMBER, effect.num_samples)


def _get_returned(of: Unpacker) -> e.Effect:
    return e.LeasesReturned(of.array(_U32, np.int64), of.array(_U32, np.int64), *of.values(_NUMBER))


def _put_updated(to: Packer, effect: e.PrioritiesUpdated) -> None:
    to.array(effect.slots, _U32)
    to.array(effect.priorities, _F32)
    to.values(_NUMBER, effect.num_ignored)


def _get_updated(of: Unpacker) -> e.Effect:
    return e.PrioritiesUpdated(of.array(_U32, np.int64), of.array(_F32, np.float32), *of.values(_NUMBER))


def _put_deleted(to: Packer, effect: e.ItemsDeleted) -> None:
    to.array(effect.slots, _U32)
    to.values(_NUMBER, effect.num_ignored)
    to.generator(effect.rng)


def _get_deleted(of: Unpacker) -> e.Effect:
    slots, (num_ignored,) = of.array(_U32, np.int64), of.values(_NUMBER)
    return e.ItemsDeleted(slots, num_ignored, of.generator())


def _put_limiter(to: Packer, effect: e.LimiterSet) -> None:
    s = effect.settings
    to.values(_LIMITER, s.min_size, s.samples_per_insert, s.min_diff, s.max_diff)


def _get_limiter(of: Unpacker) -> e.Effect:
    min_size, samples_per_insert, min_diff, max_diff = of.floats(_LIMITER)
    return e.LimiterSet(RateLimiter(samples_per_insert, int(min_size), min_diff, max_diff))


def _put_forgotten(to: Packer, effect: e.WriterForgotten) -> None:
    to.values(_NUMBER, effect.number)


def _get_forgotten(of: Unpacker) -> e.Effect:
    return e.WriterForgotten(*of.values(_NUMBER))


def _put_cut(to: Packer, effect: e.LanesCut) -> None:
    to.values(_CUT, effect.number, effect.drops_open)


def _get_cut(of: Unpacker) -> e.Effect:
    number, drops_open = of.values(_CUT)
    return e.LanesCut(number, bool(drops_open))


def _get_accepted(of: Unpacker) -> e.Effect:
    return e.BlockAccepted(*of.values(_PAIR))


def _put_settled(to: Packer, effect: e.LeasesSettled) -> None:
    to.array(effect.retired, _U32)


def _get_settled(of: Unpacker) -> e.Effect:
    return e.LeasesSettled(of.array(_U32, np.int64))


def _put_exponent(to: Packer, effect: e.ExponentSet) -> None:
    to.values(_EXPONENT, effect.priority_exponent)


def _get_exponent(of: Unpacker) -> e.Effect:
    return e.ExponentSet(*of.floats(_EXPONENT))


def _put_nothing(to: Packer, effect: e.TableReset) -> None:
    """Write no byte: the kind says it all."""


def _get_reset(_: Unpacker) -> e.Effect:
    return e.TableReset()


# Any: each function takes the effect that it stands beside.
_LAYOUTS: Final[tuple[tuple[int, type, Callable[[Packer, Any], None], Callable[[Unpacker], e.Effect]], ...]] = (
    (1, e.ColumnsDeclared, _put_columns, _get_columns),
    (2, e.WriterOpened, _put_opened, _get_opened),
    (3, e.WriterForgotten, _put_forgotten, _get_forgotten),
    (4, e.BlockStored, _put_stored, _get_stored),
    (5, e.BlockAccepted, _put_accepted, _get_accepted),
    (6, e.ItemsInserted, _put_inserted, _get_inserted),
    (7, e.ItemsSampled, _put_sampled, _get_sampled),
    (8, e.LeasesSettled, _put_settled, _get_settled),
    (9, e.LeasesReturned, _put_returned, _get_returned),
    (10, e.PrioritiesUpdated, _put_updated, _get_updated),
    (11, e.ItemsDeleted, _put_deleted, _get_deleted),
    (12, e.LimiterSet, _put_limiter, _get_limiter),
    (13, e.ExponentSet, _put_exponent, _get_exponent),
    (14, e.TableReset, _put_nothing, _get_reset),
    (15, e.LanesCut, _put_cut, _get_cut),
)
_ENCODERS: Final = {effect: (kind, put) for kind, effect, put, _ in _LAYOUTS}
_DECODERS: Final = {kind: get for kind, _, _, get in _LAYOUTS}
