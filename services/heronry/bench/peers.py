"""Runs the systems we compare with, each in an environment of its own."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

_MAX_TOLD = 2000


class Peers:
    """Peer scripts in a folder, with their environments in `venvs/<name>` below it.

    Attributes:
      failures: what went wrong, one text a run; none of it ends the benchmark.
    """

    def __init__(self, folder: Path | None) -> None:
        self.failures: list[str] = []
        self._folder = folder
        self._told: set[str] = set()

    @property
    def folder(self) -> Path | None:
        """Where the scripts are."""
        return self._folder

    @property
    def are_wanted(self) -> bool:
        """Whether there is a folder of peers."""
        return self._folder is not None

    def run(
        self, name: str, script: str, *arguments: str, timeout_s: float = 600, module: str | None = None
    ) -> dict[str, float] | None:
        """Run a peer's script; returns its last JSON line with `wall_s` of the whole process added.

        None when the peer is not installed or fails, which is told on standard error.
        """
        start = time.perf_counter()
        lines = self.run_lines(name, script, *arguments, timeout_s=timeout_s, module=module)
        return lines[-1] | {"wall_s": time.perf_counter() - start} if lines else None

    def run_lines(
        self, name: str, script: str, *arguments: str, timeout_s: float = 600, module: str | None = None
    ) -> list[dict[str, float]]:
        """Run a peer's script; returns its JSON lines, none when it is not installed or fails, which is told.

        Where the peer has no environment, ours does when `module`, all that the script needs, is there.
        """
        python = self._python_of(name, module)
        if python is None or self._folder is None:
            self._tell_missing(name)
            return []
        command = [str(python), str(self._folder / script), *arguments]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=True)
            return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            self._tell_failed(" ".join((name, script, *arguments)), error)
            return []

    def _python_of(self, name: str, module: str | None) -> Path | None:
        if self._folder is None:
            return None
        python = self._folder / "venvs" / name / "bin" / "python"
        if python.exists():
            return python
        has_module = module is not None and importlib.util.find_spec(module) is not None
        return Path(sys.executable) if has_module else None

    def _tell_missing(self, name: str) -> None:
        if name not in self._told:
            self._told.add(name)
            print(
                f"peer {name} is not installed (--peers DIR with venvs/{name}); its figures stay empty", file=sys.stderr
            )

    def _tell_failed(self, what: str, error: Exception) -> None:
        self.failures.append(f"{what}: {error}")
        said = str(getattr(error, "stderr", None) or "")[-_MAX_TOLD:]
        print(f"peer failed: {what}: {error}\n{said}", file=sys.stderr)
