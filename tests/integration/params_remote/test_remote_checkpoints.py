"""Checkpoints at an fsspec URL: copied whole or not there, brought back when the disk is gone."""

import asyncio
import errno
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from heronry.params.core.durability.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from heronry.params.remote_checkpoints import RemoteCheckpoints
from heronry.params.uploads import Uploads
from heronry.types.errors import ConfigurationError, DataLossError, UnavailableError

EPOCH = 3
_unique = itertools.count()


class FaultyFileSystem(MemoryFileSystem):
    """Memory that refuses to write, or to be read, when told; writing waits for the gate."""

    protocol = "faulty"
    store: dict[str, object] = {}  # noqa: RUF012 - as its base has it
    pseudo_dirs = [""]  # noqa: RUF012 - as its base has it
    num_writes_left: float = float("inf")
    is_reachable = True
    gate = threading.Event()
    written: list[str] = []  # noqa: RUF012 - one list for all instances: fsspec makes them

    def open(self, path: str, mode: str = "rb", **options: object) -> object:
        if "w" in mode:
            self.gate.wait(10)
            type(self).num_writes_left -= 1
            if type(self).num_writes_left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.written.append(path.rsplit("/", 1)[-1])
        return super().open(path, mode, **options)

    def ls(self, path: str, detail: bool = True, **options: object) -> list[object]:
        if not self.is_reachable:
            raise TimeoutError("no answer")
        return super().ls(path, detail, **options)


fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)


@pytest.fixture
def faulty() -> Iterator[type[FaultyFileSystem]]:
    FaultyFileSystem.num_writes_left = float("inf")
    FaultyFileSystem.is_reachable = True
    FaultyFileSystem.gate.set()
    FaultyFileSystem.store.clear()
    FaultyFileSystem.written.clear()
    yield FaultyFileSystem
    FaultyFileSystem.is_reachable = True


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file://{tmp_path}/remote" if request.param == "file" else f"memory://remote-{next(_unique)}"


def saved(folder: Path, sequence: int) -> Path:
    """Write a checkpoint of no models with a large file beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"checkpoint-{sequence:08d}"
    write_checkpoint(path, Checkpoint(sequence, EPOCH, ()))
    (path / "policy.safetensors").write_bytes(bytes(range(256)) * 6000)
    return path


def names_at(url: str) -> list[str]:
    files, root = fsspec.core.url_to_fs(url)
    return sorted(name.rsplit("/", 1)[-1] for name in files.ls(root, detail=False))


def truncate(url: str, sequence: int) -> None:
    files, root = fsspec.core.url_to_fs(url)
    with files.open(f"{root}/checkpoint-{sequence:08d}/state.json", "wb") as file:
        file.write(b'{"format": 1')


def test_an_empty_folder_gets_the_newest_checkpoint_back(url: str, tmp_path: Path) -> None:
    remote = RemoteCheckpoints(url, num_kept=3)
    paths = [saved(tmp_path / "lost", sequence) for sequence in (4, 5)]
    assert [remote.upload(path) for path in paths] == [True, True]

    restored = RemoteCheckpoints(url, num_kept=3).restore_into(tmp_path / "new")

    assert restored is not None
    assert restored.path == tmp_path / "new" / "checkpoint-00000005"
    assert restored.problems == ()
    assert read_checkpoint(restored.path) == Checkpoint(5, EPOCH, ())
    assert {p.name: p.read_bytes() for p in restored.path.iterdir()} == {
        p.name: p.read_bytes() for p in paths[1].iterdir()
    }
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["checkpoint-00000005"]


def test_nothing_is_brought_to_a_folder_that_holds_a_state_or_from_a_url_that_holds_none(
    url: str, tmp_path: Path
) -> None:
    remote = RemoteCheckpoints(url, num_kept=3)

    assert remote.restore_into(tmp_path / "new") is None

    remote.upload(saved(tmp_path / "a", 1))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "journal-00000000.log").touch()

    assert remote.restore_into(tmp_path / "a") is None
    assert remote.restore_into(tmp_path / "b") is None


def test_only_so_many_are_kept_there(url: str, tmp_path: Path) -> None:
    remote = RemoteCheckpoints(url, num_kept=2)

    for sequence in range(5):
        assert remote.upload(saved(tmp_path / "local", sequence))

    assert names_at(url) == ["checkpoint-00000003", "checkpoint-00000004"]


def test_a_damaged_one_is_told_and_set_aside_and_the_one_before_is_taken(url: str, tmp_path: Path) -> None:
    remote = RemoteCheckpoints(url, num_kept=3)
    for sequence in (1, 2):
        remote.upload(saved(tmp_path / "lost", sequence))
    truncate(url, 2)

    restored = remote.restore_into(tmp_path / "new")

    assert restored is not None
    assert restored.path.name == "checkpoint-00000001"
    assert len(restored.problems) == 1
    assert isinstance(restored.problems[0], DataLossError)
    # Its number is free for the next one.
    assert remote.upload(saved(tmp_path / "new", 2))
    again = remote.restore_into(tmp_path / "newer")
    assert again is not None
    assert again.path.name == "checkpoint-00000002"


def test_a_service_does_not_begin_with_nothing_when_all_are_damaged(url: str, tmp_path: Path) -> None:
    remote = RemoteCheckpoints(url, num_kept=3)
    remote.upload(saved(tmp_path / "lost", 1))
    truncate(url, 1)

    with pytest.raises(DataLossError, match="none of 1 checkpoints is whole"):
        remote.restore_into(tmp_path / "new")


@pytest.mark.usefixtures("faulty")
def test_the_mark_is_sent_last(tmp_path: Path) -> None:
    RemoteCheckpoints("faulty://order", num_kept=3).upload(saved(tmp_path, 1))

    assert FaultyFileSystem.written == ["policy.safetensors", "state.json"]


@pytest.mark.parametrize("num_files", [0, 1])
def test_an_upload_that_fails_half_way_leaves_the_one_before_and_the_next_one_succeeds(
    faulty: type[FaultyFileSystem], tmp_path: Path, num_files: int
) -> None:
    remote = RemoteCheckpoints("faulty://half", num_kept=3)
    assert remote.upload(saved(tmp_path / "local", 1))

    faulty.num_writes_left = num_files
    outcome = remote.upload(saved(tmp_path / "local", 2))
    restored = remote.restore_into(tmp_path / "new")

    assert outcome is False
    assert (remote.num_uploaded, remote.num_failed) == (1, 1)
    assert "No space left" in remote.last_failure
    assert restored is not None
    assert restored.path.name == "checkpoint-00000001"

    faulty.num_writes_left = float("inf")

    assert remote.upload(saved(tmp_path / "local", 3))
    assert remote.last_failure == ""
    assert names_at("faulty://half") == ["checkpoint-00000001", "checkpoint-00000002", "checkpoint-00000003"]


def test_a_url_that_cannot_be_read_at_the_start_is_an_error_and_not_an_empty_state(
    faulty: type[FaultyFileSystem], tmp_path: Path
) -> None:
    remote = RemoteCheckpoints("faulty://away", num_kept=3)
    faulty.is_reachable = False

    with pytest.raises(UnavailableError, match="checkpoint_url: cannot be read: TimeoutError: no answer"):
        remote.restore_into(tmp_path / "new")


def test_another_services_checkpoints_are_not_written_over(url: str, tmp_path: Path) -> None:
    RemoteCheckpoints(url, num_kept=3).upload(saved(tmp_path / "theirs", 7))
    ours = RemoteCheckpoints(url, num_kept=3)

    assert ours.upload(saved(tmp_path / "ours", 1)) is False
    assert "give each service a URL of its own" in ours.last_failure
    assert names_at(url) == ["checkpoint-00000007"]


@pytest.mark.parametrize("wrong", ["nosuch://bucket/folder", "gdrive://folder"])
def test_a_file_system_that_is_not_there_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="checkpoint_url: got"):
        RemoteCheckpoints(wrong, num_kept=3)


async def test_a_checkpoint_that_waits_for_a_slow_upload_gives_way_to_a_newer_one(
    faulty: type[FaultyFileSystem], tmp_path: Path
) -> None:
    uploads = Uploads(RemoteCheckpoints("faulty://slow", num_kept=9))
    faulty.gate.clear()

    uploads.begin(saved(tmp_path, 1))
    await asyncio.sleep(0)  # the first one is on its way
    uploads.begin(saved(tmp_path, 2))
    uploads.begin(saved(tmp_path, 3))
    faulty.gate.set()
    await uploads.finish()

    assert names_at("faulty://slow") == ["checkpoint-00000001", "checkpoint-00000003"]
