"""A table's journal: effects gathered in memory, encoded and handed to the log together."""

import contextlib
from typing import Final

from heronry.replay.core.effects import Effect
from heronry.replay.core.step_memory import StepMemory
from heronry.replay.durability.effect_codec import RECORD_KIND, encode
from heronry.replay.durability.log import Log
from heronry.types.errors import FailedPreconditionError, ResourceExhaustedError
from heronry.types.experience import AcknowledgementLevel

_MOST_NOTED: Final = 256


class TableJournal:
    """Keeps effects until the next commit; bounded, because so many are committed by themselves.

    While the log is broken, effects are dropped and nothing that would be acknowledged is let in: reading
    goes on, and what it changes is in the snapshot with which the journal resumes. Columns that could not
    be forced to the disk let nothing in any more.

    Task-safety: one owner; `sync` and `settled` may be called from other threads.
    """

    def __init__(self, memory: StepMemory, level: AcknowledgementLevel) -> None:
        """Prepare a journal; nothing is noted before `start`."""
        self._started: Log | None = None
        self._memory = memory
        self._is_disk = level is AcknowledgementLevel.DISK
        self._noted: list[Effect] = []
        self._is_resuming = False
        self._durable = 0
        self._columns_error: OSError | None = None

    def start(self, log: Log) -> None:
        """Note in a log from now on; what is in it is on the disk, or was recovered from it."""
        self._started = log
        self._durable = log.committed

    @property
    def has_noted(self) -> bool:
        """Whether effects wait for a commit."""
        return bool(self._noted)

    @property
    def committed(self) -> int:
        """Position of the last effect that the operating system has."""
        return self._log.committed

    @property
    def settled(self) -> int:
        """Position up to which effects survive what the table's level promises."""
        return self._durable if self._is_disk else self._log.committed

    @property
    def needs_snapshot(self) -> bool:
        """Whether a snapshot, and only that, lets the journal go on."""
        return self._columns_error is None and (self._log.broken is not None or self._is_resuming)

    @property
    def has_room(self) -> bool:
        """Whether what adds to the table is let in."""
        return self._columns_error is None and not self.needs_snapshot and self._log.refill()

    @property
    def num_bytes(self) -> int:
        """Bytes appended to the log since it was opened."""
        return self._log.num_bytes

    def note(self, effect: Effect) -> None:
        self._noted.append(effect)
        if len(self._noted) >= _MOST_NOTED:
            with contextlib.suppress(ResourceExhaustedError):
                self.commit()

    def commit(self) -> int:
        noted, self._noted = self._noted, []
        log = self._log
        if noted and log.broken is None:
            return log.append([(RECORD_KIND, encode(noted))])
        return log.append([]) if log.broken is not None else log.committed

    def check_room(self) -> None:
        """Refuse what adds to the table while the log could not say so.

        Raises:
          ResourceExhaustedError: the disk is full or has failed; names which.
        """
        self._check_columns()
        if self._log.broken is not None:
            self._log.append([])
        if self._is_resuming:
            raise _no_room("a snapshot is being written after the log had failed")
        if not self._log.refill():
            raise _no_room("no space is left on the disk for a spare segment")

    def resume(self) -> None:
        """Go on in a new segment after a failure; nothing is let in before `resumed`.

        Raises:
          ResourceExhaustedError: there is still no room.
        """
        self._noted = []
        self._is_resuming = True
        self._log.begin(self._log.last_tried)

    def resumed(self, position: int) -> None:
        """Say that a snapshot at a position is on disk."""
        self._is_resuming = False
        self._durable = max(self._durable, position)

    def sync(self) -> int:
        """Give what was committed before the table's level, and return its position.

        For DISK that is forced to the disk, columns first: what the log speaks of is there when the log is.

        Raises:
          ResourceExhaustedError: that failed; what is after `settled` may be lost.
        """
        position = self._log.committed
        if not self._is_disk:
            return position
        self._check_columns()
        try:
            self._memory.sync()
        except OSError as error:
            # The system may have dropped what it could not write: to try again would say that all is well.
            self._columns_error = error
            self._check_columns()
        self._log.sync()
        self._durable = max(self._durable, position)
        return self._durable

    def drop_through(self, position: int) -> None:
        """Remove segments of the log that a snapshot has made superfluous."""
        self._log.drop_through(position)

    def close(self) -> None:
        """Commit what is noted and close the log."""
        if self._started is None:
            return
        with contextlib.suppress(ResourceExhaustedError):
            self.commit()
        self._started.close()

    def _check_columns(self) -> None:
        if self._columns_error is not None:
            reason = f"{self._columns_error.strerror}; the service must be started again, and checks all steps then"
            raise ResourceExhaustedError(
                f"the steps could not be forced to the disk: {reason}", details={"resource": "disk", "reason": reason}
            )

    @property
    def _log(self) -> Log:
        if self._started is None:
            raise FailedPreconditionError("the journal was not started")
        return self._started


def _no_room(reason: str) -> ResourceExhaustedError:
    return ResourceExhaustedError(f"the log cannot grow: {reason}", details={"resource": "log", "reason": reason})
