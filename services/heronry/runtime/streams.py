"""Reading and writing streams so that a peer that stalls ends its stream, and nothing else."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, TypeVar

from heronry.types.errors import AbortedError

T = TypeVar("T")


async def guarded(requests: AsyncIterable[T], stall_s: float) -> AsyncIterator[T]:
    """Yield the messages of a request stream.

    The stream simply ends when the client dies or cancels: its end is not the end of an upload.

    Raises:
      AbortedError: the writer was silent for `stall_s`.
    """
    iterator = aiter(requests)
    while True:
        try:
            async with asyncio.timeout(stall_s) as bound:
                message = await anext(iterator)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if not bound.expired():
                raise
            raise _stalled("writer", "sent", stall_s) from None
        yield message


async def write(context: Any, message: object, stall_s: float) -> None:  # noqa: ANN401 # gRPC's context or ours
    """Send one message of a response stream.

    Raises:
      AbortedError: the reader took nothing for `stall_s`.
    """
    try:
        async with asyncio.timeout(stall_s) as bound:
            await context.write(message)
    except TimeoutError:
        if not bound.expired():
            raise
        raise _stalled("reader", "took", stall_s) from None


def _stalled(side: str, verb: str, stall_s: float) -> AbortedError:
    details = {"side": side, "stall_s": f"{stall_s:g}"}
    return AbortedError(f"the {side} {verb} nothing for {stall_s:g} s; connect again", details=details)
