"""Builds the native core when the package is installed; without a compiler the install goes on.

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


class NativeBuildHook(BuildHookInterface[Any]):
    """Runs CMake; a failure costs speed, never the install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the extension and add it to the wheel."""
        if self.target_name != "wheel" or os.environ.get("HERONRY_NATIVE") == "0":
            return
        reason = _build(Path(self.root))
        if reason:
            self.app.display_warning(f"heronry: native core not built ({reason}); the NumPy twin is used instead")
            return
        if version == "editable":
            return
        name = "_extension" + str(sysconfig.get_config_var("EXT_SUFFIX"))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"][str(Path(self.root) / PACKAGE / name)] = f"heronry/native/{name}"


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
