"""`heronry privacy audit` by itself: it starts a service, audits it, and leaves nothing behind."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.timeout(120)
def test_an_audit_needs_no_service_to_be_there(heronry: Callable) -> None:
    before = set(Path(tempfile.gettempdir()).glob("heronry-audit-*"))
    flags = ("--mechanism", "correlated", "--rounds", "4", "--participations", "2", "--separation", "2")
    size = ("--noise-multiplier", "1", "--delta", "1e-5", "--canaries", "40", "--guesses", "8")

    done = heronry("privacy", "audit", *flags, *size, "--json", timeout_s=100.0)

    # 8 guesses refute 0.78 at most.
    assert done.code == 0, done.err
    assert done.result["releases"] == 4
    assert done.result["epsilon_bound"] <= 0.8 < done.result["epsilon_claimed"]
    assert "not refuted" in done.err
    assert set(Path(tempfile.gettempdir()).glob("heronry-audit-*")) == before
