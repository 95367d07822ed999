"""The main function of a service's process."""

import asyncio
import contextlib
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import psutil
import structlog

from heronry.runtime.logging import configure
from heronry.runtime.node import ServiceNode
from heronry.runtime.service import Service
from heronry.runtime.settings import ServiceSettings, load_settings
from heronry.types.errors import HeronryError, InvalidArgumentError

S = TypeVar("S", bound=ServiceSettings)

OK: Final = 0
OUR_ERROR: Final = 1
USER_ERROR: Final = 2

# Of the time to drain: for the node; the rest is for the loop and the interpreter to end.
_DRAIN_SHARE: Final = 0.9
_PARENT_PERIOD_S: Final = 0.5

_log = structlog.get_logger(__name__)
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def run_service(
    role: str, settings_class: type[S], build: Callable[[S], Service], argv: Sequence[str] | None = None
) -> int:
    """Run one service until SIGTERM or SIGINT; return the exit status.

    0 after a drain, 2 for mistakes in settings (one line, no traceback unless `--debug`), 1 else.
    """
    arguments = sys.argv[1:] if argv is None else argv
    is_debug = "--debug" in arguments
    try:
        settings = load_settings(settings_class, arguments, os.environ, role)
        is_debug = settings.debug
        configure(settings.log_format, settings.log_level)
        _watch_parent(settings.parent_pid)
        factory, has_uvloop = _loop_factory(wanted=settings.uvloop)
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_serve(build(settings), settings, has_uvloop=has_uvloop))
    except KeyboardInterrupt:
        return OK
    except Exception as error:  # noqa: BLE001 # the last place where an error can be told
        return _tell(error, role, is_debug=is_debug)
    return OK


async def _serve(service: Service, settings: ServiceSettings, *, has_uvloop: bool) -> None:
    node = ServiceNode(service, settings)
    stopping = _stop_signals(settings.drain_s)
    starting = asyncio.ensure_future(node.start())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            _tell_serving(node, has_uvloop=has_uvloop)
            await stopping
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await _drain(node, settings.drain_s)
    _log.info("stopped", role=node.role, instance=node.instance)


def _tell_serving(node: ServiceNode, *, has_uvloop: bool) -> None:
    fields: dict[str, object] = {"uvloop": has_uvloop}
    if node.settings.uvloop and not has_uvloop:
        fields["uvloop_reason"] = "not installed"
    _log.info("serving", role=node.role, instance=node.instance, addresses=list(node.addresses), **fields)


async def _drain(node: ServiceNode, drain_s: float) -> None:
    try:
        async with asyncio.timeout(drain_s * _DRAIN_SHARE):
            await node.stop()
    except TimeoutError:
        _log.warning("drain_timed_out", drain_s=drain_s)


def _stop_signals(drain_s: float) -> "asyncio.Future[None]":
    """Return what is done at the first SIGTERM or SIGINT; from then on the process has `drain_s`."""
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if stopping.done():
            os._exit(OUR_ERROR)
        # Threads that hang, and the interpreter waits for, must not outlive the time to drain.
        watchdog = threading.Timer(drain_s, os._exit, (OUR_ERROR,))
        watchdog.daemon = True
        watchdog.start()
        stopping.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping


def _loop_factory(*, wanted: bool) -> tuple[LoopFactory, bool]:
    if wanted:
        with contextlib.suppress(ImportError):
            import uvloop  # optional: not on every platform

            return uvloop.new_event_loop, True
    return asyncio.new_event_loop, False


def _watch_parent(parent_pid: int | None) -> None:
    """Stop this process as by SIGTERM when its supervisor is gone, however that ended."""
    if parent_pid is None:
        return

    # Not PR_SET_PDEATHSIG: that fires when the supervisor's *thread* that made us ends.
    def watch() -> None:
        _wait_for_end(parent_pid)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="heronry-parent", daemon=True).start()


def _wait_for_end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:
        # Sandboxes may forbid it: ask from time to time.
        while psutil.pid_exists(pid):
            time.sleep(_PARENT_PERIOD_S)
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll()


def _tell(error: Exception, role: str, *, is_debug: bool) -> int:
    if is_debug:
        traceback.print_exception(error)
    print(f"heronry {role}: {error if isinstance(error, HeronryError) else repr(error)}", file=sys.stderr)
    return USER_ERROR if isinstance(error, InvalidArgumentError) else OUR_ERROR
