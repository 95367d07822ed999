"""The status by which a service has ended a call, kept where gRPC puts another in its place."""

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
import grpc.aio

# gRPC's own word for a message that could not be sent because the peer had just ended the call.
CUT_OFF: Final = "Internal error from Core"


@contextmanager
def peer_status(call: grpc.aio.Call) -> Iterator[None]:
    """Raise the status by which its peer has ended a call; a call that is left while it runs is cancelled.

    A message that comes too late for the call puts an error of its own over that status before anybody has read it
    (https://github.com/grpc/grpc/issues/36066). It is still there when the call says that it is done.
    """
    ends: list[grpc.aio.AioRpcError] = []
    call.add_done_callback(lambda ended: ends.append(_status_of(ended)))
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.details() == CUT_OFF and ends and ends[0].code() is not grpc.StatusCode.OK:
            raise ends[0] from error
        raise
    finally:
        # It refers to itself by what it calls when it is done: nobody else would end it soon.
        call.cancel()


def _status_of(call: grpc.aio.Call) -> grpc.aio.AioRpcError:
    """Return the status of a call that is done, whatever it is."""
    code, details, trailing = call.code(), call.details(), call.trailing_metadata()
    return grpc.aio.AioRpcError(_at_once(code), None, _at_once(trailing), _at_once(details))


def _at_once(answer: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 # of three kinds
    """Return what a coroutine returns that has nothing to wait for."""
    try:
        answer.send(None)
    except StopIteration as end:
        return end.value
    answer.close()
    raise RuntimeError("a call that is done has a status")
