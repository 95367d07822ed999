"""`heronry params` at the terminal, with a service of its own behind it."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from heronry.cli.main import main
from heronry.client import (
    AdamOptimizer,
    Asynchronous,
    ConnectionOptions,
    InvalidContributionError,
    ModelSettings,
    ParamsClient,
    SynchronousRounds,
)

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def address(start_service, tmp_path: Path) -> str:
    """A parameter service that serves; its models lie in the test's folder."""
    socket = tmp_path / "params.sock"
    start_service("params", socket, "--data-dir", tmp_path / "data")
    return f"unix:{socket}"


def filled(address: str) -> None:
    """Make `policy`, to which a worker contributed twice, once in vain, and `rounds`, which waits for a cohort."""

    async def fill() -> None:
        async with ParamsClient(address, ConnectionOptions(client_id="worker-a", retry_s=20)) as client:
            settings = ModelSettings(consistency=Asynchronous(max_staleness=4), optimizer=AdamOptimizer(0.5))
            await client.register_model("policy", {"weight": WEIGHT}, settings)
            rounds = ModelSettings(consistency=SynchronousRounds(cohort_size=3, quorum=2, deadline_s=30.0))
            await client.register_model("rounds", {"weight": WEIGHT}, rounds)
            async with client.worker("policy") as worker:
                base = (await client.pull("policy")).version
                await worker.push({"weight": np.ones((2, 3), np.float32)}, base_version=base)
                with pytest.raises(InvalidContributionError):
                    await worker.push({"weight": np.full((2, 3), np.nan, np.float32)}, base_version=base)

    asyncio.run(fill())


@pytest.mark.timeout(120)
def test_models_versions_and_workers_are_told(heronry, address: str) -> None:
    filled(address)

    listed = heronry("params", "list", "--address", address)
    shown = heronry("params", "show", "policy", "--address", address)
    as_json = heronry("params", "show", "policy", "--address", address, "--json")
    versions = heronry("params", "versions", "policy", "--address", address, "--json")
    workers = heronry("params", "workers", "policy", "--address", address, "--json")
    tables = [heronry("params", command, "policy", "--address", address) for command in ("versions", "workers")]

    assert listed.code == 0, listed
    assert [line.split()[0] for line in listed.out.splitlines()] == ["model", "policy", "rounds"]
    assert listed.out.splitlines()[2].split()[:6] == ["rounds", "1.1", "24", "B", "synchronous", "mean"]
    assert "refused: 1 InvalidContributionError" in shown.out
    assert "tensor weight  float32[2, 3] parameter" in shown.out
    model = as_json.result
    assert (model["version"]["number"], model["accepted"], model["refused"]) == (2, 1, 1)
    assert model["refusals"] == {"InvalidContributionError": 1}
    assert model["staleness"] == [{"from": 0, "to": 0, "contributions": 1}]
    assert model["settings"]["optimizer"]["kind"] == "adam"
    assert model["settings"]["consistency"]["max_staleness"] == 4
    assert [v["number"] for v in versions.result["versions"]] == [1, 2]
    assert [(w["worker"], w["accepted"], w["refused"]) for w in workers.result["workers"]] == [("worker-a", 1, 1)]
    assert [table.code for table in tables] == [0, 0]


@pytest.mark.timeout(120)
def test_figures_of_a_live_model_are_changed(heronry, address: str) -> None:
    filled(address)

    changed = heronry(
        *("params", "set", "policy", "--max-staleness", "9", "--staleness-exponent", "0.5", "--max-norm", "2.5"),
        *("--learning-rate", "0.25", "--versions-kept", "3", "--requires-lease", "--address", address, "--json"),
    )
    unbounded = heronry("params", "set", "policy", "--max-norm", "0", "--address", address, "--json")
    rounds = heronry(
        *("params", "set", "rounds", "--cohort-size", "5", "--quorum", "4", "--deadline", "7"),
        *("--late", "keep", "--address", address, "--json"),
    )

    assert changed.code == 0, changed
    settings = changed.result["settings"]
    assert settings["consistency"] == {"mode": "asynchronous", "max_staleness": 9, "staleness_exponent": 0.5}
    assert settings["limits"] == {"max_norm": 2.5, "max_weight": 1e9, "requires_lease": True}
    assert settings["optimizer"] == {
        "kind": "adam",
        "learning_rate": 0.25,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
    }
    assert settings["versions_kept"] == 3
    assert unbounded.result["settings"]["limits"]["max_norm"] is None
    assert unbounded.result["settings"]["limits"]["requires_lease"] is True
    figures = rounds.result["settings"]["consistency"]
    assert (figures["cohort_size"], figures["quorum"], figures["deadline_s"], figures["late"]) == (5, 4, 7.0, "keep")


@pytest.mark.timeout(120)
def test_a_version_is_tagged_rolled_back_to_and_exported(heronry, address: str, tmp_path: Path) -> None:
    filled(address)

    tagged = heronry("params", "tag", "policy", "first", "--number", "1", "--address", address, "--json")
    back = heronry("params", "rollback", "policy", "--tag", "first", "--address", address, "--json")
    here = heronry("params", "export", "policy", "files", "--address", address, "--json")
    there = heronry("params", "export", "policy", "--on-service", "exports", "--address", address, "--json")

    assert (tagged.code, tagged.result["version"]["number"]) == (0, 1)
    assert (back.code, back.result["version"]["number"]) == (0, 3)
    assert here.code == 0, here
    for path in (tmp_path / "files", tmp_path / "data" / "exports"):
        np.testing.assert_array_equal(safetensors.numpy.load_file(path / "policy.safetensors")["weight"], WEIGHT)
        assert json.loads((path / "policy.json").read_text())["version"]["number"] == 3
    assert there.result["path"] == str(tmp_path / "data" / "exports" / "policy.safetensors")


@pytest.mark.timeout(120)
def test_a_checkpoint_is_saved_and_a_model_deleted(heronry, address: str, tmp_path: Path) -> None:
    filled(address)

    saved = heronry("params", "save", "--address", address, "--json")
    unasked = heronry("params", "delete", "rounds", "--address", address)
    deleted = heronry("params", "delete", "rounds", "--yes", "--address", address, "--json")
    left = heronry("params", "list", "--address", address, "--json")

    assert saved.code == 0, saved
    assert Path(saved.result["path"]).is_dir()
    assert set(saved.result["models"]) == {"policy", "rounds"}
    assert (unasked.code, deleted.code) == (2, 0)
    assert [model["model"] for model in left.result["models"]] == ["policy"]


@pytest.mark.timeout(120)
def test_mistakes_are_named(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    filled(address)
    cases = {
        ("show", "nope", "--address", address): "no model 'nope'",
        ("versions", "nope", "--address", address): "no model 'nope'",
        ("workers", "nope", "--address", address): "no model 'nope'",
        ("delete", "nope", "--yes", "--address", address): "no model 'nope'",
        ("export", "policy", "--number", "77", "--address", address): "77",
        ("export", "policy", "--on-service", "../out", "--address", address): "directory: got '../out'",
        ("export", "policy", "here", "--on-service", "out", "--address", address): "--on-service: got 'out'",
        ("rollback", "policy", "--address", address): "allowed: one of --number and --tag",
        ("rollback", "policy", "--tag", "x", "--address", address): "'x'",
        ("delete", "policy", "--address", address): "--yes",
        ("set", "policy", "--address", address): "set: got 'no figure', allowed: at least one of --max-staleness",
        ("set", "policy", "--max-staleness", "9" * 20, "--address", address): "--max-staleness: got '9999",
        ("set", "rounds", "--deadline", "1e300", "--address", address): "deadline_s: got 1e+300, allowed: ",
        ("set", "policy", "--staleness-exponent", "nan", "--address", address): "staleness_exponent: got nan, allowed",
        ("tag", "policy", "x", "--number", "9" * 30, "--address", address): "--number: got '9999",
        ("export", "policy", __file__, "--address", address): f"DEST: got '{__file__}', allowed: a folder",
        ("export", "policy", f"{__file__}/x", "--address", address): f"DEST: got '{__file__}/x', allowed: ",
        ("list", "--token", "x" * 16, "--address", address): "--client-id: got '', allowed: ",
        ("list", "--tls-ca", "none.pem", "--address", "127.0.0.1:1"): "tls.root_certificates: got ",
        ("set", "policy", "--quorum", "2", "--address", address): (
            "--quorum: got 2, allowed: not with asynchronous, which model 'policy' has: --max-staleness"
        ),
        ("set", "policy", "--momentum", "0.5", "--address", address): "allowed: not with adam",
        ("set", "policy", "--learning-rate", "-1", "--address", address): "learning_rate: got -1.0",
        ("set", "rounds", "--quorum", "4", "--address", address): "quorum: got 4, allowed: ",
        ("set", "rounds", "--late", "drop", "--address", address): "--late: got 'drop', allowed: refuse, keep",
        ("list", "--address", "127.0.0.1:1"): "--address: got '127.0.0.1:1', allowed: one where a parameter service",
    }
    for arguments, message in cases.items():
        # In this process: so many starts of an interpreter would show nothing more.
        code = main(["params", *arguments])
        told = capsys.readouterr().err

        assert code == 2, (arguments, told)
        assert message in told, (arguments, told)
        assert "Traceback" not in told


@pytest.mark.timeout(120)
def test_without_a_figure_set_lists_what_can_be_set_with_its_present_values(heronry, address: str) -> None:
    filled(address)

    listed = heronry("params", "set", "rounds", "--address", address)

    assert (listed.code, listed.out) == (2, "")
    shown = dict(line.split() for line in listed.err.splitlines()[1:-1])
    assert shown == {
        "--cohort-size": "3",
        "--quorum": "2",
        "--deadline": "30",
        "--num-extra": "0",
        "--min-workers": "-",
        "--late": "refuse",
        "--learning-rate": "1",
        "--momentum": "0",
        "--max-norm": "-",
        "--max-weight": "1000000000",
        "--requires-lease": "no",
        "--versions-kept": "8",
    }


@pytest.mark.timeout(120)
def test_what_is_piped_is_whole_and_names_in_it_are_text(heronry, address: str) -> None:
    filled(address)
    name = "a-name-of-many-letters." * 5
    tag = "[red]x[/red]\x1b[31m\n:bomb:"

    async def register() -> None:
        async with ParamsClient(address) as client:
            await client.register_model(name, {"weight": WEIGHT}, ModelSettings())
            await client.tag_version(name, tag)

    asyncio.run(register())

    listed = heronry("params", "list", "--address", address)
    versions = heronry("params", "versions", name, "--address", address)

    assert listed.out.splitlines()[1].split()[0] == name
    assert [len(line.split()) for line in listed.out.splitlines()[1:]] == [12, 12, 12]
    assert versions.out.splitlines()[1].endswith(r"  [red]x[/red]\x1b[31m\n:bomb:")


@pytest.mark.timeout(120)
def test_a_model_tells_why_its_round_is_not_open_and_that_it_needs_leases(heronry, address: str) -> None:
    filled(address)

    shown = heronry("params", "show", "rounds", "--address", address)
    as_json = heronry("params", "show", "rounds", "--address", address, "--json")

    assert "round 1 is not open yet: waits for 3 more workers with a lease (0 of 3)" in shown.out
    assert "needs_lease: yes" in shown.out
    assert as_json.result["workers_wanting"] == {"have": 0, "need": 3}
    assert as_json.result["settings"]["needs_lease"] is True


@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
def test_a_service_with_certificates_and_tokens_is_reached_with_both(heronry, start_heronry, tmp_path: Path) -> None:
    subject = ["-subj", "/CN=service", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", "service.key", "-out", "service.pem"]
    subprocess.run(["openssl", "req", *kind, *subject, *files], check=True, capture_output=True, cwd=tmp_path)
    (tmp_path / "tokens").write_text("operator a-token-of-some-length\n")
    served = ["--tls-certificate", "service.pem", "--tls-key", "service.key", "--tokens-file", "tokens"]
    process = start_heronry("serve", "params", "--data-dir", "data", "--log-format", "json", *served)
    # The service logs the port that it was given.
    told = json.loads(next(line for line in process.stderr if "serving" in line))
    address = told["addresses"][0]

    known = ["--tls-ca", "service.pem", "--client-id", "operator", "--token", "a-token-of-some-length"]
    reached = heronry("params", "list", "--address", address, *known)
    in_the_clear = heronry("params", "list", "--address", address)
    untrusted = heronry("params", "list", "--address", address, "--tls")
    nameless = heronry("params", "list", "--address", address, "--tls-ca", "service.pem")
    stranger = heronry("params", "list", "--address", address, *known[:-1], "another-token-of-some-length")

    assert (reached.code, reached.out) == (0, "no models\n"), reached
    assert "--tls-ca if it serves with TLS" in in_the_clear.err
    assert "its certificate must be that of --tls-ca" in untrusted.err
    assert "no token" in nameless.err
    assert "the token is not known" in stranger.err
    assert [asked.code for asked in (in_the_clear, untrusted, nameless, stranger)] == [2, 2, 2, 2]


def test_a_data_directory_that_is_a_file_ends_the_start(heronry, tmp_path: Path) -> None:
    (tmp_path / "afile").touch()

    finished = heronry("serve", "params", "--data-dir", "afile")

    assert finished.code == 2, finished
    assert "data_dir: got 'afile', allowed: a folder that can be made and written to" in finished.err
    assert "Traceback" not in finished.err


def test_a_checkpoint_url_of_no_known_kind_ends_the_start(heronry) -> None:
    finished = heronry("serve", "params", "--checkpoint-url", "nosuch://bucket")

    assert finished.code == 2, finished
    assert "checkpoint_url: got 'nosuch://bucket" in finished.err
    assert "Traceback" not in finished.err
