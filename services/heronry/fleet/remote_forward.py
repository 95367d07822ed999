"""A forward pass that the learner's inference service computes."""

import asyncio
import threading
from concurrent.futures import CancelledError, Future

import structlog

from heronry.client.inference_stream import InferenceStream
from heronry.maths.networks import Tensors
from heronry.types.errors import AbortedError, ForeignEpochError, NotFoundError
from heronry.types.tensors import Array, FloatArray

_log = structlog.get_logger("heronry.fleet")


class RemoteForward:
    """Implements `heronry.maths.forwards.Forward` for an actor's thread; its stream lives on the event loop.

    Args:
      stream: of one group of lanes; an unroll of it has begun when this is called.
      loop: the stream's.
      is_lockstep: whether an unroll that cannot go on waits for the run's next start.
    """

    def __init__(self, stream: InferenceStream, loop: asyncio.AbstractEventLoop, *, is_lockstep: bool) -> None:
        self.stream = stream
        self._loop = loop
        self._is_lockstep = is_lockstep
        self._begins: Array | None = None
        self._lock = threading.Lock()
        self._asked: Future[FloatArray] | None = None
        self._is_stopped = threading.Event()

    def load(self, tensors: Tensors) -> None:
        """Do nothing: the service has the weights, and the unroll's version was chosen when it began."""

    def begin_episodes(self, lanes: Array) -> None:
        """Forget, with the next call, what the policy remembers of these lanes `[N]`: an episode begins there."""
        self._begins = lanes.copy()

    def __call__(self, observations: Array) -> FloatArray:
        """Return outputs `[N, n]`; waits while the service is away.

        Raises:
          AbortedError: the fleet stops, or the unroll's version is gone.
          HeronryError: the service refuses the lanes.
        """
        with self._lock:
            if self._is_stopped.is_set():
                raise _stopped()
            self._asked = asyncio.run_coroutine_threadsafe(self.stream.infer(observations, self._begins), self._loop)
        try:
            outputs = self._asked.result()
        except CancelledError:
            raise _stopped() from None
        except (NotFoundError, ForeignEpochError) as error:
            _log.warning("unroll_lost", reason=str(error))
            if self._is_lockstep:
                # Nothing may be left out; the learner that was restarted has all services begin anew.
                self._is_stopped.wait()
            raise AbortedError(f"the unroll cannot go on: {error}") from error
        # Of a step that failed they hold for the next: it shows the same observations.
        self._begins = None
        return outputs

    def stop(self) -> None:
        """End a call under way, and all that follow; safe from any thread."""
        with self._lock:
            self._is_stopped.set()
            asked = self._asked
        if asked is not None:
            asked.cancel()


def _stopped() -> AbortedError:
    return AbortedError("the fleet stops")
