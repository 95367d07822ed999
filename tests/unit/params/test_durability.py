"""What a folder gives back after a crash, a restore or damage."""

import os
from dataclasses import replace

import numpy as np
import pytest

from heronry.params.core.durability import checkpoint
from heronry.params.core.durability.checkpoint import read_checkpoint, write_checkpoint
from heronry.params.core.durability.state_folder import StateFolder
from heronry.params.core.optimizers.state import OptimizerState
from heronry.types.aggregation import Aggregation, WeightedMean
from heronry.types.consistency import Asynchronous, BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    DataLossError,
    FailedPreconditionError,
    ForeignEpochError,
    ResourceExhaustedError,
    SchemaMismatchError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.optimizers import AdamOptimizer
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole

WEIGHTED = Aggregation(WeightedMean())


def test_a_crash_loses_nothing_that_was_acknowledged(open_folder) -> None:
    bench, _ = open_folder()
    bench.register(0.0, 0.0, optimizer=AdamOptimizer(0.1), consistency=BufferedAsynchronous(2))
    answers = [bench.push(1.0, -2.0, kind=ContributionKind.GRADIENT, client_id=c) for c in "abcde"]
    before = bench.values.copy()

    bench, _ = open_folder()

    assert bench.version.number == answers[-1].version.number == 3
    assert bench.version.content_hash == answers[-1].version.content_hash
    np.testing.assert_array_equal(bench.values, before)
    assert bench.info().num_pending == 1


def test_a_resumed_model_goes_on_exactly_as_an_uninterrupted_one(open_folder, make_bench) -> None:
    settings = {"optimizer": AdamOptimizer(0.1), "consistency": BufferedAsynchronous(2), "aggregation": WEIGHTED}
    gradients = np.random.default_rng(1).normal(size=(9, 2)).astype(np.float32)
    steady, (crashing, _) = make_bench(), open_folder()
    for bench in (steady, crashing):
        bench.register(0.5, -0.5, **settings)

    for index, gradient in enumerate(gradients):
        if index in {3, 6}:
            crashing, _ = open_folder()
        for bench in (steady, crashing):
            bench.push(*gradient, kind=ContributionKind.GRADIENT, weight=1.0 + index)

    assert crashing.values.tobytes() == steady.values.tobytes()
    assert crashing.version.content_hash == steady.version.content_hash


def test_the_epoch_rises_at_every_restart_and_older_bases_are_refused(open_folder) -> None:
    bench, _ = open_folder()
    base = bench.register(0.0)
    epochs = [bench.version.epoch]
    for _ in range(3):
        bench, _ = open_folder()
        epochs.append(bench.version.epoch)

    assert epochs == [1, 2, 3, 4]
    assert bench.version.number == base.number
    with pytest.raises(ForeignEpochError):
        bench.push(1.0, base_version=base)


def test_the_epoch_rises_although_no_model_was_there(open_folder) -> None:
    open_folder()
    bench, _ = open_folder()

    assert bench.register(0.0).epoch == 2


def test_a_request_counted_before_the_crash_is_not_counted_again(open_folder) -> None:
    bench, _ = open_folder()
    base = bench.register(0.0)
    answer = bench.push(1.0, request_id="sent twice")

    bench, _ = open_folder()
    again = bench.push(1.0, request_id="sent twice", base_version=base)

    assert (again.counted, again.round_id) == (False, answer.round_id)
    assert again.version == replace(answer.version, epoch=2)
    assert bench.version.number == 2


def test_tags_survive_also_on_versions_that_are_no_longer_new(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, num_versions_kept=2, consistency=Asynchronous(max_staleness=0))
    for value in (1.0, 2.0):
        bench.push(value)
    folder.write(bench.models.begin_checkpoint())
    bench.models.tag("policy", 2, "best")
    bench.models.tag("policy", 3, "fair")
    for value in (3.0, 4.0, 5.0):
        bench.push(value)

    for _ in range(2):
        bench, _ = open_folder()

        kept = [bench.model.history.select(tag=tag) for tag in ("best", "fair")]
        assert [(p.version.number, p.flat.view(np.float32)[0]) for p in kept] == [(2, 1.0), (3, 2.0)]


def test_statistics_and_half_a_round_survive_a_checkpoint(open_folder) -> None:
    tensors = {"w": np.zeros(2, np.float32), "n": np.array([5], np.int64), "m": np.zeros(1, np.float32)}
    roles = {"n": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS), "m": (TensorRole.BUFFER, MergeRule.MEAN)}
    schema = ModelSchema.of(tensors, roles)

    def pushed(bench, weights: float, count: int, mean: float) -> None:
        values = {"w": np.full(2, weights, np.float32), "n": np.array([count]), "m": np.array([mean], np.float32)}
        flat = np.frombuffer(schema.pack(values), np.uint8)
        bench.push_flat(bench.header(), flat)

    bench, folder = open_folder()
    settings = ModelSettings(consistency=BufferedAsynchronous(2))
    bench.models.register("policy", schema, settings, np.frombuffer(schema.pack(tensors), np.uint8), 0.0)
    pushed(bench, 1.0, 3, 2.0)
    folder.write(bench.models.begin_checkpoint())
    bench, _ = open_folder()
    pushed(bench, 3.0, 4, 4.0)

    newest = schema.views(bench.model.history.newest.flat)
    assert (newest["w"][0], newest["n"][0], newest["m"][0]) == (2.0, 12, 3.0)


def test_tensors_of_no_dimension_come_back_as_they_were(open_folder) -> None:
    tensors = {
        "scale": np.array(2.5, np.float32),
        "steps": np.array(7, np.int64),
        "w": np.array([1.0, 2.0], np.float32),
    }
    schema = ModelSchema.of(tensors, {"steps": (TensorRole.BUFFER, MergeRule.LAST)})
    bench, folder = open_folder()
    bench.models.register("policy", schema, ModelSettings(), np.frombuffer(schema.pack(tensors), np.uint8), 0.0)
    folder.write(bench.models.begin_checkpoint())

    for _ in range(3):
        bench, folder = open_folder()
        folder.write(bench.models.begin_checkpoint())

    newest = schema.views(bench.model.history.newest.flat)
    assert bench.problems == []
    assert {name: values.shape for name, values in newest.items()} == {"scale": (), "steps": (), "w": (2,)}
    assert (newest["scale"], newest["steps"]) == (2.5, 7)


def test_a_torn_last_record_is_left_out_and_told(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0)
    bench.push(1.0)
    journal = folder.path / "journal-00000000.log"
    whole = journal.stat().st_size
    bench.push(2.0)
    with journal.open("r+b") as file:
        file.truncate(journal.stat().st_size - 3)

    bench, _ = open_folder()

    assert bench.version.number == 2
    assert f"the last {journal.stat().st_size - whole} bytes are no whole record" in str(bench.problems[0])


def test_a_flipped_bit_is_never_replayed(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0)
    bench.push(1.0)
    journal = folder.path / "journal-00000000.log"
    content = bytearray(journal.read_bytes())
    content[-2] ^= 1
    journal.write_bytes(content)

    bench, _ = open_folder()

    assert bench.version.number == 1
    assert isinstance(bench.problems[0], DataLossError)


@pytest.mark.parametrize("damage", ["truncate", "remove", "json", "flip"])
def test_a_damaged_checkpoint_costs_nothing_as_the_one_before_leads_on(open_folder, damage: str) -> None:
    bench, folder = open_folder()
    bench.register(0.0)
    for value in range(1, 5):
        bench.push(float(value))
        path = folder.write(bench.models.begin_checkpoint())
    bench.push(9.0)
    values = path / "policy.safetensors"
    if damage == "truncate":
        values.write_bytes(values.read_bytes()[:-5])
    elif damage == "remove":
        values.unlink()
    elif damage == "json":
        (path / "state.json").write_text((path / "state.json").read_text()[:40])
    else:
        values.write_bytes(values.read_bytes()[:-1] + b"\xff")

    bench, _ = open_folder()

    assert (bench.version.number, bench.values[0]) == (6, 9.0)
    assert path.name in str(bench.problems[0])


def test_no_valid_checkpoint_is_an_error(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0)
    for _ in range(4):
        folder.write(bench.models.begin_checkpoint())
    for path in folder.path.glob("checkpoint-*"):
        (path / "state.json").unlink()

    with pytest.raises(DataLossError, match="none of 3 checkpoints is valid"):
        open_folder()


def test_a_checkpoint_of_another_format_is_refused_by_name(open_folder, monkeypatch) -> None:
    bench, folder = open_folder()
    bench.register()
    with monkeypatch.context() as earlier:
        earlier.setattr(checkpoint, "_FORMAT", 2)
        path = folder.write(bench.models.begin_checkpoint())

    with pytest.raises(DataLossError, match=r"state\.json: format: got 2, allowed: 3 .another release"):
        read_checkpoint(path)


def test_a_checkpoint_of_another_schema_is_refused_by_name(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, 1.0)
    checkpoint = bench.models.begin_checkpoint()
    state = OptimizerState(1, {"velocity": np.zeros(3, np.float32)})
    foreign = replace(checkpoint.models[0], optimizer_state=state)
    path = folder.path / "checkpoint-00000009"
    write_checkpoint(path, replace(checkpoint, sequence=9, models=(foreign,)))

    with pytest.raises(SchemaMismatchError, match=r"optimizer/velocity: got 'float32\[3\]', allowed: float32\[2\]"):
        read_checkpoint(path)


def test_the_newest_three_checkpoints_and_their_journals_are_kept(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0)
    for _ in range(5):
        bench.push(1.0)
        folder.write(bench.models.begin_checkpoint())

    names = sorted(p.name for p in folder.path.iterdir())
    checkpoints = [f"checkpoint-0000000{n}" for n in (3, 4, 5)]
    assert names == [*checkpoints, *(f"journal-0000000{n}.log" for n in (3, 4, 5)), "lock"]


def test_a_full_disk_at_a_checkpoint_leaves_nothing_and_loses_nothing(open_folder, monkeypatch) -> None:
    bench, folder = open_folder()
    bench.register(0.0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("heronry.params.core.durability.checkpoint.write_synced", full)
        with pytest.raises(ResourceExhaustedError, match="No space left"):
            folder.write(bench.models.begin_checkpoint())
    bench.push(5.0)
    assert not list(folder.path.glob("*checkpoint*"))
    bench, _ = open_folder()

    assert bench.values[0] == 5.0


def test_a_full_disk_at_the_journal_refuses_the_contribution_alone(open_folder, monkeypatch) -> None:
    bench, _ = open_folder()
    bench.register(0.0)

    def half(descriptor: int, parts) -> int:
        os.write(descriptor, b"half a record")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("heronry.params.core.durability.journal.os.writev", half)
        with pytest.raises(ResourceExhaustedError, match="no space is left"):
            bench.push(1.0)
    bench.push(2.0)
    bench, _ = open_folder()

    assert (bench.version.number, bench.values[0]) == (2, 2.0)
    assert not bench.problems


def test_two_services_cannot_use_one_folder(tmp_path) -> None:
    folder = StateFolder(tmp_path)

    with pytest.raises(FailedPreconditionError, match="another parameter service"):
        StateFolder(tmp_path)
    folder.close()


def test_memory_level_contributions_write_nothing_but_checkpoints_keep_them(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, acknowledgement=AcknowledgementLevel.MEMORY)
    written = folder.journal_bytes
    bench.push(1.0)
    assert folder.journal_bytes == written
    folder.write(bench.models.begin_checkpoint())
    bench.push(2.0)

    bench, _ = open_folder()

    assert bench.values[0] == 1.0


def test_disk_level_contributions_are_forced_to_the_disk(open_folder, monkeypatch) -> None:
    forced: list[int] = []
    bench, _ = open_folder()
    bench.register(0.0, acknowledgement=AcknowledgementLevel.DISK)
    monkeypatch.setattr("heronry.params.core.durability.journal.os.fdatasync", forced.append)

    bench.push(1.0)

    assert len(forced) == 1


def test_a_record_that_is_written_in_pieces_is_whole(open_folder, monkeypatch) -> None:
    bench, _ = open_folder()
    bench.register(0.0)
    write = os.writev

    def piecewise(descriptor: int, parts: list[memoryview]) -> int:
        return write(descriptor, [parts[0][:7]])

    with monkeypatch.context() as patched:
        patched.setattr("heronry.params.core.durability.journal.os.writev", piecewise)
        bench.push(3.0)
    bench, _ = open_folder()

    assert (bench.version.number, bench.values[0], bench.problems) == (2, 3.0, [])
