"""Effects as bytes: what is decoded is what was encoded, and the bytes never change."""

import dataclasses
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core import effects as e
from heronry.replay.core.state import first_difference
from heronry.replay.core.windows import Piece, Pieces, Windows
from heronry.replay.durability.effect_codec import RECORD_KIND, decode, encode
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError
from heronry.types.tables import RateLimiter
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

U64 = st.integers(0, 2**64 - 1)
NUMBERS = st.integers(0, 2**40)
SIZES = st.integers(0, 9)


def arrays(dtype: type, low: int, high: int) -> st.SearchStrategy[np.ndarray]:
    drawn = st.lists(st.integers(low, high), max_size=9)
    rising = st.tuples(st.integers(low, high - 40), SIZES).map(lambda run: list(range(run[0], run[0] + run[1])))
    falling = rising.map(lambda run: run[::-1])
    same = st.tuples(st.integers(low, high), SIZES).map(lambda pair: [pair[0]] * pair[1])
    return st.one_of(drawn, rising, falling, same).map(lambda values: np.array(values, dtype))


SLOTS = arrays(np.int64, 0, 2**28 - 1)
ROWS = arrays(np.int64, 0, 2**32 - 1)
LANES = arrays(np.int32, -1, 2**20)
PRIORITIES = st.lists(st.floats(0, width=32), max_size=9).map(lambda values: np.array(values, np.float32))
VERSIONS = st.builds(ParameterVersion, U64, U64)
GENERATORS = st.none() | st.integers(0, 2**32).map(lambda seed: np.random.default_rng(seed).bit_generator.state)
WINDOWS = st.builds(Windows, ROWS, st.none() | arrays(np.uint16, 1, 65_535), st.none() | arrays(np.uint8, 0, 255))


U32 = st.integers(0, 2**32 - 1)
PAGES = st.integers(0, 2**31 - 1)


@st.composite
def pieces(draw: st.DrawFn) -> Pieces:
    num_columns = draw(st.integers(0, 3))
    checksums = st.tuples(*[U32] * num_columns)
    rows = st.integers(0, 2048)
    piece = st.builds(Piece, PAGES, PAGES | st.just(-1), st.integers(1, 2048), U32, U64, rows, rows, checksums)
    return tuple(draw(st.lists(piece, max_size=4)))


SPECS = st.builds(
    ColumnSpec,
    st.text(max_size=12),
    st.sampled_from([t for t in ElementType if t.name != "UNSPECIFIED"]),
    st.lists(st.integers(0, 9), max_size=3).map(tuple),
)
LIMITERS = st.builds(
    lambda spi, size, low, width: RateLimiter(spi, size, low, low + 2 * max(1.0, spi) + width),
    st.floats(0.001, 1e3),
    st.integers(1, 2**40),
    st.floats(-1e9, 0),
    st.floats(1, 1e9),
)
EFFECTS = st.one_of(
    st.builds(e.ColumnsDeclared, st.lists(SPECS, max_size=4).map(tuple)),
    st.builds(e.WriterOpened, NUMBERS, st.text(max_size=20), U64, st.integers(1, 65_536)),
    st.builds(e.WriterForgotten, NUMBERS),
    st.builds(
        e.BlockStored,
        NUMBERS,
        U64,
        VERSIONS,
        pieces(),
        WINDOWS,
        st.none() | PRIORITIES,
        st.none() | LANES,
        st.none() | LANES,
    ),
    st.builds(e.BlockAccepted, NUMBERS, U64),
    st.builds(
        e.ItemsInserted,
        NUMBERS,
        SLOTS,
        PRIORITIES,
        VERSIONS,
        SLOTS,
        st.none() | WINDOWS,
        st.none() | arrays(np.uint32, 0, 2**32 - 1),
        GENERATORS,
    ),
    st.builds(e.ItemsSampled, SLOTS, SLOTS, SLOTS, GENERATORS),
    st.builds(e.LeasesSettled, SLOTS),
    st.builds(e.LeasesReturned, SLOTS, SLOTS, NUMBERS),
    st.builds(e.PrioritiesUpdated, SLOTS, PRIORITIES, NUMBERS),
    st.builds(e.ItemsDeleted, SLOTS, NUMBERS, GENERATORS),
    st.builds(e.LimiterSet, LIMITERS),
    st.builds(e.ExponentSet, st.floats(0, 100)),
    st.just(e.TableReset()),
    st.builds(e.LanesCut, NUMBERS, st.booleans()),
)


def plain(value: object) -> object:
    """Return an effect as nested dictionaries, which can be compared."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return tuple(plain(v) for v in value) if isinstance(value, tuple) else value


@settings(max_examples=300)
@given(st.lists(EFFECTS, min_size=1, max_size=4))
def test_decoding_gives_what_was_encoded_together(effects: list[e.Effect]) -> None:
    decoded = decode(RECORD_KIND, encode(effects))

    assert [type(effect) for effect in decoded] == [type(effect) for effect in effects]
    assert first_difference([plain(effect) for effect in decoded], [plain(effect) for effect in effects]) is None


def test_every_effect_has_a_layout() -> None:
    declared = {
        kind
        for kind in vars(e).values()
        if inspect.isclass(kind) and dataclasses.is_dataclass(kind) and kind.__module__ == e.__name__
    }

    assert declared == set(e.Effect.__args__)
    kinds = {encode([effect])[0] for effect in GOLDEN}
    assert kinds == set(range(1, 16))


@pytest.mark.parametrize("cut", [1, 2, 8, 21])
def test_bytes_that_end_early_or_late_are_refused(cut: int) -> None:
    payload = encode([GOLDEN[3]])

    with pytest.raises(DataLossError, match="are wanted at byte"):
        decode(RECORD_KIND, payload[:cut])
    with pytest.raises(DataLossError, match="effects of kind 0 are unknown"):
        decode(RECORD_KIND, payload + b"\0")


def test_a_kind_of_a_later_version_is_refused_by_name() -> None:
    with pytest.raises(DataLossError, match="records of kind 40 are unknown: written by a later version"):
        decode(40, b"")
    with pytest.raises(DataLossError, match="effects of kind 40 are unknown: written by a later version"):
        decode(RECORD_KIND, bytes([40]))


@pytest.mark.parametrize("slots", [np.arange(1000, 2000), np.arange(2000, 1000, -1), np.full(1000, 7)])
def test_long_runs_and_equal_values_take_a_few_bytes(slots: np.ndarray) -> None:
    assert len(encode([e.PrioritiesUpdated(slots, np.ones(1000, np.float32))])) < 40


SLOTS_3 = np.array([3, 1, 2])
GOLDEN: tuple[e.Effect, ...] = (
    e.ColumnsDeclared((ColumnSpec("x", ElementType.FLOAT32, (2,)),)),
    e.WriterOpened(1, "w", 7, 4),
    e.WriterForgotten(1),
    e.BlockStored(
        1,
        2,
        ParameterVersion(3, 4),
        (Piece(page=5, previous=-1, lanes=4, strand=0, first_step=0, begin=0, filled=8, checksums=(0xABCD,)),),
        Windows(np.array([320, 321, 322, 323])),
    ),
    e.BlockAccepted(1, 2),
    e.ItemsInserted(1, np.arange(4), np.ones(4, np.float32), ParameterVersion(3, 4), SLOTS_3),
    e.ItemsSampled(SLOTS_3, np.array([1]), np.zeros(0, np.int64), np.random.PCG64(0).state),
    e.LeasesSettled(SLOTS_3),
    e.LeasesReturned(SLOTS_3, SLOTS_3, 3),
    e.PrioritiesUpdated(SLOTS_3, np.array([0.5, 1, 2], np.float32), 1),
    e.ItemsDeleted(SLOTS_3, 2),
    e.LimiterSet(RateLimiter(1.0, 2, -3.0, 4.0)),
    e.ExponentSet(0.5),
    e.TableReset(),
    e.LanesCut(1, drops_open=True),
)
GOLDEN_BYTES: dict[int, str] = {
    1: "170000005b5b2278222c2022464c4f41543332222c205b325d5d5d",
    2: "0100000000000000070000000000000004000000000000000100000077",
    3: "0100000000000000",
    4: (
        "010000000000000002000000000000000300000000000000040000000000000020010000000100000005000000ffffff"
        "ff040000000000000000000000000000000000000008000000cdab000004000000014001000000000000"
    ),
    5: "01000000000000000200000000000000",
    6: (
        "010000000000000003000000000000000400000000000000200400000001000000000000000004000000030000803f00"
        "0000000300000000030000000100000002000000"
    ),
    7: (
        "0300000000030000000100000002000000010000000001000000000000000001e36195a6b75e58092d45965934b5a11a"
        "a9737844bc338158821af73adbda8d410000000000"
    ),
    8: "0300000000030000000100000002000000",
    9: "030000000003000000010000000200000003000000000300000001000000020000000300000000000000",
    10: "030000000003000000010000000200000003000000000000003f0000803f000000400100000000000000",
    11: "0300000000030000000100000002000000020000000000000000",
    12: "0200000000000000000000000000f03f00000000000008c00000000000001040",
    13: "000000000000e03f",
    14: "",
    15: "010000000000000001",
}


@pytest.mark.parametrize("effect", GOLDEN, ids=lambda effect: type(effect).__name__)
def test_the_bytes_of_version_1_never_change(effect: e.Effect) -> None:
    kind, *payload = encode([effect])

    assert bytes(payload).hex() == GOLDEN_BYTES[kind]
