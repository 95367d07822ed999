"""Blocking client of a learner's inference service."""

from heronry.client.inference import InferenceClient as AsyncInferenceClient
from heronry.client.inference_stream import STEP_TIMEOUT_S, UNROLL_TIMEOUT_S
from heronry.client.inference_stream import InferenceStream as AsyncInferenceStream
from heronry.client.sync.blocking_client import BlockingClient
from heronry.client.sync.loop import LoopThread
from heronry.types.inference import InferenceStatistics, LaneGroup, UnrollBegun
from heronry.types.tensors import Array, FloatArray


class InferenceStream:
    """One group's stream, for one thread at a time; see the asynchronous class of the same name."""

    def __init__(self, stream: AsyncInferenceStream, loop: LoopThread) -> None:
        """Wrap a stream of a client on its loop."""
        self._stream = stream
        self._loop = loop

    @property
    def num_connects(self) -> int:
        """How often it was opened."""
        return self._stream.num_connects

    def begin_unroll(self, number: int | None = None, *, timeout_s: float = UNROLL_TIMEOUT_S) -> UnrollBegun:
        """Choose the version that acts from now on: this one of the current epoch, or the newest."""
        return self._loop.run(self._stream.begin_unroll(number, timeout_s=timeout_s))

    def infer(
        self, observations: Array, begins: Array | None = None, *, timeout_s: float = STEP_TIMEOUT_S
    ) -> FloatArray:
        """Return the head's outputs `[N, n]` for observations `[N, ...]`, read-only."""
        return self._loop.run(self._stream.infer(observations, begins, timeout_s=timeout_s))

    def close(self) -> None:
        """End the stream; the service remembers the group."""
        self._loop.run(self._stream.close())


class InferenceClient(BlockingClient[AsyncInferenceClient]):
    """Has the policy of the assigned run evaluated by its learner; see the asynchronous client of the same name."""

    _asynchronous = AsyncInferenceClient

    def statistics(self) -> InferenceStatistics:
        """Tell how steps were batched since the run was assigned."""
        return self._loop.run(self._client.statistics())

    def stream(self, lanes: LaneGroup) -> InferenceStream:
        """Return the stream of a group of lanes; it connects at its first use."""
        return InferenceStream(self._client.stream(lanes), self._loop)
