"""`heronry privacy status|verify|export` and a private run at the terminal, with real services behind them."""

import asyncio
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from heronry.client import (
    BufferedAsynchronous,
    ConnectionOptions,
    ContributionKind,
    FixedClip,
    IndependentNoise,
    ModelSettings,
    NeighbourRelation,
    NoiseSampler,
    ParamsClient,
    PrivacySettings,
    PrivacyUnit,
)

TENSORS = {"weight": np.zeros(6, np.float32)}
CLAIM = PrivacySettings(
    PrivacyUnit.CLIENT,
    NeighbourRelation.ZERO_OUT_ONE,
    population=50,
    delta=1e-3,
    epsilon_limit=8.0,
    clip=FixedClip(1.0),
    noise=IndependentNoise(2.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False),
)
SPEC = """
environment: {id: CartPole-v1}
max_env_steps: 1500
evaluation: {episodes: 2, judge_episodes: 2}
privacy:
  unit: client
  relation: zero_out_one
  population: 1
  delta: 1e-3
  epsilon_limit: 8
  clip: {fixed: {norm: 1.0}}
  noise: {independent: {noise_multiplier: 3, sampler: rounded_gaussian, is_amplified: false}}
  publishes_returns: true
"""


@pytest.fixture
def address(start_service, tmp_path: Path) -> str:
    """A service with a private model that two clients contributed to, and a model without a claim."""
    socket = tmp_path / "params.sock"
    start_service("params", socket, "--data-dir", tmp_path / "data")

    async def fill() -> None:
        for client_id in ("client-a", "client-b"):
            async with ParamsClient(f"unix:{socket}", ConnectionOptions(client_id=client_id, retry_s=20)) as client:
                settings = ModelSettings(consistency=BufferedAsynchronous(num_contributions=2), privacy=CLAIM)
                await client.register_model("policy", TENSORS, settings)
                await client.register_model("plain", TENSORS)
                base = (await client.pull("policy")).version
                await client.push("policy", TENSORS, base_version=base, kind=ContributionKind.DELTA)

    asyncio.run(fill())
    return f"unix:{socket}"


@pytest.mark.timeout(180)
def test_a_claim_its_ledger_and_an_export_agree(heronry, address: str, tmp_path: Path) -> None:
    told = heronry("privacy", "status", "policy", "--clients", "--address", address, "--json")
    shown = heronry("params", "show", "policy", "--address", address)
    plain = heronry("privacy", "status", "plain", "--address", address)
    head = told.result["ledger"]
    verified = heronry("privacy", "verify", "data", "--head", f"{head['row']}:{head['digest']}", "--json")
    exported = heronry("privacy", "export", "data", "ledger.jsonl")

    # One Gaussian of z = 2 at 1e-3: 1.352 by its closed form (Balle and Wang 2018).
    assert told.result["epsilon_spent"] == pytest.approx(1.352, abs=1e-3)
    assert [c["client"] for c in told.result["clients"]] == ["client-a", "client-b"]
    assert "privacy: epsilon 1.35" in shown.out
    assert plain.out.strip() == "model plain: no claim of differential privacy is made"
    assert verified.code == 0
    assert verified.result["head"] == head
    assert exported.code == 0
    rows = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert rows[-1]["digest"] == head["digest"]
    reserved = next(row for row in rows if row["participants"])
    assert reserved["participants"] == ["client-a", "client-b"]


@pytest.mark.timeout(120)
def test_wrong_input_is_named(heronry, address: str) -> None:
    unknown = heronry("privacy", "status", "nothing", "--address", address)
    nowhere = heronry("privacy", "verify", "no-such-folder")
    onto_itself = heronry("privacy", "export", "data", "data/standalone/checkpoints/params/privacy.sqlite")

    assert (unknown.code, nowhere.code, onto_itself.code) == (2, 2, 2)
    assert "no model 'nothing'" in unknown.err
    assert "no ledger 'no-such-folder'" in nowhere.err
    assert "another file than the ledger" in onto_itself.err


@pytest.mark.timeout(240)
def test_a_private_run_tells_its_claim_and_ends_when_its_model_is_lost(heronry, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(SPEC)

    done = heronry("train", "run.yaml", "--run-dir", "run", "--launcher", "embedded", timeout_s=100)
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    verified = heronry("privacy", "verify", "run", "--json")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "params")
    lost = heronry(
        "train", "--resume", "run", "--set", "max_env_steps=6000", "--launcher", "embedded", timeout_s=100
    )  # fmt: skip

    assert done.code == 0, done.err
    first, *_, last = [line for line in done.out.splitlines() if "privacy: " in line]
    assert first.startswith("privacy: the policy's versions, all together, for one client")
    assert "of 8 spent at delta 0.001" in last
    claim = result["privacy"]
    assert claim["has_claim"]
    assert 0 < claim["epsilon_spent"] <= 8
    # An update is a release: 1,500 steps in batches of 256 make six at most.
    assert 1 <= claim["releases"] <= 6
    assert claim["ledger"]["row"] <= verified.result["head"]["row"]
    assert lost.code == 2
    assert "params has lost the model, and with it what its privacy claim had spent" in lost.err
    assert not list((tmp_path / "run" / "checkpoints").rglob("privacy.sqlite"))


@pytest.mark.timeout(60)
def test_a_claim_that_would_not_hold_starts_nothing(heronry, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(SPEC)

    refused = heronry("train", "run.yaml", "--run-dir", "run", "--set", "privacy.unit=episode")

    assert refused.code == 2
    assert "privacy.unit: got 'episode', allowed: 'client'" in refused.err
    assert not (tmp_path / "run").exists()
