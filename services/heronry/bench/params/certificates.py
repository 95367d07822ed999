"""A certificate for the loopback, made for one measurement."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_SUBJECT = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")


@dataclass(frozen=True)
class Certificates:
    """A certificate that is its own authority, and its key."""

    certificate: str
    key: str

    @property
    def flags(self) -> tuple[str, ...]:
        """What a service is told."""
        return ("--tls-certificate", self.certificate, "--tls-key", self.key)


def make_certificates(folder: Path) -> Certificates:
    """Make them with the `openssl` command: an elliptic curve key, as is usual."""
    made = Certificates(str(folder / "certificate.pem"), str(folder / "key.pem"))
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    command = ("openssl", "req", *kind, *_SUBJECT, "-keyout", made.key, "-out", made.certificate)
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return made
