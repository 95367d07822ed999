"""Versions on their way to readers."""

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.core.encoding import Packing, packing_for
from heronry.params.core.model import Model
from heronry.params.core.versions import Published
from heronry.params.frames import FrameCache, Write, manifest_frame, shared_frame, unchanged_frame
from heronry.params.local_pulls import LocalPulls
from heronry.params.open_state import OpenState
from heronry.params.selection import selection
from heronry.params.shared_versions import Offer, SharedVersions
from heronry.runtime.clock import Clock
from heronry.runtime.descriptor_socket import Answering
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.errors import FailedPreconditionError, ModelNotFoundError, VersionNotFoundError
from heronry.types.version import ParameterVersion
from heronry.wire.contributions import codec_from_proto
from heronry.wire.times import duration_from_proto
from heronry.wire.versions import version_from_proto

T = TypeVar("T")


class _Request(Protocol):
    """What pulls and watches have in common."""

    accepts_shared_memory: bool


class Downloads:
    """Sends versions as frames, or tells where they lie in shared memory; for one event loop."""

    def __init__(self, frames: FrameCache, shared: SharedVersions, clock: Clock) -> None:
        self._frames = frames
        self._shared = shared
        self._local = LocalPulls(shared, clock)
        self._clock = clock

    async def pull(self, state: OpenState, request: pb.PullRequest, client_id: str, write: Write) -> None:
        """Write the frames of the version that a request selects, when there is one to send."""
        codec = codec_from_proto(request.codec)
        published = await self._selected(state, request, client_id)
        # A schema never changes and the newest version is one reference: read without the owner.
        model = state.models.model(request.model)
        if published is None:
            await write(unchanged_frame(model.history.newest))
            return
        # Whoever fetches it may ask for the next one where it fetched this.
        offer = await self._offer(state, model, published, request, partial(self._local.answer, state, client_id))
        if offer is not None:
            await write(shared_frame(model.schema, published, offer))
            return
        base = version_from_proto(request.base) if request.HasField("base") else None
        held = None if base is None else await state.owner.brief(_held, model, base)
        await self._send(state, model, published, packing_for(codec, held, request.top_k_share), write)

    async def watch(self, state: OpenState, request: pb.WatchRequest, write: Write) -> None:
        """Write the frames of the newest version, again and again; a reader that is slow finds only the newest."""
        codec = codec_from_proto(request.codec)
        model: Model = await state.owner.brief(state.models.model, request.model)
        last = version_from_proto(request.newer_than) if request.HasField("newer_than") else None
        while True:
            published = await state.owner.call(state.models.newer, request.model, last, True)
            if published is None:
                raise AssertionError("a reader that may wait is given a version")
            last = published.version
            if not request.with_values:
                await write(manifest_frame(model.schema, published))
                continue
            offer = await self._offer(state, model, published, request)
            if offer is not None:
                await write(shared_frame(model.schema, published, offer))
                # The next version is not looked for before this one was fetched: a slow reader skips.
                await offer.ended.wait()
                continue
            await self._send(state, model, published, packing_for(codec, None, 0.0), write)

    async def _offer(
        self,
        state: OpenState,
        model: Model,
        published: Published,
        request: _Request,
        answering: Answering | None = None,
    ) -> Offer | None:
        """Return where the reader finds the version in memory; None when it must go by the stream."""
        offer = await self._shared.offer(published, answering) if request.accepts_shared_memory else None
        if offer is not None:
            state.models.count_sent(model.name, offer.num_bytes)
        return offer

    async def _send(self, state: OpenState, model: Model, published: Published, packing: Packing, write: Write) -> None:
        frames = await self._frames.frames(model.name, model.layout, published, packing)
        await frames.send(write)
        state.models.count_sent(model.name, frames.num_bytes)

    async def _selected(self, state: OpenState, request: pb.PullRequest, client_id: str) -> Published | None:
        wait_s = duration_from_proto(request.wait) if request.HasField("wait") else None
        begun_s = self._clock.now()
        await self._wait_for_slower(state, request.model, client_id, wait_s)
        left_s = None if wait_s is None else max(0.0, wait_s - (self._clock.now() - begun_s))
        than = version_from_proto(request.newer_than) if request.HasField("newer_than") else None
        number, tag = selection(request)
        if number is None and tag is None:
            return await _awaited(state, state.models.newer, request.model, than, wait_s=left_s)
        published = await _awaited(state, state.models.select, request.model, number, tag, wait_s=left_s)
        return published if published.version.is_newer_than(than) else None

    async def _wait_for_slower(self, state: OpenState, model: str, client_id: str, wait_s: float | None) -> None:
        # The time is read whenever the owner tries, not when the wait begins.
        def check() -> None:
            with contextlib.suppress(ModelNotFoundError):
                state.models.check_lead(model, client_id, self._clock.now())

        if wait_s is None:
            await state.owner.brief(partial(_refused_at_once, check))
        else:
            await state.owner.brief(check, timeout_s=wait_s)


async def _awaited(state: OpenState, read: Callable[..., T], *args: object, wait_s: float | None) -> T:
    """Find here and now what is there already; else as `OpenState.awaited`."""
    found = state.owner.attempt(lambda: Changed(read(*args, wait_s is not None)))
    return await state.awaited(read, *args, wait_s=wait_s) if found is None else found.value


def _held(model: Model, base: ParameterVersion) -> Published | None:
    """Return a version that a reader has, if its very values are still here."""
    try:
        found = model.history.base(base)
    except VersionNotFoundError:
        return None
    return found if found.version.has_values_of(base) else None


def _refused_at_once(check: Callable[[], None]) -> None:
    try:
        check()
    except WouldBlock as blocked:
        waiting = blocked.waiting
        details = {"term": waiting.term, "value": f"{waiting.value:g}", "bound": f"{waiting.bound:g}"}
        raise FailedPreconditionError(f"{waiting}; say how long to wait", details=details) from None
