"""What a service that starts again over the same folder has."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from heronry.replay import ReplaySettings, build
from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.durability import log as log_module
from heronry.replay.service import ReplayService
from heronry.runtime import ServiceNode
from heronry.spec import resolve
from heronry.types.columns import ColumnSpec
from heronry.types.errors import (
    ConfigurationError,
    DataLossError,
    FailedPreconditionError,
    ResourceExhaustedError,
    TableNotFoundError,
)
from heronry.types.experience import AcknowledgementLevel, Block
from heronry.types.run import Assignment, RunState
from heronry.types.tables import RateLimiter, Selector, TableDefinition, TableInfo
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())
LEVELS = AcknowledgementLevel
Start = Callable[..., contextlib.AbstractAsyncContextManager[ReplayService]]


def definition(level: AcknowledgementLevel = LEVELS.PROCESS, table: str = "mine") -> TableDefinition:
    return TableDefinition(
        table, Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(1), 1000, acknowledgement=level
    )


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Return what runs a service over one folder."""

    @contextlib.asynccontextmanager
    async def running(**settings: object) -> AsyncIterator[ReplayService]:
        chosen = ReplaySettings(instance="replay-0", **{"data_dir": tmp_path, "max_bytes": 32 << 20, **settings})
        service = build(chosen)
        node = ServiceNode(service, chosen)
        try:
            await node.start()
            yield service
        finally:
            await node.stop()

    return running


async def append(service: ReplayService, table: str, numbers: list[int], sequence: int = 1) -> None:
    """Append a block by one writer and wait for its level."""
    host = service.hosts.get(table)
    session = AppendSession(host.table, AppendHeader(table, "w", 1, (STEP,), 1), 4)
    await host.call(session.open)
    column = np.array(numbers, np.int64).reshape(-1, 1)
    await host.change(session.append, Block(sequence, {"step": column}, ParameterVersion(1, 1)))
    await host.settled()
    await host.finish(session.close)


async def steps(service: ReplayService, table: str) -> list[int]:
    held = service.hosts.get(table).table

    def read() -> list[int]:
        slots = held.contents.items.used_slots()
        return sorted(held.store.gather(held.contents.items.windows(slots))["step"].reshape(-1).tolist())

    return await service.hosts.get(table).call(read)


async def info(service: ReplayService, table: str) -> TableInfo:
    return await service.hosts.get(table).info()


@pytest.mark.parametrize("level", [LEVELS.PROCESS, LEVELS.DISK])
async def test_tables_that_outlive_the_process_are_there_again(start: Start, level: AcknowledgementLevel) -> None:
    async with start() as service:
        await service.hosts.create(definition(level))
        await service.hosts.create(definition(LEVELS.MEMORY, "gone"))
        await append(service, "mine", [1, 2, 3])
        assert (await info(service, "mine")).durable_position > 0

    async with start() as service:
        assert [h.declared for h in service.hosts.all()] == [definition(level)]
        assert not await service.hosts.create(definition(level))
        assert (await info(service, "mine")).num_recovered == 3
        await append(service, "mine", [4, 5], sequence=2)
        assert await steps(service, "mine") == [1, 2, 3, 4, 5]


async def test_a_dropped_table_does_not_come_back(start: Start, tmp_path: Path) -> None:
    async with start() as service:
        await service.hosts.create(definition())
        await append(service, "mine", [1])
        await service.hosts.drop("mine")
        assert not list(tmp_path.rglob("*.bin"))

    async with start() as service:
        assert service.hosts.all() == []


@pytest.mark.parametrize("level", [LEVELS.PROCESS, LEVELS.MEMORY])
@pytest.mark.parametrize("harm", ["a smaller bound", "a damaged definition"])
async def test_a_table_that_cannot_be_opened_is_left_alone_until_it_is_deleted(
    start: Start, tmp_path: Path, harm: str, level: AcknowledgementLevel
) -> None:
    numbers = list(range(300_000))
    async with start() as service:
        await service.hosts.create(replace(definition(), max_size=300_000))
        await append(service, "mine", numbers)
    [declared] = tmp_path.rglob("definition")
    written = declared.read_bytes()
    is_damaged = harm == "a damaged definition"
    if is_damaged:
        declared.write_bytes(written[:-3] + bytes([written[-3] ^ 1]) + written[-2:])

    reason = "the definition is damaged" if is_damaged else "raise max_bytes"
    async with start(max_bytes=(32 << 20) if is_damaged else (1 << 20)) as service:
        with pytest.raises(FailedPreconditionError, match=f"{declared.parent}.*could not be opened.*{reason}"):
            await service.hosts.create(replace(definition(level), max_size=300_000))
    declared.write_bytes(written)

    async with start() as service:
        assert await steps(service, "mine") == numbers
        await service.hosts.drop("mine")
        with pytest.raises(TableNotFoundError):
            await service.hosts.discard("mine")


async def test_a_definition_that_cannot_be_read_is_told_and_left(start: Start, tmp_path: Path) -> None:
    async with start() as service:
        await service.hosts.create(definition())
    [declared] = tmp_path.rglob("definition")
    declared.rename(declared.with_name("moved"))
    declared.mkdir()

    async with start() as service:
        with pytest.raises(FailedPreconditionError, match=r"could not be opened.*Is a directory"):
            await service.hosts.create(definition())


async def test_a_runs_table_that_cannot_be_opened_is_left_alone_until_it_is_deleted(
    start: Start, tmp_path: Path
) -> None:
    spec = resolve("cartpole", algorithm="dqn").to_dict()
    async with start(coordinator="") as service:
        await service.reconcile(Assignment(1, "first", RunState.RUNNING, spec))
        await append(service, "experience", list(range(50)))
    [declared] = tmp_path.rglob("definition")
    written = declared.read_bytes()
    declared.write_bytes(written[:-3])

    async with start(coordinator="") as service:
        with pytest.raises(FailedPreconditionError, match="could not be opened"):
            await service.reconcile(Assignment(1, "first", RunState.RUNNING, spec))
        await service.hosts.discard("experience")
        await service.reconcile(Assignment(1, "first", RunState.RUNNING, spec))
        assert (await info(service, "experience")).num_items == 0


async def test_a_table_that_cannot_be_opened_can_be_deleted_and_made_anew(start: Start, tmp_path: Path) -> None:
    async with start() as service:
        await service.hosts.create(definition())
    [declared] = tmp_path.rglob("definition")
    declared.write_bytes(b"damaged")

    async with start() as service:
        await service.hosts.discard("mine")
        assert await service.hosts.create(definition())


async def test_a_folder_that_cannot_be_made_is_named(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    async with start(storage_dir=tmp_path / "file") as service:
        with pytest.raises(FailedPreconditionError, match=r"tables cannot be kept in .*file/tables"):
            await service.hosts.create(definition())


async def test_a_saved_table_of_memory_is_loaded_when_it_is_made_again(start: Start) -> None:
    async with start() as service:
        await service.hosts.create(definition(LEVELS.MEMORY))
        await append(service, "mine", [1, 2, 3])
        saved = await service.hosts.get("mine").save_snapshot()
        await append(service, "mine", [4], sequence=2)
        assert saved.num_items == 3
        assert saved.path.is_dir()
        assert (await info(service, "mine")).num_items == 4

    async with start() as service:
        await service.hosts.create(definition(LEVELS.MEMORY))
        assert await steps(service, "mine") == [1, 2, 3]
        await append(service, "mine", [5], sequence=2)
        assert (await info(service, "mine")).num_recovered == 3


async def test_a_saved_table_goes_with_the_table_that_is_dropped(start: Start) -> None:
    async with start() as service:
        await service.hosts.create(definition(LEVELS.MEMORY))
        await append(service, "mine", [1, 2, 3])
        saved = await service.hosts.get("mine").save_snapshot()
        await service.hosts.drop("mine")
        assert not saved.path.exists()

    async with start() as service:
        await service.hosts.create(definition(LEVELS.MEMORY))
        assert (await info(service, "mine")).num_items == 0


async def test_a_table_saved_under_another_definition_is_kept_until_it_is_deleted(start: Start) -> None:
    other = replace(definition(LEVELS.MEMORY), max_size=999, seed=7)
    async with start() as service:
        await service.hosts.create(definition(LEVELS.MEMORY))
        await append(service, "mine", [1, 2, 3])
        await service.hosts.get("mine").save_snapshot()

    async with start() as service:
        with pytest.raises(FailedPreconditionError, match=r"max_size is 1000, not 999; seed is 0, not 7.*delete"):
            await service.hosts.create(other)
        await service.hosts.create(definition(LEVELS.MEMORY))
        assert await steps(service, "mine") == [1, 2, 3]

    async with start() as service:
        with pytest.raises(FailedPreconditionError):
            await service.hosts.create(other)
        await service.hosts.discard("mine")
        await service.hosts.create(other)
        assert (await info(service, "mine")).num_items == 0


async def test_a_damaged_saved_table_is_kept_until_it_is_deleted(start: Start) -> None:
    async with start() as service:
        await service.hosts.create(definition(LEVELS.MEMORY))
        await append(service, "mine", [1, 2, 3])
        saved = await service.hosts.get("mine").save_snapshot()
    content = bytearray((saved.path / "steps" / "0").read_bytes())
    content[8] ^= 1
    (saved.path / "steps" / "0").write_bytes(content)

    async with start() as service:
        with pytest.raises(DataLossError, match=r"are damaged.*delete the table"):
            await service.hosts.create(definition(LEVELS.MEMORY))
        await service.hosts.discard("mine")
        await service.hosts.create(definition(LEVELS.MEMORY))
        assert (await info(service, "mine")).num_items == 0


@pytest.mark.parametrize("place", ["in a file", "in /proc"])
async def test_what_cannot_be_kept_in_the_data_folder_is_an_error_with_its_path(
    start: Start, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    folder = tmp_path / "file" if place == "in a file" else Path("/proc/foo")
    async with start(data_dir=folder) as service:
        for declared in (definition(), replace(definition(LEVELS.MEMORY), spill=True)):
            with pytest.raises(FailedPreconditionError, match=rf"{folder}.*: (Not a directory|No such file)"):
                await service.hosts.create(declared)
        await service.hosts.create(definition(LEVELS.MEMORY))
        await append(service, "mine", [1])
        with pytest.raises(FailedPreconditionError, match=rf"{folder}.*: (Not a directory|No such file)"):
            await service.hosts.get("mine").save_snapshot()


@pytest.mark.parametrize("name", ["n" * 200, "ä" * 100, "a/b/../c", "..", "~ %2F", "@saved"])
@pytest.mark.parametrize("level", [LEVELS.PROCESS, LEVELS.MEMORY])
async def test_a_table_of_any_allowed_name_has_a_folder(start: Start, name: str, level: AcknowledgementLevel) -> None:
    async with start() as service:
        await service.hosts.create(definition(level, name))
        await append(service, name, [1])
        await service.hosts.get(name).save_snapshot()

    async with start() as service:
        await service.hosts.create(definition(level, name))
        assert await steps(service, name) == [1]


async def test_a_second_server_over_the_same_folder_is_refused_by_name(start: Start) -> None:
    async with start() as service:
        await service.hosts.create(definition())

        with pytest.raises(ConfigurationError, match="in use by another replay server"):
            async with start():
                pass


async def test_a_table_that_cannot_be_opened_is_left_as_it_lies(start: Start, tmp_path: Path) -> None:
    async with start() as service:
        await service.hosts.create(definition())
        await append(service, "mine", [1])
    (path,) = tmp_path.rglob("definition")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1000", b"1001"))

    async with start() as service:
        with pytest.raises(TableNotFoundError):
            service.hosts.get("mine")

    path.write_bytes(content)
    async with start() as service:
        assert await steps(service, "mine") == [1]


async def test_a_snapshot_is_written_when_the_log_has_become_long(start: Start, tmp_path: Path) -> None:
    async with start(snapshot_log_bytes=1 << 16) as service:
        await service.hosts.create(definition())
        async with asyncio.timeout(20):
            sequence = 0
            while not list(tmp_path.rglob("*.snapshot")):
                sequence += 1
                await append(service, "mine", list(range(256)), sequence)
                await asyncio.sleep(0)


async def test_a_full_disk_is_told_and_inserting_goes_on_when_there_is_room(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(28, "No space left on device")

    async with start() as service:
        await service.hosts.create(definition())
        await append(service, "mine", [1])
        host = service.hosts.get("mine")
        monkeypatch.setattr(log_module.os, "posix_fallocate", full)
        monkeypatch.setattr(log_module.os, "pwrite", lambda *_: full(0, 0, 0))
        with pytest.raises(ResourceExhaustedError, match="no space is left on the disk"):
            await append(service, "mine", [2], 2)
        assert (await info(service, "mine")).num_items >= 1
        monkeypatch.undo()

        async with asyncio.timeout(20):
            while host.is_suspended:  # noqa: ASYNC110 # the service looks from time to time whether there is room
                await asyncio.sleep(0.05)
        await append(service, "mine", [2], 2)
        await append(service, "mine", [3], 3)

    async with start() as service:
        assert await steps(service, "mine") == [1, 2, 3]


async def test_a_run_that_comes_back_finds_its_replay_and_another_one_does_not(start: Start) -> None:
    spec = resolve("cartpole", algorithm="dqn").to_dict()
    assert resolve("cartpole", algorithm="dqn").tables()[0].acknowledgement is LEVELS.PROCESS

    async with start(coordinator="") as service:
        await service.reconcile(Assignment(1, "first", RunState.RUNNING, spec))
        table = service.hosts.get("experience")
        assert table.is_durable
        await append(service, "experience", list(range(50)))
        num_items = (await info(service, "experience")).num_items

    async with start() as service:
        assert service.hosts.all() == []
        await service.reconcile(Assignment(1, "first", RunState.RUNNING, spec, num_starts=2))
        assert num_items > 0
        assert (await info(service, "experience")).num_items == num_items

        await service.reconcile(Assignment(2, "second", RunState.RUNNING, spec))
        assert (await info(service, "experience")).num_items == 0
        await service.reconcile(Assignment(3, "first", RunState.RUNNING, spec))
        assert (await info(service, "experience")).num_items == 0
