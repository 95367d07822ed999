"""Rounds that stay open do not keep the journals of everything else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heronry.params.core.durability import state_folder
from heronry.params.core.durability.carried import Needs
from heronry.params.core.durability.checkpoint import read_needs
from heronry.params.core.durability.state_folder import StateFolder
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import ResourceExhaustedError
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema

NUM_BUSY = 1000
SCHEMA = ModelSchema.of({"busy": np.zeros(NUM_BUSY, np.float32)})


@pytest.fixture
def reopen(tmp_path: Path, make_bench) -> Callable[[], tuple]:
    """Open one folder again and again, as after a crash."""
    opened: list[StateFolder] = []

    def open_again():
        for folder in opened:
            folder.close()
        folder = StateFolder(tmp_path / "params", max_pinned_bytes=50_000)
        opened.append(folder)
        recovered = folder.recover()
        folder.enter(recovered.epoch + 1)
        bench = make_bench(folder, recovered.epoch + 1)
        bench.problems = [*bench.models.restore(recovered), *recovered.problems]
        if recovered.is_empty:
            folder.rotate()
        else:
            folder.write(bench.models.begin_checkpoint())
        return bench, folder

    yield open_again
    for folder in opened:
        folder.close()


def begin(bench) -> None:
    """Register a busy model and one whose round stays open, with two of its three contributions."""
    bench.models.register("busy", SCHEMA, ModelSettings(), np.zeros(4 * NUM_BUSY, np.uint8), 100.0)
    bench.register(0.0, consistency=BufferedAsynchronous(3))
    for value in (1.0, 2.0):
        bench.push(value, kind=ContributionKind.DELTA)


def work(bench, folder: StateFolder, num_checkpoints: int) -> list[int]:
    """Push to the busy model, with checkpoints between; return the bytes of all logs after each."""
    sizes: list[int] = []
    for _ in range(num_checkpoints):
        for _ in range(5):
            base = bench.models.model("busy").history.newest.version
            header = bench.header(model="busy", base_version=base, kind=ContributionKind.DELTA)
            bench.push_flat(header, np.ones(NUM_BUSY, np.float32).view(np.uint8))
        folder.write(bench.models.begin_checkpoint())
        sizes.append(sum(path.stat().st_size for path in folder.path.glob("*.log")))
    return sizes


def test_an_open_round_does_not_let_journals_grow_without_bound(reopen) -> None:
    bench, folder = reopen()
    begin(bench)

    sizes = work(bench, folder, 40)

    # Each checkpoint follows 20 kB of contributions; pinned are 50 kB, and what the three checkpoints kept need.
    assert max(sizes) < 50_000 + 5 * 21_000
    assert max(sizes[20:]) == pytest.approx(max(sizes[:20]), abs=25_000)


def test_what_was_carried_over_is_counted_after_any_number_of_restarts(reopen) -> None:
    bench, folder = reopen()
    begin(bench)
    for _ in range(4):
        work(bench, folder, 6)
        bench, folder = reopen()
        assert bench.problems == []
        assert bench.model.round.num_contributions == 2

    bench.push(3.0, kind=ContributionKind.DELTA)

    assert bench.values.tolist() == [2.0]
    assert bench.models.model("busy").history.newest.version.number == 1 + 4 * 6 * 5


def test_a_request_that_was_carried_over_is_not_counted_again(reopen) -> None:
    bench, folder = reopen()
    begin(bench)
    bench.push(5.0, kind=ContributionKind.DELTA, request_id="same", client_id="other")
    bench.push(7.0, kind=ContributionKind.DELTA, request_id="again", client_id="other")
    work(bench, folder, 10)
    bench, folder = reopen()

    answers = [bench.push(7.0, kind=ContributionKind.DELTA, request_id="again", client_id="other") for _ in range(2)]

    assert [answer.counted for answer in answers] == [False, False]
    assert bench.model.round.num_contributions == 1


def test_a_damaged_checkpoint_costs_nothing_with_rounds_carried_over(reopen) -> None:
    bench, folder = reopen()
    begin(bench)
    work(bench, folder, 10)
    newest = max(folder.path.glob("checkpoint-*"))
    (newest / "state.json").write_bytes(b"damaged")

    bench, _ = reopen()

    bench.push(3.0, kind=ContributionKind.DELTA)
    assert bench.values.tolist() == [2.0]
    assert bench.models.model("busy").history.newest.version.number == 51


def test_a_carried_file_goes_when_no_checkpoint_needs_it(reopen) -> None:
    bench, folder = reopen()
    begin(bench)
    work(bench, folder, 10)
    assert list(folder.path.glob("carried-*.log"))

    bench.push(3.0, kind=ContributionKind.DELTA)
    work(bench, folder, 4)

    assert list(folder.path.glob("carried-*.log")) == []
    newest = max(folder.path.glob("checkpoint-*"))
    assert read_needs(newest) == Needs(int(newest.name[-8:]))


def test_rounds_that_are_large_are_not_copied_at_every_checkpoint(reopen) -> None:
    bench, folder = reopen()
    bench.register(0.0)
    settings = ModelSettings(consistency=BufferedAsynchronous(1000))
    bench.models.register("busy", SCHEMA, settings, np.zeros(4 * NUM_BUSY, np.uint8), 100.0)

    work(bench, folder, 30)

    # All that the journals hold belongs to the open round.
    assert list(folder.path.glob("carried-*.log")) == []
    bench, _ = reopen()
    assert bench.models.model("busy").round.num_contributions == 150


def test_a_full_disk_while_carrying_over_leaves_nothing_and_loses_nothing(reopen, monkeypatch) -> None:
    bench, folder = reopen()
    begin(bench)

    def full(*_: object) -> None:
        raise ResourceExhaustedError("the journal cannot grow: no space is left")

    with monkeypatch.context() as disk:
        disk.setattr(state_folder, "write_carried", full)
        with pytest.raises(ResourceExhaustedError, match="no space"):
            work(bench, folder, 40)
    before = bench.models.model("busy").history.newest.version.number

    bench, folder = reopen()

    assert bench.problems == []
    assert bench.models.model("busy").history.newest.version.number == before
    bench.push(3.0, kind=ContributionKind.DELTA)
    assert bench.values.tolist() == [2.0]


def test_what_a_crash_has_left_of_a_carried_file_goes(reopen) -> None:
    _, folder = reopen()
    left = folder.path / ".carried-00000007.log.partial"
    left.write_bytes(b"begun")

    reopen()

    assert not left.exists()


def test_a_file_that_was_cut_is_told_of(reopen) -> None:
    bench, folder = reopen()
    begin(bench)
    work(bench, folder, 10)
    for path in folder.path.glob("carried-*.log"):
        path.write_bytes(path.read_bytes()[:-20])

    bench, _ = reopen()

    told = [str(problem) for problem in bench.problems]
    assert any("1 contributions to the open round are missing" in problem for problem in told)
