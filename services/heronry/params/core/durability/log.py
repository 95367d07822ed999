"""Where changes are made durable, as the core sees it."""

from typing import Protocol

from heronry.params.core.durability.journal import Record
from heronry.params.core.rounds import Place
from heronry.types.experience import AcknowledgementLevel


class Log(Protocol):
    """Takes records in order; `StateFolder` is one."""

    def append(self, record: Record, level: AcknowledgementLevel) -> Place | None:
        """Return, when the record survives what the level says, where it lies; None when nothing is written."""

    def rotate(self) -> int:
        """Begin the journal that follows the next checkpoint; return the checkpoint's sequence."""
