"""A parameter service of an example's own, or the one whose address it was given."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from heronry.client import ConnectionOptions


@contextmanager
def params_service(address: str = "") -> Iterator[str]:
    """Give the address of a parameter service; one that was started here ends with the block."""
    if address:
        yield address
        return
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix:{folder}/params.sock"
        command = [sys.executable, "-m", "heronry.params", "--listen", address, "--data-dir", folder]
        service = subprocess.Popen([*command, "--log-level", "warning"])
        try:
            yield address
        finally:
            service.terminate()
            service.wait()


def patient(client_id: str) -> ConnectionOptions:
    """Return options of a client that may be there before its service listens."""
    return ConnectionOptions(client_id=client_id, retry_s=30.0, timeout_s=60.0)
