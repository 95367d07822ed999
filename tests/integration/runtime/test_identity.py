"""Tokens bound to client ids, TLS and mTLS."""

import datetime as dt
import ipaddress

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from heronry.runtime.identity import client_metadata
from heronry.types.errors import ConfigurationError, PermissionDeniedError, UnauthenticatedError, UnavailableError
from heronry.wire.status import error_from_rpc

TOKEN = "0123456789abcdef-fleet"
TOO_LATE = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
EARLY = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def tokens_file(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# who may call\n\nfleet-0 {TOKEN}\nlearner-0 0123456789abcdef-learner\n")
    return path


async def test_without_tokens_the_claimed_id_is_believed(serve) -> None:
    async with serve() as running:
        assert await running.get_table("t", metadata=client_metadata("me")) == "t of me"


async def test_a_token_decides_who_calls(serve, tokens_file) -> None:
    async with serve(tokens_file=tokens_file) as running:
        assert await running.get_table("t", metadata=client_metadata(token=TOKEN)) == "t of fleet-0"
        assert await running.get_table("t", metadata=client_metadata("fleet-0", TOKEN)) == "t of fleet-0"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ([], UnauthenticatedError),
        (client_metadata("fleet-0"), UnauthenticatedError),
        (client_metadata(token="wrong"), UnauthenticatedError),
        ([("authorization", TOKEN)], UnauthenticatedError),
        (client_metadata("learner-0", TOKEN), PermissionDeniedError),
    ],
)
async def test_a_missing_wrong_or_borrowed_token_is_refused(serve, tokens_file, metadata, expected) -> None:
    async with serve(tokens_file=tokens_file) as running:
        with pytest.raises(grpc.RpcError) as caught:
            await running.get_table("t", metadata=metadata)

    assert type(error_from_rpc(caught.value)) is expected


async def test_streams_are_refused_like_calls(serve, tokens_file) -> None:
    async with serve(tokens_file=tokens_file) as running:
        with pytest.raises(grpc.RpcError) as caught:
            await running.sample("idle").read()

    assert isinstance(error_from_rpc(caught.value), UnauthenticatedError)


async def test_health_needs_no_token_but_reflection_does(serve, tokens_file) -> None:
    async with serve(tokens_file=tokens_file) as running:
        check = running.channel.unary_unary("/grpc.health.v1.Health/Check")
        assert await check(b"", timeout=5) == b"\x08\x01"

        with pytest.raises(grpc.RpcError) as caught:
            await running.channel.unary_unary("/grpc.channelz.v1.Channelz/GetServers")(b"", timeout=5)

    assert isinstance(error_from_rpc(caught.value), UnauthenticatedError)


@pytest.mark.parametrize("text", ["fleet-0", "fleet-0 short", f"a {TOKEN}\na {TOKEN}", ""])
async def test_a_tokens_file_of_another_form_is_named(serve, tmp_path, text) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match="tokens_file") as caught:
        async with serve(tokens_file=path):
            pass

    assert TOKEN not in str(caught.value)


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._builder(self.name, self.key, is_authority=True).sign(self.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, common_name: str) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = self._builder(name, key, is_authority=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ), certificate.public_bytes(serialization.Encoding.PEM)

    def _builder(self, name, key, *, is_authority: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(EARLY)
            .not_valid_after(TOO_LATE)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )


@pytest.fixture
def authority() -> Authority:
    return Authority("the mesh")


@pytest.fixture
def tls(authority, tmp_path) -> dict[str, str]:
    """Return TLS settings that ask clients for a certificate of the authority."""
    key, certificate = authority.issue("service")
    for name, content in (("key", key), ("certificate", certificate), ("client_ca", authority.pem)):
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in ("key", "certificate", "client_ca")}


async def test_a_client_with_a_certificate_of_the_authority_is_served(serve, authority, tls) -> None:
    key, certificate = authority.issue("client")
    credentials = grpc.ssl_channel_credentials(authority.pem, key, certificate)

    async with serve(credentials, tls=tls) as running:
        assert await running.get_table("t") == "t of anonymous"


@pytest.mark.parametrize("has_foreign_certificate", [False, True])
async def test_a_client_without_a_certificate_of_the_authority_is_kept_out(
    serve, authority, tls, has_foreign_certificate
) -> None:
    pair = Authority("somebody else").issue("client") if has_foreign_certificate else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.pem, *pair)

    async with serve(credentials, tls=tls) as running:
        with pytest.raises(grpc.RpcError) as caught:
            await running.get_table("t")

    assert isinstance(error_from_rpc(caught.value), UnavailableError)


async def test_certificates_that_cannot_be_read_are_named(serve, tls, tmp_path) -> None:
    with pytest.raises(ConfigurationError, match=r"tls\.key"):
        async with serve(tls={**tls, "key": str(tmp_path / "nowhere")}):
            pass


async def test_a_garbled_certificate_is_named(serve, tls, tmp_path) -> None:
    (tmp_path / "certificate").write_text("no certificate")

    with pytest.raises(ConfigurationError):
        async with serve(tls=tls):
            pass
