"""Builds the native core when the package is installed; without a compiler the install goes on.

With HERONRY_BUILD_AGENT=1 it builds the C++ agent too, against the torch that is installed.

The extension lands beside its Python face in `services/heronry/native/`, for wheels and
development installs alike. `heronry doctor` and one log line say which twin is in use.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = Path("services") / "heronry" / "native"
AGENT_PACKAGE = Path("services") / "heronry" / "native_agent"


class NativeBuildHook(BuildHookInterface[Any]):
    """Runs CMake; a failure costs speed, never the install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the extension, and the agent where that is asked for, and add them to the wheel."""
        if self.target_name != "wheel":
            return
        root, is_editable = Path(self.root), version == "editable"
        if not is_editable:
            # `heronry native build agent` compiles them on the user's machine.
            build_data["force_include"][str(root / "native" / "agent")] = "heronry/native_agent/sources"
        if os.environ.get("HERONRY_NATIVE") != "0":
            self._add_extension(root, build_data, is_editable=is_editable)
        if os.environ.get("HERONRY_BUILD_AGENT") == "1":
            self._add_agent(root, build_data, is_editable=is_editable)

    def _add_extension(self, root: Path, build_data: dict[str, Any], *, is_editable: bool) -> None:
        reason = _build(root)
        if reason:
            self.app.display_warning(f"heronry: native core not built ({reason}); the NumPy twin is used instead")
        elif not is_editable:
            name = "_extension" + str(sysconfig.get_config_var("EXT_SUFFIX"))
            _add(build_data, root / PACKAGE / name, f"heronry/native/{name}")

    def _add_agent(self, root: Path, build_data: dict[str, Any], *, is_editable: bool) -> None:
        """Build the agent: for a wheel into it, for a development install into the user's cache."""
        folder = root / ".cache" / f"agent-{sys.implementation.cache_tag}"
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, str(root / AGENT_PACKAGE / "compiling.py"), *([] if is_editable else [str(folder)])]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            reason = result.stderr.strip()[-400:]
            self.app.display_warning(
                f"heronry: C++ agent not built ({reason}); `heronry native build agent` tries again"
            )
        elif not is_editable:
            _add(build_data, folder, "heronry/native_agent/built")


def _add(build_data: dict[str, Any], path: Path, name: str) -> None:
    """Put a compiled file or folder into the wheel, which is then one for this platform."""
    build_data["pure_python"] = False
    build_data["infer_tag"] = True
    build_data["force_include"][str(path)] = name


def _build(root: Path) -> str:
    """Compile into the package folder; returns why that was not possible, or nothing."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if not compiler or not shutil.which(compiler):
        return "no C++ compiler found"
    folder = root / ".cache" / f"native-{sys.implementation.cache_tag}"
    shutil.rmtree(folder, ignore_errors=True)
    configure = ["cmake", "-S", root / "native", "-B", folder, "-G", "Ninja", f"-DPython_EXECUTABLE={sys.executable}"]
    steps = [configure, ["cmake", "--build", folder], ["cmake", "--install", folder, "--prefix", root / PACKAGE]]
    for step in steps:
        try:
            subprocess.run([str(part) for part in step], check=True, capture_output=True, text=True)
        except OSError as error:
            return str(error)
        except subprocess.CalledProcessError as error:
            return f"{step[1]} failed: {(error.stderr or error.stdout).strip()[-400:]}"
    return ""
