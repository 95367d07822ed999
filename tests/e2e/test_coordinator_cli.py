"""`heronry serve coordinator` and `heronry status`, as typed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
def test_a_mesh_with_certificates_and_tokens_is_shown_to_those_who_have_them(
    start_heronry, heronry, tmp_path: Path
) -> None:
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", "service.key", "-out", "service.pem"]
    subprocess.run(["openssl", "req", *kind, *subject, *files], check=True, capture_output=True, cwd=tmp_path)
    (tmp_path / "tokens").write_text("operator a-token-of-some-length\n")
    served = ["--tls-certificate", "service.pem", "--tls-key", "service.key", "--tokens-file", "tokens"]
    listen = ["--listen", "127.0.0.1:0", "--data-dir", "data", "--log-format", "json"]
    process = start_heronry("serve", "coordinator", *listen, *served)
    # The service logs the port that it was given.
    told = json.loads(next(line for line in process.stderr if "serving" in line))
    address = told["addresses"][0]

    known = ["--tls-ca", "service.pem", "--client-id", "operator", "--token", "a-token-of-some-length"]
    reached = heronry("status", "--address", address, *known, "--json")
    in_the_clear = heronry("status", "--address", address)
    nameless = heronry("status", "--address", address, "--tls-ca", "service.pem")

    assert reached.code == 0, reached.err
    assert [service["instance"] for service in reached.result["services"]] == ["coordinator-0"]
    assert "--tls-ca if it serves with TLS" in in_the_clear.err
    assert "no token" in nameless.err
    assert [asked.code for asked in (in_the_clear, nameless)] == [2, 2]


@pytest.mark.parametrize("data_dir", ["afile", "afile/runs"])
def test_a_data_directory_that_is_a_file_ends_the_start(heronry, tmp_path: Path, data_dir: str) -> None:
    (tmp_path / "afile").touch()

    finished = heronry("serve", "coordinator", "--data-dir", data_dir)

    assert finished.code == 2, finished
    assert f"data_dir: got '{data_dir}', allowed: a folder that can be made and written to" in finished.err
    assert "Traceback" not in finished.err
