"""What an engine says when an environment breaks its contract."""

import threading
from typing import Final

from heronry.environments.vector import Work

_MOST_CHARACTERS: Final = 4_000


class LaneFault(Exception):
    """What went wrong in which lane; `CheckedEnvironment` adds the environment, its seed and step.

    Attributes:
      lane: None where the engine does not tell: it may have been any of them.
      what: went wrong, in words that can be sent.
    """

    def __init__(self, lane: int | None, what: str) -> None:
        self.lane = lane
        self.what = _sendable(what)
        super().__init__(self.what)


def fault_of(error: BaseException, lane: int | None, doing: str) -> LaneFault:
    """Return the fault of an environment that raised while it was `doing` something.

    Raises:
      KeyboardInterrupt: that is what it raised, in the main thread: somebody wants this process to end.
    """
    if isinstance(error, LaneFault):
        return error
    if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
        raise error
    if isinstance(error, SystemExit):
        return LaneFault(lane, f"called exit({error.code!r}) in {doing}")
    return LaneFault(lane, f"raised {type(error).__name__} in {doing}: {words_of(error)}")


def hang_of(work: Work, limit_s: float) -> str:
    """Return what is wrong with an environment of this process that has been at its work for longer."""
    doing = "picture" if work.call < 0 else "reset" if work.is_reset else "step"
    remedy = "in a process of its own (isolation: process) it would be begun anew"
    return f"no end of a {doing} within {limit_s:g} s; {remedy}"


def words_of(error: BaseException) -> str:
    """Return what an error says, whatever that is: an environment's may fail at that, or say a gigabyte."""
    try:
        return _sendable(str(error))
    except Exception:  # noqa: BLE001 - of the environment's own error
        return "(it does not say why)"


def _sendable(words: str) -> str:
    """Return words short enough for messages and logs, in Unicode that can be encoded."""
    cut = words if len(words) <= _MOST_CHARACTERS else words[:_MOST_CHARACTERS] + "…"
    return cut.encode(errors="replace").decode()
