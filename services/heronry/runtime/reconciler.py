"""Hands assignments to a service, one at a time and only the newest."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from heronry.runtime.backoff import Backoff
from heronry.runtime.service import Service
from heronry.types.errors import HeronryError
from heronry.types.run import Assignment, Progress
from heronry.wire.status import is_retryable

_log = structlog.get_logger(__name__)


class Reconciler:
    """Serialises `Service.reconcile`; assignments that came meanwhile are skipped but for the last.

    An error that may pass is tried again until a newer assignment comes; any other becomes the
    failure of the run in the service's progress.
    """

    def __init__(self, service: Service, on_taken: Callable[[], None] = lambda: None) -> None:
        """`on_taken` is called when the service has taken up an assignment, or failed to."""
        self.assignment: Assignment | None = None
        self._service = service
        self._on_taken = on_taken
        self._taken = Assignment()
        self._news = asyncio.Event()
        self._failure = ""

    def deliver(self, assignment: Assignment) -> None:
        """Take a newer assignment."""
        self.assignment = assignment
        self._news.set()

    def progress(self) -> Progress:
        """Return the service's progress on what it has taken up, or why that failed."""
        run_id, num_starts = self._taken.run_id, self._taken.num_starts
        try:
            progress = self._service.progress()
        except Exception as error:  # noqa: BLE001 # a service that cannot tell its progress still keeps its lease
            _log.error("progress_failed", exc_info=error)
            return Progress(run_id, failure=f"{type(error).__name__}: {error}", num_starts=num_starts)
        if self._failure and progress.failure is None:
            progress = replace(progress, run_id=run_id, failure=self._failure)
        return replace(progress, num_starts=num_starts) if progress.run_id == run_id else progress

    async def run(self) -> None:
        """Reconcile until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self.assignment is not None:
                await self._reconcile(self.assignment)

    async def _reconcile(self, assignment: Assignment) -> None:
        backoff = Backoff()
        while not self._news.is_set():
            try:
                await self._service.reconcile(assignment)
            except HeronryError as error:
                if is_retryable(error):
                    _log.warning("reconcile_waits", run_id=assignment.run_id, reason=str(error))
                    await asyncio.sleep(backoff.next_s())
                    continue
                self._fail(assignment, error)
            except Exception as error:  # noqa: BLE001 # the service lives on; the coordinator is told
                self._fail(assignment, error)
            else:
                self._failure = ""
            self._taken = assignment
            self._on_taken()
            return

    def _fail(self, assignment: Assignment, error: Exception) -> None:
        is_ours = not isinstance(error, HeronryError)
        _log.error("reconcile_failed", run_id=assignment.run_id, reason=str(error), exc_info=error if is_ours else None)
        self._failure = f"{type(error).__name__}: {error}"
