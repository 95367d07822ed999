"""Learning CartPole with the bundled settings: time to the target, and throughput after the first update."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from heronry.bench.peers import Peers
from heronry.bench.rows import Better, Row

SEEDS = range(5)
WINDOW_STEPS = 600_000
"""Some 30 s on two cores."""
_TARGET = "train.cartpole.ppo.local.target"
_THROUGHPUT = "train.cartpole.ppo.local.throughput"
TARGET_CASES = tuple(
    f"{_TARGET}.{figure}"
    for figure in ("total_s", "total_s.whole_process", "worst_total_s", "to_first_step_s", "worst_eval_mean")
)
THROUGHPUT_CASES = tuple(
    f"{_THROUGHPUT}.{figure}" for figure in ("steps_per_s", "steps_per_cpu_s", "max_resident_bytes")
)
_PEER = "stable-baselines3 PPO: imports and training, its evaluations left out"
_WHOLE_PEER = "stable-baselines3 PPO: the whole process, its evaluations included"


def time_to_target(peers: Peers) -> Iterator[Row]:
    """Yield wall time from the command to the end, the first step, and the worst judged return, over 5 seeds.

    Peer and heronry alternate, so that both see the same machine.
    """
    results: list[dict[str, Any]] = []
    references: list[dict[str, float]] = []
    for seed in SEEDS:
        results.append(_train("--seed", str(seed)))
        peer = peers.run("sb3", "sb3_train.py", "--algo", "ppo", "--seed", str(seed))
        references += [peer] if peer else []
    totals = [r["total_s"] for r in results]
    learning = [r["import_s"] + r["train_s"] for r in references]
    yield Row.of(f"{_TARGET}.total_s", totals, "s", "lower", goal=15.0, **_reference(_PEER, learning))
    whole = [r["wall_s"] for r in references]
    yield Row.of(f"{_TARGET}.total_s.whole_process", totals, "s", "lower", goal=15.0, **_reference(_WHOLE_PEER, whole))
    yield Row.of(f"{_TARGET}.worst_total_s", [max(totals)], "s", "lower", goal=30.0)
    yield Row.of(f"{_TARGET}.to_first_step_s", [r["to_first_step_s"] for r in results], "s", "lower", goal=4.0)
    yield Row.of(f"{_TARGET}.worst_eval_mean", [min(r["eval_mean"] for r in results)], "return", "higher", goal=475.0)


def throughput(peers: Peers) -> Iterator[Row]:
    """Yield environment steps per second, per CPU second, and resident bytes with the bundled settings.

    The run goes on past the target; what is counted starts at the first update, evaluations included.
    """
    del peers
    endless = ("--set", "target_return=null", "--set", f"max_env_steps={WINDOW_STEPS}")
    repeats = [_train(*endless) for _ in range(3)]
    settings = {"env_steps": WINDOW_STEPS, "sample_reuse": repeats[0]["sample_reuse"]}
    cases: tuple[tuple[str, str, Better, float], ...] = (
        ("steps_per_s", "steps/s", "higher", 7_000.0),
        ("steps_per_cpu_s", "steps/CPU s", "higher", 3_500.0),
        ("max_resident_bytes", "bytes", "lower", 1e9),
    )
    for name, unit, better, goal in cases:
        yield Row.of(f"{_THROUGHPUT}.{name}", [r[name] for r in repeats], unit, better, goal=goal, settings=settings)


def _reference(name: str, values: list[float]) -> dict[str, object]:
    return {"reference": name, "reference_value": statistics.median(values)} if values else {}


def _train(*arguments: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "heronry.cli",
            "train",
            "cartpole",
            "--algorithm",
            "ppo",
            "--launcher",
            "local",
        ]
        command += ["--json", "--run-dir", f"{folder}/run", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        fields: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
        return fields
