"""`heronry replay` at the terminal, with a service of its own behind it."""

import asyncio
import json
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from heronry.client import ReplayClient
from heronry.types.columns import ColumnSpec
from heronry.types.experience import AcknowledgementLevel, Run
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

NUM_STEPS = 40
COLUMNS = (
    ColumnSpec("observation", ElementType.FLOAT32, (3,)),
    ColumnSpec("action", ElementType.INT64, ()),
    ColumnSpec("reward", ElementType.FLOAT32, ()),
    ColumnSpec("terminated", ElementType.BOOL, ()),
    ColumnSpec("truncated", ElementType.BOOL, ()),
)


@pytest.fixture
def address(start_service, tmp_path: Path) -> str:
    """A replay service that serves; its tables lie in the test's folder."""
    socket = tmp_path / "replay.sock"
    start_service("replay", socket, "--data-dir", tmp_path / "data", "--max-bytes", "8388608")
    return f"unix:{socket}"


def filled(address: str, table: str, level: AcknowledgementLevel = AcknowledgementLevel.MEMORY) -> None:
    """Make a table of two episodes with items of two steps whose priorities all differ."""

    async def fill() -> None:
        definition = TableDefinition(
            table,
            Selector.prioritized(0.6),
            Selector.fifo(),
            RateLimiter.of_min_size(1),
            1000,
            pattern=Pattern.n_step(1),
            acknowledgement=level,
            columns=COLUMNS,
        )
        steps = np.arange(NUM_STEPS)
        columns = {
            "observation": np.random.default_rng(0).random((NUM_STEPS, 1, 3)).astype(np.float32),
            "action": (steps % 4).reshape(-1, 1),
            "reward": steps.astype(np.float32).reshape(-1, 1),
            "terminated": (steps % 20 == 19).reshape(-1, 1),
            "truncated": np.zeros((NUM_STEPS, 1), np.bool_),
        }
        async with ReplayClient(address) as client:
            await client.create_table(definition)
            async with client.writer(table, columns=COLUMNS, num_lanes=1) as writer:
                priorities = 1 + steps.astype(np.float64).reshape(-1, 1)
                await writer.append(columns, ParameterVersion(1, 3), priorities=priorities)

    asyncio.run(fill())


def items_of(address: str, table: str) -> list[tuple[object, ...]]:
    """What all items of a table are, in no order: their steps, their facts."""

    async def ask() -> list[Run]:
        async with ReplayClient(address) as client:
            return [run async for run in client.export(table)]

    found: list[tuple[object, ...]] = []
    for run in asyncio.run(ask()):
        items = run.items
        for k, (start, length) in enumerate(zip(items.starts.tolist(), items.lengths.tolist(), strict=True)):
            steps = slice(start, start + length)
            values = tuple(run.columns[spec.path][steps].tobytes() for spec in COLUMNS)
            facts = (items.priorities[k], items.times_sampled[k], items.behaviour_epochs[k], items.behaviour_numbers[k])
            found.append((values, *map(float, facts)))
    return sorted(found)


@pytest.mark.timeout(120)
def test_a_table_goes_to_parquet_and_back_unchanged(heronry, address: str, tmp_path: Path) -> None:
    filled(address, "t")
    before = items_of(address, "t")

    exported = heronry("replay", "export", "t", "t.parquet", "--address", address, "--json")
    again = heronry("replay", "export", "t", "t.parquet", "--address", address)
    imported = heronry("replay", "import", "copy", "t.parquet", "--address", address, "--json")

    assert exported.code == 0, exported
    assert exported.result["items"] == len(before)
    assert pyarrow.parquet.read_table(tmp_path / "t.parquet").num_rows == exported.result["steps"]
    assert again.code == 2
    assert "path: got 't.parquet', allowed: a file that does not exist yet" in again.err
    assert imported.code == 0, imported
    assert imported.result == {
        "table": "copy",
        "created": True,
        "items": len(before),
        "steps": exported.result["steps"],
    }
    assert items_of(address, "copy") == before


@pytest.mark.timeout(120)
def test_a_table_goes_to_minari_and_back_with_its_steps(heronry, address: str, tmp_path: Path) -> None:
    filled(address, "t")

    exported = heronry("replay", "export", "t", "episodes", "--address", address, "--json")
    imported = heronry("replay", "import", "copy", "episodes", "--address", address, "--json")

    assert exported.code == 0, exported
    assert (exported.result["format"], exported.result["steps"]) == ("minari", NUM_STEPS)
    assert json.loads((tmp_path / "episodes" / "metadata.json").read_text())["total_episodes"] == 2
    assert imported.code == 0, imported
    # The steps of the items are those that were; priorities and versions are what Minari does not hold.
    assert sorted(values for values, *_ in items_of(address, "copy")) == sorted(
        values for values, *_ in items_of(address, "t")
    )


@pytest.mark.timeout(120)
def test_inspect_tells_of_a_service_and_of_a_folder(heronry, address: str, tmp_path: Path) -> None:
    filled(address, "t", AcknowledgementLevel.PROCESS)

    shown = heronry("replay", "inspect", "--address", address)
    one = heronry("replay", "inspect", "t", "--address", address, "--json")
    saved = heronry("replay", "snapshot", "t", "--address", address, "--json")
    folder = next((tmp_path / "data").rglob("definition")).parent
    before = {file: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
    offline = heronry("replay", "inspect", "--dir", str(folder), "--json")

    assert shown.code == 0, shown
    assert "t" in shown.out.splitlines()[1]
    table = one.result["tables"][0]
    assert (table["table"], table["acknowledgement"], table["sampler"]) == ("t", "process", "prioritized(0.6)")
    assert table["durable_position"] > 0
    assert saved.code == 0, saved
    assert saved.result["items"] == table["items"]
    assert offline.code == 0, offline
    assert offline.result["problems"] == []
    assert offline.result["recovered"]["items"] == table["items"]
    assert [snapshot["is_whole"] for snapshot in offline.result["snapshots"]] == [True]
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.timeout(120)
def test_mistakes_are_named(heronry, address: str, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no parquet")
    cases = {
        ("inspect", "nope", "--address", address): "no table 'nope'",
        ("export", "nope", "x.parquet", "--address", address): "no table 'nope'",
        (
            "import",
            "t",
            "nowhere.parquet",
            "--address",
            address,
        ): "path: got 'nowhere.parquet', allowed: an existing file",
        ("import", "t", "text.parquet", "--address", address): "text.parquet is no whole Parquet file",
        ("import", "t", "nowhere", "--address", address): "path: got 'nowhere'",
        ("export", "nope", "x.csv", "--address", address): "path: got 'x.csv', allowed: a name that ends in .parquet",
        ("snapshot", "nope", "--address", address): "no table 'nope'",
        ("inspect", "--address", "127.0.0.1:1"): "--address: got '127.0.0.1:1', allowed: one where a replay service",
        ("inspect", "--dir", "nowhere"): "--dir: got 'nowhere', allowed: the folder of one table",
        ("inspect", "t", "--dir", "nowhere"): "--dir: got 'nowhere', allowed: without TABLE and --address",
        ("export", "t", "x", "--format", "csv", "--address", address): "--format: got 'csv', allowed: parquet, minari",
    }
    for arguments, message in cases.items():
        finished = heronry("replay", *arguments)

        assert finished.code == 2, (arguments, finished)
        assert message in finished.err, (arguments, finished.err)
        assert "Traceback" not in finished.err
    assert not (tmp_path / "x.parquet").exists()


def test_the_install_line_is_told_where_pyarrow_is_missing(tmp_path: Path, command_environment) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('No module named pyarrow')\n")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from heronry.cli.main import main; "
        "sys.exit(main(['replay', 'export', 't', 'x.parquet', '--address', '127.0.0.1:1']))"
    )
    import sys

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=command_environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 2, done
    assert "pip install 'heronry[datasets]'" in done.stderr
