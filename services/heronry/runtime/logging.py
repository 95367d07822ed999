"""Log lines: an event and its fields, for people or for programs."""

import logging
import os
import sys
from pathlib import Path
from typing import Any, Literal, TextIO, cast

import structlog


def configure(log_format: Literal["console", "json"], level: str, path: Path | None = None) -> None:
    """Send structlog and standard logging, one line an event, to standard error or to a file.

    Libraries that use standard logging are heard from WARNING on, whatever the level.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler() if path is None else logging.FileHandler(path, encoding="utf-8")
    stream = cast("TextIO", handler.stream)
    structlog.configure(
        processors=[*_shared(), *_renderers(log_format, stream)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(log_format, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))


class GuestLog:
    """The lines of services that are guests in somebody's program: kept off its output.

    They go to a file, or, without one, to standard error from WARNING on. Standard logging is the
    program's own, and so is structlog where the program has configured it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._factory: structlog.WriteLoggerFactory | None = None

    def open(self) -> None:
        """Take over structlog unless somebody has configured it."""
        if structlog.is_configured():
            return
        if self._path is not None:
            self._file = self._path.open("a", encoding="utf-8")
        self._factory = structlog.WriteLoggerFactory(self._file or sys.stderr)
        structlog.configure(
            processors=[*_shared(), *_renderers("console", self._file or sys.stderr)],
            wrapper_class=structlog.make_filtering_bound_logger(
                logging.WARNING if self._file is None else logging.INFO
            ),
            logger_factory=self._factory,
            cache_logger_on_first_use=False,
        )

    def close(self) -> None:
        """Leave structlog as it was found."""
        if self._factory is not None and structlog.get_config()["logger_factory"] is self._factory:
            structlog.reset_defaults()
        if self._file is not None:
            self._file.close()
        self._file = self._factory = None


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderers(log_format: str, stream: TextIO) -> list[Any]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    colors = stream.isatty() and "NO_COLOR" not in os.environ
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
