"""A mesh inside this process: the real services on UNIX sockets, on one background thread's event loop."""

import asyncio
import importlib
import shutil
import threading
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, get_type_hints

from heronry.launch.layout import Layout
from heronry.launch.local import instances_of
from heronry.launch.owned_folder import make_owned_folder
from heronry.runtime.logging import GuestLog
from heronry.runtime.node import ServiceNode
from heronry.runtime.service import Service
from heronry.runtime.settings import ServiceSettings, validated
from heronry.types.errors import HeronryError

T = TypeVar("T")
STOP_TIMEOUT_S = 15.0
START_TIMEOUT_S = 60.0


class EmbeddedMesh:
    """Coordinator, params, replay, fleets and learner in one background thread.

    The same services, protocol and sockets as everywhere; only the processes are missing. Use as
    a context manager, `with` or `async with`; the loop of the caller is never blocked by the services.
    What they log goes to `embedded.log` in the data directory; without one, warnings go to standard
    error. A program that has configured structlog gets the lines there instead.
    """

    def __init__(self, *, data_dir: Path | None = None, num_fleets: int = 1) -> None:
        self._temporary = make_owned_folder(prefix="heronry-runs-") if data_dir is None else None
        self.data_dir = data_dir or self._temporary or Path("runs")
        self._num_fleets = num_fleets
        self._log = GuestLog(None if data_dir is None else data_dir / "embedded.log")
        self._layout: Layout | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._nodes: list[ServiceNode] = []

    @property
    def address(self) -> str:
        """The coordinator's UNIX socket."""
        if self._layout is None:
            raise RuntimeError("the mesh is not started: use it as a context manager")
        return self._layout.address("coordinator-0")

    def start(self) -> Self:
        """Start the loop and every service on it; returns when all of them serve."""
        self._begin().result(START_TIMEOUT_S)
        return self

    def stop(self) -> None:
        """Drain and stop every service, end the loop's thread, remove the sockets."""
        thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        self._thread = self._loop = None
        try:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(STOP_TIMEOUT_S)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(STOP_TIMEOUT_S)
            if not loop.is_running():
                loop.close()
            self._log.close()
            self._remove_files()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(START_TIMEOUT_S):
            await asyncio.wrap_future(self._begin())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _begin(self) -> "Future[None]":
        self._layout = Layout.create(self.data_dir, self.data_dir)
        self._log.open()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_run_loop, args=(self._loop,), name="heronry-embedded", daemon=True)
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._start_nodes(self._layout), self._loop)

    async def _start_nodes(self, layout: Layout) -> None:
        try:
            for role, index in instances_of(self._num_fleets):
                self._nodes.append(_make_node(role, index, layout))
            await asyncio.gather(*(node.start() for node in self._nodes))
        except BaseException:
            await self._stop_nodes()
            raise

    async def _end(self) -> None:
        await self._stop_nodes()
        # A service that was stopped while it started leaves an import behind in a thread: it ends before the loop.
        await asyncio.get_running_loop().shutdown_default_executor()

    async def _stop_nodes(self) -> None:
        # The coordinator last, so that the others can give their leases back.
        nodes, self._nodes = self._nodes, []
        others = [node for node in nodes if node.role != "coordinator"]
        outcomes = await asyncio.gather(*(node.stop() for node in others), return_exceptions=True)
        for node in nodes:
            if node.role == "coordinator":
                await node.stop()
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, HeronryError):
                raise outcome

    def _remove_files(self) -> None:
        if self._layout is not None:
            self._layout.remove_sockets()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


def _make_node(role: str, index: int, layout: Layout) -> ServiceNode:
    package = importlib.import_module(f"heronry.{role}")
    instance = f"{role}-{index}"
    coordinator = "" if role == "coordinator" else layout.address("coordinator-0")
    settings_class: type[ServiceSettings] = get_type_hints(package.build)["settings"]
    values = {
        "instance": instance,
        "listen": (layout.address(instance),),
        "coordinator": coordinator,
        "data_dir": layout.data_dir,
    }
    settings = validated(settings_class, values)
    service: Service = package.build(settings)
    return ServiceNode(service, settings)
