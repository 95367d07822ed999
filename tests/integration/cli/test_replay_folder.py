"""`heronry replay inspect --dir` says beforehand what recovery will find."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from heronry.cli.replay_folder import folder_fields
from heronry.client import ReplayClient
from heronry.replay import ReplaySettings, build
from heronry.runtime import ServiceNode
from heronry.types.columns import ColumnSpec
from heronry.types.errors import ConfigurationError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())
DEFINITION = TableDefinition(
    "my table",
    Selector.prioritized(0.6),
    Selector.fifo(),
    RateLimiter.of_min_size(1),
    50,
    acknowledgement=AcknowledgementLevel.PROCESS,
    columns=(STEP,),
)


@pytest.fixture
async def serve() -> AsyncIterator[Callable]:
    """Start a replay service over a folder; returns its client."""
    async with AsyncExitStack() as stack:

        async def start(data_dir: Path) -> ReplayClient:
            settings = ReplaySettings(
                instance="replay-0", listen=("127.0.0.1:0",), data_dir=data_dir, drain_s=0.2, max_bytes=8 << 20
            )
            node = ServiceNode(build(settings), settings)
            await node.start()
            stack.push_async_callback(node.stop)
            return await stack.enter_async_context(ReplayClient(node.addresses[0]))

        yield start


@pytest.fixture
async def left(serve: Callable, tmp_path: Path) -> Path:
    """What a killed service has left: 80 inserts into room for 50, with samples, updates and deletes."""
    client = await serve(tmp_path / "live")
    await client.create_table(DEFINITION)
    async with client.writer("my table", columns=(STEP,), num_lanes=1) as writer:
        for start in range(0, 80, 8):
            await writer.append({"step": np.arange(start, start + 8).reshape(-1, 1)}, ParameterVersion(1, 1))
    async for batch in client.sample("my table", batch_size=16, timeout_s=5):
        await client.update_priorities("my table", batch.keys, np.full(16, 3.0))
        await client.delete("my table", batch.keys[:1])
        break
    shutil.copytree(tmp_path / "live", tmp_path / "left")
    return tmp_path / "left"


def folder_of(data_dir: Path) -> Path:
    return next(data_dir.rglob("definition")).parent


async def test_what_is_told_is_what_recovery_finds(serve: Callable, left: Path) -> None:
    told = folder_fields(folder_of(left))

    info = await (await serve(left)).get_table("my table")

    assert told["table"] == "my table"
    assert told["problems"] == []
    assert told["recovered"]["items"] == info.num_items == info.num_recovered
    assert told["recovered"]["inserts"] == info.num_inserts == 80
    assert told["recovered"]["deletes"] == info.num_deletes
    assert told["effects_since_snapshot"] > 10


async def test_damage_is_told_before_recovery_drops_it(serve: Callable, left: Path) -> None:
    log = max(folder_of(left).glob("log/*.log"), key=lambda file: len(file.read_bytes().rstrip(b"\0")))
    content = bytearray(log.read_bytes())
    content[len(bytes(content).rstrip(b"\0")) // 2] ^= 0xFF
    log.write_bytes(content)

    told = folder_fields(folder_of(left))
    info = await (await serve(left)).get_table("my table")

    assert any("damaged" in problem for problem in told["problems"])
    assert told["recovered"]["items"] == info.num_items
    assert info.num_inserts == told["recovered"]["inserts"] < 80


async def test_nothing_in_the_folder_is_changed(left: Path) -> None:
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in left.rglob("*") if file.is_file()}

    folder_fields(folder_of(left))

    assert {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in left.rglob("*") if f.is_file()} == before


def test_a_folder_of_tables_names_those_in_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "definition").write_text("")

    with pytest.raises(ConfigurationError, match=r"the folder of one table, with its definition: a lie in it"):
        folder_fields(tmp_path)


async def test_a_saved_table_of_memory_is_told(serve: Callable, tmp_path: Path) -> None:
    client = await serve(tmp_path / "live")
    await client.create_table(replace(DEFINITION, acknowledgement=AcknowledgementLevel.MEMORY))
    async with client.writer("my table", columns=(STEP,), num_lanes=1) as writer:
        await writer.append({"step": np.arange(40).reshape(-1, 1)}, ParameterVersion(1, 1))
    saved = await client.save_snapshot("my table")

    fields = folder_fields(Path(saved.path))

    assert fields["recovered"]["items"] == 40
    assert [found["items"] for found in fields["snapshots"]] == [40]
    assert fields["problems"] == []
