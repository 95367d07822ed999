"""The channels to one service, and what every call on them has in common."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import grpc
import grpc.aio

from heronry.client.options import ConnectionOptions
from heronry.client.peer_status import CUT_OFF
from heronry.client.retries import Retries
from heronry.types.errors import DeadlineExceededError, HeronryError, UnavailableError
from heronry.wire.addresses import UNIX_PREFIX
from heronry.wire.status import FailedCall, error_from_rpc

T = TypeVar("T")
Resolver = Callable[[], Awaitable[Sequence[str]]]


def choose_address(addresses: Sequence[str]) -> str:
    """Return the first address that can be reached from here: a UNIX socket that exists, else TCP.

    Raises:
      UnavailableError: there is none.
    """
    for address in addresses:
        if not address.startswith(UNIX_PREFIX) or Path(address.removeprefix(UNIX_PREFIX)).is_socket():
            return address
    if addresses:
        # Nobody listens there yet; the call's own error will say so.
        return addresses[0]
    raise UnavailableError("the service listens nowhere")


class Connection:
    """A control and a bulk channel to one service, opened at the first use; belongs to one event loop.

    Large answers have a channel of their own, which threads read.
    """

    def __init__(self, service: str, resolve: Resolver, options: ConnectionOptions) -> None:
        self.service = service
        self.options = options
        self.address = ""
        self.metadata = options.metadata
        self._resolve = resolve
        self._channels: tuple[grpc.aio.Channel, grpc.aio.Channel] | None = None
        self._reading: grpc.Channel | None = None
        self._is_closed = False
        self._lock = asyncio.Lock()

    async def control(self) -> grpc.aio.Channel:
        """Return the channel for small calls."""
        return (self._channels or await self._open())[0]

    async def bulk(self) -> grpc.aio.Channel:
        """Return the channel for large values and streams of them."""
        return (self._channels or await self._open())[1]

    async def reading(self) -> grpc.Channel:
        """Return the channel for large answers; see `read_in_thread`."""
        await self.bulk()
        if self._reading is None:
            self._reading = self.options.open_reading_channel(self.address)
        return self._reading

    async def refresh(self) -> None:
        """Look up the address again after nobody answered; a changed one gets new channels."""
        try:
            address = choose_address(await self._resolve())
        except HeronryError:
            return
        if address != self.address and not self._is_closed:
            await self._drop()

    async def close(self) -> None:
        """Close both channels; calls in flight are cancelled."""
        self._is_closed = True
        await self._drop()

    async def retried(self, method: str, attempt: Callable[[float], Awaitable[T]], timeout_s: float | None = None) -> T:
        """Make a call, again while nobody answers; `attempt` gets the seconds left.

        For calls that may be made twice: idempotent ones, or those with a request id.
        """
        timeout_s = self.options.timeout_s if timeout_s is None else timeout_s
        end_s = time.monotonic() + timeout_s
        retries = Retries(min(self.options.retry_s, timeout_s))
        while True:
            try:
                with self.named_errors(method, timeout_s):
                    return await attempt(end_s - time.monotonic())
            except HeronryError as error:
                delay_s = retries.delay_after(error)
                if time.monotonic() + delay_s >= end_s:
                    raise
            await self.refresh()
            await asyncio.sleep(delay_s)

    async def kept_open(self, method: str, session: Callable[[Retries], Awaitable[bool]]) -> None:
        """Run a stream's sessions, a new one whenever one breaks, until one returns True.

        A session calls `note_success` on what it is given when the service has answered.
        """
        retries = Retries(self.options.reconnect_s)
        while True:
            try:
                with self.named_errors(method):
                    if await session(retries):
                        return
                raise UnavailableError(f"{self._where}: {method} was ended by the service")
            except HeronryError as error:
                delay_s = retries.delay_after(error)
            await self.refresh()
            await asyncio.sleep(delay_s)

    @contextmanager
    def named_errors(self, method: str, timeout_s: float | None = None) -> Iterator[None]:
        """Raise the named error of a failed call in place of gRPC's."""
        try:
            yield
        except grpc.RpcError as error:
            raise self._named(cast("FailedCall", error), method, timeout_s) from error
        except grpc.aio.UsageError as error:
            raise UnavailableError(f"{self._where}: the connection is closed") from error
        except asyncio.CancelledError as error:
            # A call that the *peer* cancelled raises CancelledError too; our own task was not cancelled.
            task = asyncio.current_task()
            if task is None or task.cancelling() > 0:
                raise
            raise UnavailableError(f"{self._where}: {method} was cut off") from error

    def _named(self, error: FailedCall, method: str, timeout_s: float | None) -> HeronryError:
        named = error_from_rpc(error)
        if "code" not in named.details:
            return named
        if error.code() is grpc.StatusCode.CANCELLED:
            # Our own cancellation is a CancelledError; this is the service's, which is going away.
            return UnavailableError(f"{self._where}: {method} was cut off")
        if isinstance(named, UnavailableError) or named.message == CUT_OFF:
            details = {"address": self.address, "method": method}
            return UnavailableError(f"nobody answers for {self._where} ({named.message})", details=details)
        if isinstance(named, DeadlineExceededError) and timeout_s is not None:
            details = {"address": self.address, "method": method, "timeout_s": f"{timeout_s}"}
            return DeadlineExceededError(
                f"{self._where}: no answer to {method} within {timeout_s:g} s", details=details
            )
        return named

    @property
    def _where(self) -> str:
        return f"{self.service} at {self.address or 'an unknown address'}"

    async def _open(self) -> tuple[grpc.aio.Channel, grpc.aio.Channel]:
        async with self._lock:
            if self._is_closed:
                raise UnavailableError(f"{self._where}: the connection is closed")
            if self._channels is None:
                self.address = choose_address(await self._resolve())
                control = self.options.open_channel(self.address, bulk=False)
                self._channels = control, self.options.open_channel(self.address, bulk=True)
            return self._channels

    async def _drop(self) -> None:
        channels, self._channels = self._channels, None
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.close()
        for channel in channels or ():
            await channel.close()
