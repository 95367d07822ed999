"""Folders for temporary files that go with the process that made them, even when that was killed."""

import os
import shutil
import tempfile
from pathlib import Path

from heronry.launch.processes import start_ticks

PREFIX = "heronry-"
OWNER_FILE = ".owner"


def make_owned_folder(root: str | None = None, prefix: str = PREFIX) -> Path:
    """Make a private folder below `root`, the place for temporary files when None; abandoned ones there go."""
    base = Path(root or tempfile.gettempdir())
    for folder in base.glob(f"{PREFIX}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    (made / OWNER_FILE).write_text(_identity(os.getpid()), encoding="ascii")
    return made


def _is_abandoned(folder: Path) -> bool:
    """Tell whether the folder is ours and names an owner that has ended; where in doubt it is not."""
    try:
        owner = (folder / OWNER_FILE).read_text(encoding="ascii")
        is_ours = folder.lstat().st_uid == os.getuid()
        pid = int(owner.split()[0])
    except (OSError, ValueError, IndexError):
        return False
    # Another container that shares the folder counts its processes apart.
    is_same_count = owner.split()[-1] == _namespace()
    return is_ours and is_same_count and owner != _identity(pid)


def _identity(pid: int) -> str:
    return f"{pid} {start_ticks(pid)} {_namespace()}"


def _namespace() -> str:
    try:
        return Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return "unknown"
