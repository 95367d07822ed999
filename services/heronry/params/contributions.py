"""Contributions on their way in."""

import asyncio
import math
from collections.abc import AsyncIterator

import numpy as np

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.decoding import Decoded, check_packing, decode_packed
from heronry.params.core.layout import Bytes, ParameterLayout
from heronry.params.core.measured_copy import MeasuredCopy
from heronry.params.frames import FrameCache
from heronry.params.loans import Loans
from heronry.params.open_state import OpenState
from heronry.params.staging import Staging
from heronry.params.upload import Upload
from heronry.runtime.clock import Clock
from heronry.types.contribution import Acknowledgement, ParameterCodec
from heronry.types.errors import HeronryError, InvalidContributionError
from heronry.wire.chunks import CHUNK_BYTES
from heronry.wire.contributions import contribution_header_from_proto


class Contributions:
    """Takes contributions: refused early where that spares the upload, put together once, decoded in a thread.

    The model's owner sees values that are complete, equal to what was sent, and finite. Of an upload that
    fails nothing stays. For one event loop.
    """

    def __init__(
        self, staging: Staging, pool: BufferPool, loans: Loans, frames: FrameCache, stall_s: float, clock: Clock
    ) -> None:
        """Take where uploads are put together and what they may refer to; a writer that stalls is ended."""
        self._staging = staging
        self._pool = pool
        self._loans = loans
        self._frames = frames
        self._stall_s = stall_s
        self._clock = clock

    async def push(self, state: OpenState, requests: AsyncIterator[bytes], client_id: str) -> Acknowledgement:
        """Take one contribution from its stream; a refusal is counted under its name."""
        with Upload(requests, pb.PushRequest, self._stall_s) as upload:
            message = (await upload.header()).header
            try:
                answer = await self._pushed(state, upload, message, client_id)
            except HeronryError as error:
                if not message.validate_only:
                    await state.owner.call(state.models.count_refused, message.model, client_id, type(error).__name__)
                raise
        if answer.closed_round:
            self._frames.outdate(message.model, answer.version)
        return answer

    async def _pushed(
        self, state: OpenState, upload: Upload[pb.PushRequest], message: pb.PushHeader, client_id: str
    ) -> Acknowledgement:
        header = contribution_header_from_proto(message)
        # A model's layout never changes: read without the owner.
        layout = state.models.model(header.model).layout
        check_packing(layout, header, message.num_bytes)
        # One chunk is read sooner than the owner is asked: a refusal need not come before it.
        is_large = message.num_bytes > CHUNK_BYTES
        arguments = header, message.num_bytes, client_id
        if is_large:
            counted = await state.owner.call(state.models.admit, *arguments, self._clock.now())
            if counted is not None:
                await upload.discard()
                return counted
        async with self._staging.buffer(message.num_bytes) as buffer:
            try:
                decoded = await self._decoded(upload, layout, header.codec, buffer, client_id)
            except InvalidContributionError as error:
                times = self._clock.now(), self._clock.wall()
                refuse = state.models.refuse
                raise await state.change(refuse, header, error, message.num_bytes, client_id, *times) from None
            times = self._clock.now(), self._clock.wall()
            if is_large:
                answer = await state.change(state.models.push, header, decoded, message.num_bytes, *times)
            else:
                push = state.models.admit_and_push
                answer = await state.change(push, header, decoded, message.num_bytes, client_id, *times)
        if isinstance(answer, HeronryError):
            raise answer
        return answer

    async def _decoded(
        self, upload: Upload[pb.PushRequest], layout: ParameterLayout, codec: ParameterCodec, buffer: Bytes, client: str
    ) -> Decoded:
        measuring = MeasuredCopy(layout.vector(buffer)) if _is_bare_vector(layout, codec) else None
        loan_id = await upload.fill(buffer, measuring)
        sizes = None if measuring is None else measuring.sizes
        lent = None if loan_id is None else self._loans.lent(loan_id, client, buffer.size)
        arguments = layout, codec, buffer, lent, self._pool, sizes
        # A value that is not finite is looked for in all of them.
        if buffer.size <= CHUNK_BYTES or (sizes is not None and math.isfinite(sizes[0])):
            return _decoded(*arguments)
        return await asyncio.to_thread(_decoded, *arguments)


def _is_bare_vector(layout: ParameterLayout, codec: ParameterCodec) -> bool:
    """Return whether a contribution is the vector and nothing else: it can be measured as it comes in."""
    return codec is ParameterCodec.F32 and layout.is_contiguous and not layout.others


def _decoded(
    layout: ParameterLayout,
    codec: ParameterCodec,
    buffer: Bytes,
    lent: Bytes | None,
    pool: BufferPool,
    sizes: tuple[float, float] | None,
) -> Decoded:
    if lent is not None:
        # Copied before anything is looked at: the borrower can still write there.
        np.copyto(buffer, lent)
    packed = buffer.view()
    packed.flags.writeable = False
    return decode_packed(layout, codec, packed, pool, sizes)
