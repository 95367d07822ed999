"""One StreamPriorities stream: requests applied in their order, those that queue up together."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.replay.core.priorities import checked_priorities
from heronry.replay.hosts import TableHost, TableHosts
from heronry.replay.stream_inbox import StreamInbox
from heronry.types.blocking import Changed
from heronry.types.errors import InvalidArgumentError, MessageTooLargeError
from heronry.wire.packed import packed_keys, packed_priorities

Send = Callable[[pb.StreamPrioritiesResponse], Awaitable[None]]

E = TypeVar("E", bound=np.generic)

# With the bound on a request: 64 MiB a stream that is sent faster than it is applied.
_MAX_QUEUED: Final = 64
_MAX_KEYS: Final = 65_536
# At most so many updates are made on the event loop, and at most so many in one call.
_SHORT_KEYS: Final = 4096
_GROUP_KEYS: Final = 65_536
_GATHERING_S: Final = 0.001


@dataclass(frozen=True)
class PriorityUpdates:
    """One request, checked."""

    keys: npt.NDArray[np.uint64]
    priorities: npt.NDArray[np.float64]


async def serve_priorities(requests: AsyncIterable[pb.StreamPrioritiesRequest], send: Send, hosts: TableHosts) -> None:
    """Apply updates until the client ends or is lost, and answer with what was done since the stream began.

    What comes in while some are applied is applied together, and answered once. A request that cannot be
    applied ends the stream with its error: those before it are applied and answered, nothing of it is.
    """
    iterator = aiter(requests)
    first = await anext(iterator, None)
    if first is None:
        return
    host = hosts.get(first.table)
    done = pb.StreamPrioritiesResponse()
    inbox = StreamInbox(iterator, _following, _MAX_QUEUED)
    try:
        await _apply(host, deque([_decoded(first)]), done)
        await send(done)
        while await inbox.wait():
            await _apply(host, inbox.messages, done)
            inbox.taken()
            await send(done)
            if inbox.messages:
                # More came in meanwhile: a flow of updates costs least in larger groups.
                await asyncio.sleep(_GATHERING_S)
    finally:
        await inbox.close()


async def _apply(host: TableHost, queued: deque[PriorityUpdates], done: pb.StreamPrioritiesResponse) -> None:
    """Apply what is queued, up to a bound, in one core call."""
    group = [queued.popleft()]
    num_keys = len(group[0].keys)
    while queued and num_keys + len(queued[0].keys) <= _GROUP_KEYS:
        group.append(queued.popleft())
        num_keys += len(group[-1].keys)
    keys = _joined([g.keys for g in group])
    priorities = _joined([g.priorities for g in group])

    def update() -> Changed[int]:
        return Changed(host.table.update_priorities(keys, priorities))

    at_once = host.attempt(update) if num_keys <= _SHORT_KEYS else None
    num_applied = await host.change(update) if at_once is None else at_once.value
    done.num_requests += len(group)
    done.num_applied += num_applied
    done.num_ignored += num_keys - num_applied


def _following(request: pb.StreamPrioritiesRequest) -> PriorityUpdates:
    if request.table:
        raise InvalidArgumentError.of("table", request.table, "empty after the first message")
    return _decoded(request)


def _decoded(request: pb.StreamPrioritiesRequest) -> PriorityUpdates:
    keys = packed_keys(request.keys)
    if len(keys) > _MAX_KEYS:
        raise MessageTooLargeError.of("keys", f"{len(keys)} keys", f"at most {_MAX_KEYS} a request")
    priorities = packed_priorities(request.priorities, len(keys))
    checked_priorities(priorities)
    return PriorityUpdates(keys, priorities)


def _joined(arrays: list[npt.NDArray[E]]) -> npt.NDArray[E]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
