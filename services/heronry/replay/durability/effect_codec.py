"""Effects to bytes and back.

What is committed together is one record: its effects one behind the other, each after a byte that is the
number of its layout. A layout never changes: another one takes another number, so that a log is read the
same by every later version.
"""

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from heronry.replay.core import effects as e
from heronry.replay.durability.packing import Packer, Unpacker
from heronry.replay.durability.step_codec import fields_of, get_pieces, get_windows, put_pieces, put_windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError
from heronry.types.tables import RateLimiter
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

RECORD_KIND: Final = 1
"""Of the log's records: effects."""

_U32, _I32 = "<u4", "<i4"
_KIND: Final = struct.Struct("<B")
_NUMBER: Final = struct.Struct("<Q")
_PAIR: Final = struct.Struct("<QQ")
_BLOCK: Final = struct.Struct("<QQQQB")
_WRITER: Final = struct.Struct("<QQQ")
_INSERTED: Final = struct.Struct("<QQQB")
_LIMITER: Final = struct.Struct("<Qddd")
_EXPONENT: Final = struct.Struct("<d")
_FLAG: Final = struct.Struct("<B")
_CUT: Final = struct.Struct("<QB")
# Which fields follow, above those of windows.
_PRIORITIES, _OPEN, _ENDED, _PIECES = 4, 8, 16, 32
_WINDOWS, _TIMES, _RNG, _EVICTED = 4, 8, 16, 32


def encode(effects: Sequence[e.Effect]) -> bytes:
    """Return the bytes of effects."""
    packer = Packer()
    for effect in effects:
        kind, put = _ENCODERS[type(effect)]
        packer.values(_KIND, kind)
        put(packer, effect)
    return packer.bytes()


def decode(kind: int, payload: bytes) -> list[e.Effect]:
    """Return the effects of a record.

    Raises:
      DataLossError: a kind that this version does not know, or bytes that are none of it.
    """
    if kind != RECORD_KIND:
        raise _unknown("records", kind)
    unpacker = Unpacker(payload)
    effects: list[e.Effect] = []
    while not unpacker.is_at_end:
        (number,) = unpacker.values(_KIND)
        get = _DECODERS.get(number)
        if get is None:
            raise _unknown("effects", number)
        effects.append(get(unpacker))
    return effects


def _unknown(what: str, kind: int) -> DataLossError:
    return DataLossError(f"{what} of kind {kind} are unknown: written by a later version")


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
    version, has = effect.version, fields_of(effect.windows)
    has |= 0 if effect.priorities is None else _PRIORITIES
    has |= 0 if effect.open_lanes is None else _OPEN
    has |= 0 if effect.ended_lanes is None else _ENDED
    has |= _PIECES if len(effect.pieces) else 0
    to.values(_BLOCK, effect.number, effect.sequence, version.epoch, version.number, has)
    if has & _PIECES:
        put_pieces(to, effect.pieces)
    put_windows(to, effect.windows)
    if effect.priorities is not None:
        to.reals(effect.priorities)
    if effect.open_lanes is not None:
        to.integers(effect.open_lanes, _I32)
    if effect.ended_lanes is not None:
        to.integers(effect.ended_lanes, _I32)


def _get_stored(of: Unpacker) -> e.Effect:
    number, sequence, epoch, version, has = of.values(_BLOCK)
    return e.BlockStored(
        number,
        sequence,
        ParameterVersion(epoch, version),
        get_pieces(of) if has & _PIECES else (),
        get_windows(of, has),
        of.reals() if has & _PRIORITIES else None,
        of.integers(_I32, np.int32) if has & _OPEN else None,
        of.integers(_I32, np.int32) if has & _ENDED else None,
    )


def _put_accepted(to: Packer, effect: e.BlockAccepted) -> None:
    to.values(_PAIR, effect.number, effect.sequence)


def _put_inserted(to: Packer, effect: e.ItemsInserted) -> None:
    windows, has = effect.windows, _EVICTED if len(effect.evicted) else 0
    has |= 0 if windows is None else _WINDOWS | fields_of(windows)
    has |= 0 if effect.times_sampled is None else _TIMES
    has |= 0 if effect.rng is None else _RNG
    to.values(_INSERTED, effect.number, effect.version.epoch, effect.version.number, has)
    to.integers(effect.slots, _U32)
    to.reals(effect.priorities)
    if has & _EVICTED:
        to.integers(effect.evicted, _U32)
    if windows is not None:
        put_windows(to, windows)
    if effect.times_sampled is not None:
        to.integers(effect.times_sampled, _U32)
    if effect.rng is not None:
        to.generator(effect.rng)


def _get_inserted(of: Unpacker) -> e.Effect:
    number, epoch, version, has = of.values(_INSERTED)
    return e.ItemsInserted(
        number,
        of.integers(_U32, np.int64),
        of.reals(),
        ParameterVersion(epoch, version),
        of.integers(_U32, np.int64) if has & _EVICTED else np.zeros(0, np.int64),
        get_windows(of, has) if has & _WINDOWS else None,
        of.integers(_U32, np.uint32) if has & _TIMES else None,
        of.generator() if has & _RNG else None,
    )


def _put_rng(to: Packer, rng: e.RngState | None) -> None:
    to.values(_FLAG, rng is not None)
    if rng is not None:
        to.generator(rng)


def _get_rng(of: Unpacker) -> e.RngState | None:
    return of.generator() if of.values(_FLAG)[0] else None


def _put_sampled(to: Packer, effect: e.ItemsSampled) -> None:
    for slots in (effect.slots, effect.retired, effect.lagging):
        to.integers(slots, _U32)
    _put_rng(to, effect.rng)


def _get_sampled(of: Unpacker) -> e.Effect:
    slots, retired, lagging = (of.integers(_U32, np.int64) for _ in range(3))
    return e.ItemsSampled(slots, retired, lagging, _get_rng(of))


def _put_returned(to: Packer, effect: e.LeasesReturned) -> None:
    to.integers(effect.retired, _U32)
    to.integers(effect.sampled, _U32)
    to.values(_NUMBER, effect.num_samples)


def _get_returned(of: Unpacker) -> e.Effect:
    return e.LeasesReturned(of.integers(_U32, np.int64), of.integers(_U32, np.int64), *of.values(_NUMBER))


def _put_updated(to: Packer, effect: e.PrioritiesUpdated) -> None:
    to.integers(effect.slots, _U32)
    to.reals(effect.priorities)
    to.values(_NUMBER, effect.num_ignored)


def _get_updated(of: Unpacker) -> e.Effect:
    return e.PrioritiesUpdated(of.integers(_U32, np.int64), of.reals(), *of.values(_NUMBER))


def _put_deleted(to: Packer, effect: e.ItemsDeleted) -> None:
    to.integers(effect.slots, _U32)
    to.values(_NUMBER, effect.num_ignored)
    _put_rng(to, effect.rng)


def _get_deleted(of: Unpacker) -> e.Effect:
    slots, (num_ignored,) = of.integers(_U32, np.int64), of.values(_NUMBER)
    return e.ItemsDeleted(slots, num_ignored, _get_rng(of))


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
    to.integers(effect.retired, _U32)


def _get_settled(of: Unpacker) -> e.Effect:
    return e.LeasesSettled(of.integers(_U32, np.int64))


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
