"""Finds and loads the built agent; no other torch's is ever loaded."""

import ctypes
import functools
import importlib.machinery
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from heronry.native_agent.compiling import (
    MODULE_NAME,
    Torch,
    build_folders,
    build_key,
    installed_torch,
    module_file,
    sources_hash,
)
from heronry.types.errors import FailedPreconditionError
from heronry.types.tensors import Array, FloatArray

HOW_TO_GET_TORCH = "pip install 'heronry[agent]'"
HOW_TO_BUILD = "run `heronry native build agent`"
Update = tuple[dict[str, float], int, int, Array | None]


class NativeAgent(Protocol):
    """The C++ object; arguments are positional."""

    def parameters(self) -> dict[str, FloatArray]: ...
    def set_parameters(self, tensors: Mapping[str, Array], /) -> None: ...
    def forward(self, head: str, observations: Array, /) -> FloatArray: ...
    def select_action(
        self, observations: Array, action_mask: Array | None, greedy: bool, epsilon: float, /
    ) -> Array: ...
    def log_probabilities(self, observations: Array, actions: Array, action_mask: Array | None, /) -> FloatArray: ...
    def update(self, columns: Mapping[str, Array], table_size: int, /) -> Update: ...


class AgentModule(Protocol):
    """The built module. Refusals carry field, value and what is allowed."""

    TORCH_VERSION: str
    SOURCES_HASH: str
    Refusal: type[Exception]
    SchemaRefusal: type[Exception]

    def set_num_threads(self, num_threads: int, /) -> None: ...

    def RlAgent(  # noqa: N802 - a class
        self,
        observation_shape: Sequence[int],
        observation_high: int,
        convolutions: Sequence[tuple[int, int, int]],
        hidden: Sequence[int],
        activation: str,
        heads: Sequence[tuple[str, int]],
        has_log_std: bool,
        num_choices: Sequence[int],
        algorithm: str,
        settings: Mapping[str, object],
        seed: int,
        /,
    ) -> NativeAgent: ...


def require_torch() -> Torch:
    """Return the torch that is installed.

    Raises:
      FailedPreconditionError: none is.
    """
    torch = installed_torch()
    if torch is None:
        raise FailedPreconditionError(f"the C++ agent needs torch, which is not installed ({HOW_TO_GET_TORCH})")
    return torch


def find_module() -> Path:
    """Return the module built for the torch that is installed.

    Raises:
      FailedPreconditionError: there is none; says for which torch there is one.
    """
    torch = require_torch()
    for folder in build_folders():
        module = folder / build_key(torch) / module_file()
        if module.exists():
            return module
    raise FailedPreconditionError(f"{_what_is_missing(torch)}; {HOW_TO_BUILD}")


@functools.cache
def load_module() -> AgentModule:
    """Return the module, loaded once; Python's torch is not imported, only its libraries.

    Raises:
      FailedPreconditionError: there is none for the torch that is installed, or it cannot be loaded.
    """
    return load_file(find_module(), require_torch())


def load_file(path: Path, torch: Torch) -> AgentModule:
    """Return the module in a file.

    Raises:
      FailedPreconditionError: it was built against another torch or from other sources, or cannot be loaded.
    """
    # Before it is loaded: with another torch's libraries it may crash instead of failing.
    _require_same(path, torch, *_noted(path))
    try:
        # The installed torch's own, wherever the module was linked: libraries of one name are loaded once.
        for library in ("libc10.so", "libtorch_cpu.so"):
            ctypes.CDLL(str(torch.folder / "lib" / library))
        loader = importlib.machinery.ExtensionFileLoader(MODULE_NAME, str(path))
        spec = importlib.util.spec_from_file_location(MODULE_NAME, path, loader=loader)
        assert spec is not None, "a loader was given"
        loaded = importlib.util.module_from_spec(spec)
        loader.exec_module(loaded)
    except (ImportError, OSError) as error:
        raise FailedPreconditionError(f"{path} cannot be loaded ({error}); {HOW_TO_BUILD} --force") from error
    module = cast(AgentModule, loaded)
    _require_same(path, torch, module.TORCH_VERSION, module.SOURCES_HASH)
    if "torch" not in sys.modules:
        # Small networks lose by threads that wait for each other. With Python's torch, who imported it has chosen.
        module.set_num_threads(1)
    return module


def _noted(path: Path) -> tuple[str, str]:
    """Return torch and sources as the build noted them beside the module."""
    try:
        noted = json.loads((path.parent / "build.json").read_text())
        return str(noted["torch"]), str(noted["sources"])
    except (OSError, ValueError, KeyError) as error:
        raise FailedPreconditionError(f"{path} says nothing of its build ({error!r}); {HOW_TO_BUILD} --force") from None


def _require_same(path: Path, torch: Torch, torch_then: str, sources_then: str) -> None:
    if torch_then != torch.version:
        found = f"{path} was built against torch {torch_then}, installed is {torch.version}"
        raise FailedPreconditionError(f"{found}; {HOW_TO_BUILD}")
    if sources_then != sources_hash():
        found = f"{path} was built from other sources ({sources_then}, now {sources_hash()})"
        raise FailedPreconditionError(f"{found}; {HOW_TO_BUILD}")


def _what_is_missing(torch: Torch) -> str:
    builds = [name.parent.name for folder in build_folders() for name in folder.glob(f"torch-*/{MODULE_NAME}*")]
    versions = sorted({key.split("-")[1] for key in builds})
    if not versions:
        return f"the C++ agent is not built for torch {torch.version}"
    if torch.version in versions:
        return f"the C++ agent is built for torch {torch.version}, but for another Python or from other sources"
    return f"the C++ agent is built for torch {', '.join(versions)}, not for {torch.version}, which is installed"
