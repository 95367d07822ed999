"""`heronry privacy audit` against a real service: what it prints, its exit code, and what it leaves behind."""

import asyncio
import json

import numpy as np
import pytest

from heronry.cli.main import main
from heronry.client import BufferedAsynchronous, ContributionKind, ModelSettings
from heronry.params.core.private import noise_sources
from heronry.types.privacy import (
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
    QuantileClipping,
)

NOISE = IndependentNoise(4.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False)
CLAIM = PrivacySettings(
    unit=PrivacyUnit.CLIENT,
    relation=NeighbourRelation.ZERO_OUT_ONE,
    population=1000,
    delta=1e-5,
    epsilon_limit=2.5,
    clip=FixedClip(0.5),
    noise=NOISE,
)


async def command(mesh, *arguments: str) -> int:
    where = ("--address", mesh.node.addresses[0])
    return await asyncio.to_thread(main, ["privacy", "audit", *where, *arguments])


async def private_model(mesh, privacy: PrivacySettings = CLAIM) -> None:
    settings = ModelSettings(consistency=BufferedAsynchronous(1), privacy=privacy)
    values = {"w": np.zeros(8, np.float32)}
    newest, _ = await mesh.client.register_model("policy", values, settings)
    await mesh.client.push("policy", values, base_version=newest, kind=ContributionKind.DELTA)


async def test_an_audit_like_a_model_leaves_its_budget_alone(mesh, capsys: pytest.CaptureFixture[str]) -> None:
    await private_model(mesh)
    before = await mesh.client.get_privacy_status("policy")

    code = await command(mesh, "--like", "policy", "--rounds", "2", "--canaries", "50", "--guesses", "12", "--json")

    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    after = await mesh.client.get_privacy_status("policy")
    # 12 guesses refute 1.26 at most.
    assert code == 0
    assert (told["canaries"], told["guesses"], told["releases"]) == (50, 12, 2)
    assert told["epsilon_bound"] <= told["epsilon_claimed"] < 2.5
    assert not told["is_refuted"]
    assert (after.epsilon_spent, after.num_releases) == (before.epsilon_spent, before.num_releases)
    assert [info.model for info in await mesh.client.list_models()] == ["policy"]


async def test_an_audit_ends_when_the_budget_of_the_claim_does(mesh, capsys: pytest.CaptureFixture[str]) -> None:
    await private_model(mesh)

    await command(mesh, "--like", "policy", "--rounds", "40", "--canaries", "20", "--guesses", "4", "--json")

    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 1 < told["releases"] < 40
    assert told["epsilon_claimed"] <= 2.5


async def test_a_bound_that_follows_the_norms_is_audited_by_what_it_is_in_each_release(mesh) -> None:
    clip = QuantileClipping(0.1, 0.5, 0.5, 5.0)
    privacy = PrivacySettings(**{**vars(CLAIM), "clip": clip})
    await private_model(mesh, privacy)

    assert await command(mesh, "--like", "policy", "--rounds", "4", "--canaries", "40", "--guesses", "4") == 0


async def test_a_claim_that_does_not_hold_ends_with_1(
    mesh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(noise_sources, "add_rounded_normals", lambda *_: None)

    code = await command(mesh, "--mechanism", "fixed", "--noise-multiplier", "4", "--delta", "1e-5")

    printed = capsys.readouterr().out
    assert code == 1
    assert "REFUTED" in printed
    assert "epsilon is at least 2.77" in printed


async def test_what_is_wrong_is_said_in_one_line(mesh, capsys: pytest.CaptureFixture[str]) -> None:
    await mesh.client.register_model("open", {"w": np.zeros(8, np.float32)})

    codes = [
        await command(mesh, "--like", "open"),
        await command(mesh, "--like", "nobody"),
        await command(mesh, "--mechanism", "fixed", "--noise-multiplier", "4"),
        await command(mesh, "--guesses", "300"),
        await command(mesh, "--like", "open", "--token", "secret", "--client-id", "anna"),
    ]

    lines = capsys.readouterr().err.splitlines()
    assert codes == [2] * 5
    assert len(lines) == 5
    for line, named in zip(lines, ("--like", "nobody", "--delta", "--guesses", "--like"), strict=True):
        assert named in line


async def test_many_clients_cannot_be_played_with_one_token(mesh, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--mechanism", "fixed", "--noise-multiplier", "4", "--delta", "1e-5")

    code = await command(mesh, *flags, "--token", "secret", "--client-id", "anna")

    assert code == 2
    assert "secret" not in (said := capsys.readouterr().err)
    assert "--token" in said
