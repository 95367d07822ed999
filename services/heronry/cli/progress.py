"""A run's progress at the terminal: a live panel, or plain lines where nobody watches."""

import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from heronry.types.run import RunState, RunStatus

PLAIN_INTERVAL_S = 5.0
RATE_WINDOW_S = 5.0


class StepRate:
    """Environment steps per second over the last seconds."""

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._points: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, env_steps: int) -> float:
        """Take a reading and return the rate; 0 until two readings differ in time."""
        self._points.append((now_s, env_steps))
        while len(self._points) > 2 and now_s - self._points[1][0] >= self._window_s:
            self._points.popleft()
        (first_s, first), (last_s, last) = self._points[0], self._points[-1]
        return max(0.0, (last - first) / (last_s - first_s)) if last_s > first_s else 0.0


class ProgressView(Protocol):
    """Shows statuses as they come."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, status: RunStatus) -> None:
        """Show the newest status."""
        ...


class LiveView:
    """One table that is redrawn in place."""

    def __init__(self, console: Console, title: str, target_return: float | None) -> None:
        self._title = title
        self._target = target_return
        self._rate = StepRate()
        self._live = Live(console=console, refresh_per_second=8, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, status: RunStatus) -> None:
        """Redraw with the newest status."""
        rate = self._rate.add(time.monotonic(), status.env_steps)
        table = Table(title=f"{self._title}: {status.state.value}", title_justify="left", box=None, show_header=False)
        table.add_column(style="dim", min_width=18)
        table.add_column()
        for name, value in figures(status, rate, self._target):
            table.add_row(name, value)
        self._live.update(table)


class PlainView:
    """A line every few seconds, and one at each change of state or new evaluation."""

    def __init__(self, console: Console, title: str, target_return: float | None) -> None:
        self._console = console
        self._title = title
        self._target = target_return
        self._rate = StepRate()
        self._last_s = float("-inf")
        self._last: tuple[object, ...] = ()

    def __enter__(self) -> Self:
        self._console.print(self._title)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was taken, nothing is given back."""

    def show(self, status: RunStatus) -> None:
        """Write a line when it is time or there is news."""
        now = time.monotonic()
        rate = self._rate.add(now, status.env_steps)
        # While its services gather, what a run waits for changes too often for a line each time.
        told = status.message if status.state is RunState.RUNNING else ""
        news = (status.state, status.evaluation, told)
        if news == self._last and now - self._last_s < PLAIN_INTERVAL_S:
            return
        self._last, self._last_s = news, now
        parts = [f"{name} {value}" for name, value in figures(status, rate, self._target)]
        self._console.print(f"{status.state.value}: " + ", ".join(parts), markup=False)


def view_for(console: Console, title: str, target_return: float | None) -> ProgressView:
    """Return the live panel on a terminal, plain lines elsewhere."""
    return (LiveView if console.is_terminal else PlainView)(console, title, target_return)


def figures(status: RunStatus, rate: float, target_return: float | None) -> list[tuple[str, str]]:
    """Return names and values of what a person wants to see of a run."""
    rows = [
        ("elapsed", f"{status.elapsed_s:.1f} s"),
        ("env steps", f"{status.env_steps:,}"),
        ("steps/s", f"{rate:,.0f}"),
        ("updates", f"{status.updates:,}"),
        ("training return", "-" if status.mean_return is None else f"{status.mean_return:.1f}"),
        ("last evaluation", _evaluation(status, target_return)),
    ]
    if status.message and status.state is not RunState.FINISHED:
        rows.append(("message", status.message))
    return rows


def _evaluation(status: RunStatus, target_return: float | None) -> str:
    target = "" if target_return is None else f" (target {target_return:g})"
    if status.evaluation is None:
        return f"none yet{target}"
    outcome = status.evaluation
    return f"{outcome.mean_return:.1f} ± {outcome.sd_return:.1f} over {outcome.num_episodes}{target}"
