"""Runs the systems we compare with, each in an environment of its own."""

import json
import subprocess
import sys
import time
from pathlib import Path


class Peers:
    """Peer scripts in a folder, with their environments in `venvs/<name>` below it."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._told: set[str] = set()

    def run(self, name: str, script: str, *arguments: str, timeout_s: float = 600) -> dict[str, float] | None:
        """Run a peer's script; returns its JSON line with `wall_s` of the whole process added.

        None when the peer is not installed, which is told once on standard error.
        """
        python = self._folder / "venvs" / name / "bin" / "python" if self._folder else None
        if python is None or self._folder is None or not python.exists():
            self._tell(name)
            return None
        start = time.perf_counter()
        command = [str(python), str(self._folder / script), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=True)
        fields: dict[str, float] = json.loads(result.stdout.strip().splitlines()[-1])
        return fields | {"wall_s": time.perf_counter() - start}

    def _tell(self, name: str) -> None:
        if name not in self._told:
            self._told.add(name)
            print(
                f"peer {name} is not installed (--peers DIR with venvs/{name}); its figures stay empty", file=sys.stderr
            )
