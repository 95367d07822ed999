import numpy as np
import pytest

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_memory import AnonymousMemory
from heronry.replay.core.step_pool import StorageSettings
from heronry.replay.core.step_store import StepStore
from heronry.replay.core.windows import Windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError, InvalidArgumentError, ResourceExhaustedError
from heronry.types.patterns import Pattern
from heronry.types.tensors import ElementType

FRAME = ColumnSpec("frame", ElementType.UINT8, (64, 64))
REWARD = ColumnSpec("reward", ElementType.FLOAT32, ())
COMPRESSED = StorageSettings(compressed_columns=("frame",))


def flat_frames(steps: int) -> dict[str, np.ndarray]:
    frames = np.zeros((steps, 1, 64, 64), np.uint8)
    frames[:, :, :8] = np.arange(steps, dtype=np.uint8)[:, None, None, None]
    return {"frame": frames, "reward": np.zeros((steps, 1), np.float32)}


def noise(steps: int) -> dict[str, np.ndarray]:
    frames = np.random.default_rng(3).integers(0, 256, (steps, 1, 64, 64), np.uint8)
    return {"frame": frames, "reward": np.zeros((steps, 1), np.float32)}


def test_flat_frames_take_a_fraction_of_their_bytes() -> None:
    store = StepStore("t", (FRAME, REWARD), Pattern(), ByteBudget(64 << 20), settings=COMPRESSED)
    columns = flat_frames(640)

    windows = store.append(store.open_strands(1), columns, 640).windows

    assert store.num_step_bytes == 640 * 4100
    # 16 chunks of 16 KiB, one a page at least, against 640 frames of 4 KiB.
    assert store.num_bytes < store.num_step_bytes / 8
    np.testing.assert_array_equal(store.gather(windows[3:9])["frame"][0], columns["frame"][3:9, 0])


def test_noise_is_stored_as_it_is() -> None:
    store = StepStore("t", (FRAME, REWARD), Pattern(), ByteBudget(64 << 20), settings=COMPRESSED)
    columns = noise(128)

    windows = store.append(store.open_strands(1), columns, 128).windows

    assert store.num_bytes == 2 * 64 * 12 + 128 * 4096
    np.testing.assert_array_equal(store.gather(windows)["frame"][0], columns["frame"][:, 0])


@pytest.mark.parametrize("make", [flat_frames, noise], ids=["flat", "noise"])
def test_an_append_fits_exactly_when_no_page_lacks(make: object) -> None:
    budget = ByteBudget(1 << 20)
    store = StepStore("t", (FRAME, REWARD), Pattern(), budget, settings=COMPRESSED)
    strands = store.open_strands(1)
    block = make(50)
    held: list[Windows] = []
    for _ in range(60):
        while store.pages_short(strands, 50):
            with pytest.raises(ResourceExhaustedError):
                store.append(strands, block, 50)
            store.release(held.pop(0))
        held.append(store.append(strands, block, 50).windows)
        assert budget.used <= budget.max_bytes

    assert len(held) >= 2
    np.testing.assert_array_equal(store.gather(held[0])["frame"][0], block["frame"][:, 0])


def test_a_value_that_is_damaged_is_named_when_it_is_read() -> None:
    memory = AnonymousMemory()
    store = StepStore("t", (FRAME, REWARD), Pattern(), ByteBudget(64 << 20), memory=memory, settings=COMPRESSED)
    windows = store.append(store.open_strands(1), flat_frames(4), 4).windows
    [values] = [p for p in store.parts(store.hold_pages()) if p.name == "0.values"]
    values.content[:] = 255

    with pytest.raises(DataLossError, match="table 't': a compressed value"):
        store.gather(windows)


def test_a_column_without_bytes_cannot_be_compressed() -> None:
    nothing = ColumnSpec("frame", ElementType.UINT8, (0,))

    with pytest.raises(InvalidArgumentError, match=r"compressed_columns\.frame: got '0 bytes a value'"):
        StepStore("t", (nothing, REWARD), Pattern(), ByteBudget(1 << 20), settings=COMPRESSED)
