"""One stream of a fleet: messages to and from the engine."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

from heronry.api.learner.v1 import inference_pb2 as pb
from heronry.learner.core.inference import Session
from heronry.learner.inference.engine import InferenceEngine
from heronry.learner.inference.host import InferenceHost
from heronry.learner.inference.outbox import Outbox
from heronry.types.errors import InvalidArgumentError
from heronry.wire.inference import (
    begin_unroll_from_proto,
    open_from_proto,
    opened_to_proto,
    outputs_to_proto,
    step_from_proto,
    unroll_begun_to_proto,
)

Send = Callable[[pb.InferResponse], Awaitable[None]]


async def serve_infer(
    requests: AsyncIterable[pb.InferRequest], send: Send, host: InferenceHost, client_id: str = ""
) -> None:
    """Answer a client until it ends or is lost, or a newer stream of its group comes.

    Groups are the client's own: another one of that name is another group.
    Requests are read while a step is out, so that a second one is refused rather than queued.
    """
    iterator = aiter(requests)
    first = await anext(iterator, None)
    if first is None:
        return
    lanes = open_from_proto(first)
    engine = host.engine_of(lanes.run_id)
    outbox = Outbox()
    session, opened = await engine.open(lanes, outbox, client_id)
    outbox.put(opened_to_proto(opened))
    reader = asyncio.create_task(_read(iterator, engine, session, outbox))
    try:
        while (message := await outbox.next()) is not None:
            await send(message)
    finally:
        engine.close_stream(session)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _read(
    requests: AsyncIterator[pb.InferRequest], engine: InferenceEngine, session: Session, outbox: Outbox
) -> None:
    """Hand each request on; what it is refused with ends the stream."""
    try:
        async for request in requests:
            answer = await _answer(request, engine, session)
            if answer is not None:
                outbox.put(answer)
    except Exception as error:  # noqa: BLE001  # the stream's other task raises it
        outbox.fail(error)
    else:
        outbox.end()


async def _answer(request: pb.InferRequest, engine: InferenceEngine, session: Session) -> pb.InferResponse | None:
    kind = request.WhichOneof("message")
    if kind == "step":
        step = step_from_proto(request.step, session.group.lanes)
        known = engine.step(session, step)
        return None if known is None else outputs_to_proto(step.sequence, known)
    if kind == "begin_unroll":
        number = begin_unroll_from_proto(request.begin_unroll)
        return unroll_begun_to_proto(await engine.begin_unroll(session, number))
    raise InvalidArgumentError.of("message", kind, "begin_unroll or step, after open")
