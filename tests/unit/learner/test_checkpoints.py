"""Checkpoints appear whole, and damaged or foreign ones are named."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from heronry.algorithms import AlgorithmState
from heronry.learner.core.checkpoint import ARRAYS_FILE, VALUES_FILE, Checkpoint, fingerprint_of
from heronry.learner.core.checkpoint_store import CheckpointStore
from heronry.learner.core.counters import Counters
from heronry.types.errors import DataLossError, SchemaMismatchError
from heronry.types.version import ParameterVersion


def checkpoint_of(num_updates=1, fingerprint="run"):
    arrays = {"weights/q": np.full((2, 3), num_updates, np.float32), "optimizer/num_steps": np.array([7])}
    counters = Counters(num_updates=num_updates, num_gradient_steps=20, num_steps=512, update_time_s=0.5)
    version = ParameterVersion(2, num_updates + 1, b"\x01\x02")
    return Checkpoint(AlgorithmState(arrays, {"generator": "abc", "count": 3}), counters, version, fingerprint)


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "learner", num_kept=3)


def damage(path, name, change):
    data = bytearray((path / name).read_bytes())
    (path / name).write_bytes(change(data))


def test_what_was_saved_comes_back(store) -> None:
    saved = checkpoint_of()
    store.save(saved)

    found = store.newest("run").checkpoint

    assert found is not None
    assert (found.counters, found.version, dict(found.state.values)) == (
        saved.counters,
        saved.version,
        dict(saved.state.values),
    )
    for name, array in saved.state.arrays.items():
        np.testing.assert_array_equal(found.state.arrays[name], array)
        assert found.state.arrays[name].dtype == array.dtype
    np.testing.assert_array_equal(found.weights()["q"], saved.state.arrays["weights/q"])


def test_an_empty_directory_has_none(store) -> None:
    assert store.newest("run").checkpoint is None


def test_the_newest_three_are_kept(store, tmp_path) -> None:
    for num_updates in (1, 2, 10, 100):
        store.save(checkpoint_of(num_updates))

    names = sorted(p.name for p in (tmp_path / "learner").iterdir())
    assert names == [f"update-{n:012d}" for n in (2, 10, 100)]
    assert store.newest("run").checkpoint.counters.num_updates == 100


def test_one_that_was_not_finished_is_not_seen(store, monkeypatch) -> None:
    store.save(checkpoint_of(1))
    monkeypatch.setattr("pathlib.Path.rename", lambda self, target: (_ for _ in ()).throw(OSError("power is gone")))
    with pytest.raises(OSError, match="power is gone"):
        store.save(checkpoint_of(2))
    monkeypatch.undo()

    assert store.newest("run").checkpoint.counters.num_updates == 1
    store.save(checkpoint_of(2))
    assert store.newest("run").checkpoint.counters.num_updates == 2


def test_its_files_and_folders_are_synced(store, monkeypatch) -> None:
    synced = []
    real = os.fsync

    def note(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)

    store.save(checkpoint_of(1))

    assert synced == [ARRAYS_FILE, VALUES_FILE, ".unfinished-update-000000000001", "learner"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (ARRAYS_FILE, lambda data: data[:-5]),
        (ARRAYS_FILE, lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        (VALUES_FILE, lambda data: data[: len(data) // 2]),
    ],
    ids=["truncated arrays", "a flipped bit", "truncated values"],
)
def test_a_damaged_one_is_named_and_passed_over_for_an_older_one(store, name, change) -> None:
    store.save(checkpoint_of(1))
    damage(store.save(checkpoint_of(2)), name, change)

    found = store.newest("run")

    assert found.checkpoint.counters.num_updates == 1
    assert len(found.refused) == 1
    assert f"update-000000000002/{name}" in found.refused[0]


def test_damaged_ones_alone_are_an_error(store) -> None:
    path = store.save(checkpoint_of(1))
    (path / ARRAYS_FILE).unlink()

    with pytest.raises(DataLossError, match="update-000000000001"):
        store.newest("run")


def test_one_of_another_run_is_refused(store) -> None:
    store.save(checkpoint_of(1, fingerprint=fingerprint_of({"algorithm": "ppo"})))

    with pytest.raises(SchemaMismatchError, match="fingerprint"):
        store.newest(fingerprint_of({"algorithm": "dqn"}))


@pytest.mark.parametrize(("key", "value"), [("kind", "someone.else"), ("format", 99)])
def test_one_of_another_program_or_format_is_refused(store, key, value) -> None:
    path = store.save(checkpoint_of(1))
    values = json.loads((path / VALUES_FILE).read_text())
    (path / VALUES_FILE).write_text(json.dumps({**values, key: value}))

    with pytest.raises(SchemaMismatchError, match=key):
        store.newest("run")


def test_missing_counters_are_named(store) -> None:
    path = store.save(checkpoint_of(1))
    values = json.loads((path / VALUES_FILE).read_text())
    del values["counters"]["num_updates"]
    (path / VALUES_FILE).write_text(json.dumps(values))

    with pytest.raises(DataLossError, match="num_updates"):
        store.newest("run")
