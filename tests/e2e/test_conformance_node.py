"""A client in another language that has the protos alone: appends, samples, updates priorities."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "tests" / "conformance" / "node"
INSTALL_S = 120.0
SERVE_S = 20.0
FRAMES_BYTES = 128 * 84 * 84 * 4
MAX_PART_BYTES = 1 << 20

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """The client's packages, installed once for each version of its package.json."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    package = (CLIENT / "package.json").read_bytes()
    folder = ROOT / ".cache" / "node-conformance" / hashlib.blake2b(package, digest_size=8).hexdigest()
    if not (folder / "node_modules" / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(package)
        command = ["npm", "install", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"the client's packages did not come within {INSTALL_S:g} s")
        if done.returncode != 0:
            pytest.skip(f"the client's packages cannot be had: {done.stderr.strip()[-300:]}")
    return folder / "node_modules"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A replay service of its own, and where it listens."""
    folder = tmp_path_factory.mktemp("replay")
    log = folder / "log"
    command = [sys.executable, "-m", "heronry.replay", "--listen", "127.0.0.1:0", "--log-format", "json"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--data-dir", str(folder / "data")], stdout=out, stderr=out)
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.wait(20)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    end = time.monotonic() + SERVE_S
    while time.monotonic() < end and process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"serving"' in line:
                return json.loads(line)["addresses"][0]
        time.sleep(0.02)  # the process tells it in its log alone
    pytest.fail(f"the service did not start: {log.read_text(encoding='utf-8')[-1000:]}")


@pytest.fixture(scope="module")
def seen(node_modules: Path, address: str) -> dict[str, Any]:
    """What the client printed."""
    command = ["node", str(CLIENT / "client.js"), address, str(ROOT / "protos")]
    environ = {**os.environ, "NODE_PATH": str(node_modules)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_blocks_are_appended_within_the_credits_and_accepted_in_order(seen: dict[str, Any]) -> None:
    assert seen["created"]
    assert seen["accepted"] == 4


def test_batches_hold_whole_steps_and_only_the_first_has_headers(seen: dict[str, Any]) -> None:
    # 4 blocks of 5 steps of 2 lanes: numbers 0 to 39. That observations fit their actions the client checks itself.
    assert seen["shape"] == [1, 16, 3]
    assert seen["headers"] == [True, False]
    assert seen["batch_ids"][1] == seen["batch_ids"][0] + 1
    assert set(seen["actions"]) <= set(range(40))
    assert seen["versions"] == ["3"]


def test_new_items_are_equally_probable(seen: dict[str, Any]) -> None:
    assert seen["probabilities"] == pytest.approx([1 / 40] * 16)


def test_keys_of_64_bits_come_whole_and_name_the_items_whose_priorities_they_change(seen: dict[str, Any]) -> None:
    keys = [int(key) for key in seen["keys"]]
    of_action: dict[int, int] = {}
    for key, action in zip(keys, seen["actions"], strict=True):
        assert of_action.setdefault(action, key) == key
    assert seen["updated"] == [seen["num_keys"], 1]
    assert seen["served"] == [seen["chosen"]]
    assert seen["served_priorities"] == [5.0]


def test_priorities_are_updated_over_a_stream_whose_answers_count_all_its_requests(seen: dict[str, Any]) -> None:
    assert seen["streamed"] == [2, 2 * seen["num_keys"], 0]
    assert seen["streamed_priorities"]


@pytest.mark.parametrize("case", ["refused", "refused_negative"])
def test_a_priority_that_is_none_is_refused_by_a_status_that_names_it(seen: dict[str, Any], case: str) -> None:
    assert seen[case]["code"] == "INVALID_ARGUMENT"
    assert "priorities" in seen[case]["message"]


def test_a_large_batch_comes_in_parts_and_is_whole(seen: dict[str, Any]) -> None:
    assert seen["large_shape"] == [1, 128, 84, 84, 4]
    assert seen["parts"] >= -(-FRAMES_BYTES // MAX_PART_BYTES)
    assert set(seen["frames"]) <= set(range(1, 33))
    # 128 draws of 32 frames: the odds of fewer than 24 distinct ones are below 1e-6.
    assert len(set(seen["frames"])) >= 24
