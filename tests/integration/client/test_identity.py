"""Certificates and tokens, through the SDK."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heronry.client import (
    ConfigurationError,
    ConnectionOptions,
    HeronryError,
    Mesh,
    ParamsClient,
    TlsOptions,
    UnauthenticatedError,
    UnavailableError,
)
from heronry.params import ParamsSettings, build
from heronry.runtime.node import ServiceNode

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
Serve = Callable[..., Any]


@dataclass(frozen=True)
class Pair:
    """A certificate that signs itself, and its key."""

    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def make_pair(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    folder = tmp_path_factory.mktemp("certificates")

    def make(name: str) -> Pair:
        pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
        if not pair.key.exists():
            subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
            kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
            files = ["-keyout", str(pair.key), "-out", str(pair.certificate)]
            subprocess.run(["openssl", "req", "-x509", *kind, *subject, *files], check=True, capture_output=True)
        return pair

    return make


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    nodes = []

    async def start(**settings: Any) -> str:
        chosen = ParamsSettings(data_dir=tmp_path, drain_s=0.2, **settings)
        node = ServiceNode(build(chosen), chosen)
        await node.start()
        nodes.append(node)
        return node.addresses[0]

    yield start
    for node in nodes:
        await node.stop()


async def call(address: str, **options: Any) -> None:
    async with ParamsClient(address, ConnectionOptions(timeout_s=3.0, retry_s=0.0, **options)) as client:
        assert await client.list_models() == ()


async def test_a_certificate_is_checked_against_its_authority(serve: Serve, make_pair: Callable[[str], Pair]) -> None:
    service, stranger = make_pair("service"), make_pair("stranger")
    address = await serve(tls={"certificate": service.certificate, "key": service.key})

    await call(address, tls=TlsOptions(root_certificates=service.certificate))
    with pytest.raises(UnavailableError):
        await call(address, tls=TlsOptions(root_certificates=stranger.certificate))


async def test_a_service_may_ask_for_the_client_s_certificate(serve: Serve, make_pair: Callable[[str], Pair]) -> None:
    service, worker = make_pair("service"), make_pair("worker")
    tls = {"certificate": service.certificate, "key": service.key, "client_ca": worker.certificate}
    address = await serve(tls=tls)

    await call(address, tls=TlsOptions(service.certificate, worker.certificate, worker.key))
    with pytest.raises(UnavailableError):
        await call(address, tls=TlsOptions(service.certificate))


async def test_a_token_goes_with_its_client_id(serve: Serve, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("worker-1 secret-0123456789\n")
    tokens.chmod(0o600)
    address = await serve(tokens_file=tokens)

    await call(address, client_id="worker-1", token="secret-0123456789")
    with pytest.raises(UnauthenticatedError):
        await call(address, client_id="worker-1", token="guess")
    with pytest.raises(HeronryError):
        await call(address, client_id="worker-1")


async def test_large_versions_come_with_certificates_and_token_too(
    serve: Serve, make_pair: Callable[[str], Pair], tmp_path: Path
) -> None:
    service, worker = make_pair("service"), make_pair("worker")
    tokens = tmp_path / "tokens"
    tokens.write_text("worker-1 secret-0123456789\n")
    tokens.chmod(0o600)
    tls = {"certificate": service.certificate, "key": service.key, "client_ca": worker.certificate}
    address = await serve(tls=tls, tokens_file=tokens)
    options = ConnectionOptions(
        client_id="worker-1",
        token="secret-0123456789",
        tls=TlsOptions(service.certificate, worker.certificate, worker.key),
        shares_memory=False,
    )

    async with ParamsClient(address, options) as client:
        await client.register_model("policy", {"weight": np.arange(1_500_000, dtype=np.float32)})
        # The second one is read by a thread, over a channel of its own.
        pulled = [await client.pull("policy") for _ in range(2)]

    for parameters in pulled:
        assert parameters["weight"][-1] == 1_499_999.0
        parameters.verify()


async def test_a_token_without_its_client_id_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="client_id"):
        Mesh.connect("127.0.0.1:1", token="secret-0123456789")


async def test_a_token_does_not_show_in_the_options() -> None:
    assert "secret" not in repr(ConnectionOptions(token="secret"))
