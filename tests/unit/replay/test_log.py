"""The log: what was appended is read back, and what is damaged is told and left out."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from heronry.replay.durability import log as log_module
from heronry.replay.durability.log import Log, segments
from heronry.replay.durability.log_reader import LogReader
from heronry.replay.durability.records import ALIGNMENT, HEAD_BYTES
from heronry.types.errors import ResourceExhaustedError

SEGMENT = 512
CHANGES = [(1, b"one"), (4, b"a longer one, of some forty bytes in all"), (15, b""), (5, bytes(64)), (2, b"last")]


def read(folder: Path, after: int = 0) -> tuple[list[tuple[int, bytes]], LogReader]:
    reader = LogReader(folder, after)
    return [(record.kind, record.payload) for record in reader], reader


def size(payload: bytes) -> int:
    return HEAD_BYTES + -(-len(payload) // ALIGNMENT) * ALIGNMENT


def written(folder: Path, changes: list[tuple[int, bytes]], segment_bytes: int = SEGMENT) -> None:
    log = Log(folder, 0, segment_bytes)
    log.append(changes)
    log.close()


def test_records_come_back_in_their_order_over_many_segments(tmp_path: Path) -> None:
    changes = [(1 + i % 15, bytes([i]) * (i % 90)) for i in range(100)]
    log = Log(tmp_path, 0, SEGMENT)

    positions = [log.append(changes[i : i + 3]) for i in range(0, 100, 3)]
    found, reader = read(tmp_path)

    assert positions == [*range(3, 100, 3), 100]
    assert found == changes
    assert (reader.position, reader.damage) == (100, None)
    assert len(segments(tmp_path)) > 5
    log.close()


def test_a_record_larger_than_a_segment_gets_one_of_its_own(tmp_path: Path) -> None:
    changes = [(1, b"small"), (2, os.urandom(5 * SEGMENT)), (3, b"small")]
    written(tmp_path, changes)

    assert read(tmp_path)[0] == changes


def test_reading_begins_behind_a_position(tmp_path: Path) -> None:
    changes = [(1, bytes([i]) * 60) for i in range(40)]
    written(tmp_path, changes)

    for after in (0, 1, 7, 39, 40):
        found, reader = read(tmp_path, after)
        assert (found, reader.position, reader.damage) == (changes[after:], 40, None)


def test_a_log_goes_on_in_a_new_segment_after_it_was_read(tmp_path: Path) -> None:
    written(tmp_path, CHANGES)
    _, reader = read(tmp_path)

    log = Log(tmp_path, reader.end, SEGMENT)
    log.append([(7, b"more")])
    log.close()

    assert read(tmp_path)[0] == [*CHANGES, (7, b"more")]


def test_truncation_at_every_byte_leaves_the_whole_records_before_it(tmp_path: Path) -> None:
    written(tmp_path, CHANGES)
    (_, path), *_ = segments(tmp_path)
    content = path.read_bytes()
    ends = [sum(size(p) for _, p in CHANGES[: i + 1]) for i in range(len(CHANGES))]

    for length in range(len(content)):
        path.write_bytes(content[:length])
        found, reader = read(tmp_path)
        whole = sum(end <= length for end in ends)
        # Zeros that fill up the last record are no loss, but without them it is not whole either.
        assert found == CHANGES[:whole] or found == CHANGES[: whole + 1]
        assert reader.damage is None or reader.damage.is_tail


def test_a_flipped_bit_in_any_byte_is_told_and_nothing_false_is_read(tmp_path: Path) -> None:
    written(tmp_path, CHANGES)
    (_, path), *_ = segments(tmp_path)
    content = path.read_bytes()
    starts = [sum(size(p) for _, p in CHANGES[:i]) for i in range(len(CHANGES) + 1)]
    padding = {s + HEAD_BYTES + i for s, (_, p) in zip(starts, CHANGES, strict=False) for i in range(len(p), size(p))}
    zeros_of_head = {s + i for s in starts[:-1] for i in range(17, 24)}

    for at in range(starts[-1]):
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :])
        found, reader = read(tmp_path)
        hit = sum(start <= at for start in starts) - 1
        if at in padding | zeros_of_head:
            assert found[:hit] == CHANGES[:hit]
            continue
        assert found == CHANGES[:hit]
        assert reader.damage is not None
        assert reader.damage.first == hit + 1
        assert reader.damage.is_tail == (hit == len(CHANGES) - 1)
        if not reader.damage.is_tail:
            assert reader.damage.last == len(CHANGES)
            assert f"positions {hit + 1} to {len(CHANGES)}" in str(reader.damage)


def test_bits_that_turn_up_behind_the_end_are_cut_off_as_a_torn_tail(tmp_path: Path) -> None:
    log = Log(tmp_path, 0, SEGMENT)
    log.append([(1, b"one")])
    (_, path), *_ = segments(tmp_path)
    content = bytearray(path.read_bytes())
    content[size(b"one") + 10] = 1
    path.write_bytes(content)

    found, reader = read(tmp_path)
    assert found == [(1, b"one")]
    assert reader.damage is not None
    assert str(reader.damage).endswith("the last 11 bytes are no whole record, cut off")
    reader.cut_tail()
    assert path.stat().st_size == size(b"one")
    assert read(tmp_path)[1].damage is None
    log.close()


def test_damage_of_what_a_snapshot_covers_costs_nothing(tmp_path: Path) -> None:
    written(tmp_path, CHANGES)
    (_, path), *_ = segments(tmp_path)
    content = bytearray(path.read_bytes())
    content[size(b"one") + HEAD_BYTES] ^= 1
    path.write_bytes(content)

    found, reader = read(tmp_path, after=2)
    assert (found, reader.damage) == (CHANGES[2:], None)


def test_a_segment_that_is_missing_is_told(tmp_path: Path) -> None:
    written(tmp_path, [(1, bytes([i]) * 60) for i in range(40)])
    first, second, third, *_ = segments(tmp_path)
    second[1].unlink()

    found, reader = read(tmp_path)

    assert len(found) == second[0] - first[0]
    assert reader.damage is not None
    assert (reader.damage.first, reader.damage.last, reader.end) == (second[0], 40, 40)
    assert reader.damage.segment == third[1].name


def test_segments_that_a_snapshot_makes_superfluous_are_removed(tmp_path: Path) -> None:
    log = Log(tmp_path, 0, SEGMENT)
    for i in range(40):
        log.append([(1, bytes([i]) * 60)])
    begins = [first for first, _ in segments(tmp_path)]

    assert log.drop_through(begins[3] - 2) == 2
    assert log.drop_through(begins[3] - 1) == 1
    assert log.drop_through(1000) == len(begins) - 4
    assert len(segments(tmp_path)) == 1
    log.close()


def test_a_segment_that_cannot_be_synced_is_never_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path, 0, SEGMENT)
    log.append([(1, b"one")])
    assert log.sync() == 1
    log.append([(1, b"two")])
    monkeypatch.setattr(log_module.os, "fdatasync", _failing)

    with pytest.raises(ResourceExhaustedError, match="Input/output error"):
        log.sync()
    monkeypatch.undo()
    with pytest.raises(ResourceExhaustedError):
        log.sync()
    with pytest.raises(ResourceExhaustedError):
        log.append([(1, b"three")])
    assert (log.durable, log.last_tried) == (1, 2)

    log.begin(log.last_tried)
    assert log.append([(1, b"three")]) == 3
    assert log.sync() == 3
    log.close()


def test_without_room_for_a_spare_segment_there_is_still_the_one_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(tmp_path, 0, SEGMENT)
    monkeypatch.setattr(log_module.os, "posix_fallocate", _full)
    log.append([(1, bytes(300))])
    log.append([(1, bytes(300))])

    assert not log.has_spare
    assert not log.refill()
    assert log.append([(1, bytes(10))]) == 3
    with pytest.raises(ResourceExhaustedError, match="no space is left on the disk"):
        log.append([(1, bytes(300))])

    monkeypatch.undo()
    log.begin(log.last_tried)
    assert log.has_spare
    assert log.append([(1, bytes(300))]) == 5
    log.close()


@settings(max_examples=60)
@given(
    payloads=st.lists(st.binary(max_size=200), max_size=12),
    cut=st.integers(min_value=0, max_value=10_000),
)
def test_any_truncation_of_the_last_segment_leaves_a_prefix(payloads: list[bytes], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder), [(1, p) for p in payloads])
        path = segments(Path(folder))[-1][1]
        os.truncate(path, min(cut, path.stat().st_size))

        found, reader = read(Path(folder))

        assert [p for _, p in found] == payloads[: len(found)]
        assert reader.damage is None or reader.damage.is_tail


class LogMachine(RuleBasedStateMachine):
    """A log whose process may end at any byte of a write: what was committed stays, and it always goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name)
        self._log = Log(self._path, 0, SEGMENT)
        self._model: list[bytes] = []

    @rule(payloads=st.lists(st.binary(max_size=150), min_size=1, max_size=4))
    def append(self, payloads: list[bytes]) -> None:
        assert self._log.append([(3, p) for p in payloads]) == len(self._model) + len(payloads)
        self._model += payloads

    @rule()
    def sync(self) -> None:
        assert self._log.sync() == len(self._model)

    @rule(payload=st.binary(max_size=150), share=st.floats(0, 1, exclude_max=True))
    def crash_in_a_write(self, payload: bytes, share: float) -> None:
        payload += b"\1"  # the last byte shows whether it was written
        self._log.append([(3, payload)])
        path = segments(self._path)[-1][1]
        content = path.read_bytes()
        kept = self._log._used - size(payload) + int(share * (HEAD_BYTES + len(payload)))
        path.write_bytes(content[:kept] + bytes(len(content) - kept))
        self._restart()

    @rule()
    def restart(self) -> None:
        self._log.close()
        self._restart()

    @invariant()
    def what_was_committed_is_there(self) -> None:
        assert [p for _, p in read(self._path)[0]] == self._model

    def _restart(self) -> None:
        self._log.close()
        _, reader = read(self._path)
        reader.cut_tail()
        self._log = Log(self._path, reader.end, SEGMENT)

    def teardown(self) -> None:
        self._log.close()
        self._folder.cleanup()


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(max_examples=25, stateful_step_count=20)


def _failing(descriptor: int) -> None:
    raise OSError(5, "Input/output error")


def _full(descriptor: int, offset: int, length: int) -> None:
    raise OSError(28, "No space left on device")
