"""Builds the agent on request, unless the build is there."""

from collections.abc import Callable

from heronry.native_agent.compiling import (
    Built,
    CompileError,
    build_folders,
    build_key,
    cache_folder,
    compile_agent,
    find_tools,
    module_file,
)
from heronry.native_agent.loading import require_torch
from heronry.types.errors import FailedPreconditionError


def build_agent(*, force: bool = False, tell: Callable[[str], None] = lambda _: None) -> Built:
    """Build the agent against the torch that is installed, into the user's cache.

    Args:
      force: build although the same build lies there.
      tell: is told each step as it begins.

    Raises:
      FailedPreconditionError: torch, a compiler or CMake is missing, the folder cannot be written,
        or a step of the build failed.
    """
    torch = require_torch()
    for folder in build_folders() if not force else ():
        module = folder / build_key(torch) / module_file()
        if module.exists():
            return Built(module, torch.version, 0.0)
    try:
        tools = find_tools()
        tell(
            f"building the agent against torch {torch.version} with {tools.compiler}, {tools.cmake} ({tools.generator})"
        )
        return compile_agent(cache_folder(), torch, tools, tell)
    except CompileError as error:
        raise FailedPreconditionError(f"the agent was not built: {error}") from error
    except OSError as error:
        where = f"{cache_folder()} cannot be used ({error.strerror}); HERONRY_CACHE_DIR names another folder"
        raise FailedPreconditionError(f"the agent was not built: {where}") from error
