"""Pulls by readers on this machine, over the connection that they fetched memory by."""

from collections import OrderedDict
from typing import Final

from google.protobuf.message import DecodeError

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.core.model import Model
from heronry.params.core.versions import Published
from heronry.params.frames import shared_frame, unchanged_frame
from heronry.params.open_state import OpenState
from heronry.params.selection import selection
from heronry.params.shared_versions import SharedVersions, handed_over
from heronry.runtime.clock import Clock
from heronry.runtime.descriptor_socket import MOST_ANSWER_BYTES, Answer
from heronry.types.blocking import Changed
from heronry.types.errors import HeronryError
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.versions import version_from_proto

_MAX_FRAMES: Final = 64


class LocalPulls:
    """Answers what can be answered at once by memory that both sides see; for one event loop.

    A call over gRPC takes several times as long. To it is left all that must wait, be copied or be refused: it
    names errors and counts them.
    """

    def __init__(self, shared: SharedVersions, clock: Clock) -> None:
        self._shared = shared
        self._clock = clock
        # Of the versions asked for last: a large schema takes longer than all else.
        self._frames: OrderedDict[tuple[str, ParameterVersion], tuple[ModelSchema, bytes]] = OrderedDict()

    def answer(self, state: OpenState, client_id: str, asked: bytes) -> Answer | None:
        """Return the frame of a version and a descriptor of its memory, the frame alone when there is nothing newer.

        None leaves it to gRPC.
        """
        try:
            request = pb.PullRequest.FromString(asked)
            found = state.owner.attempt(self._found, state, request, client_id)
        except (HeronryError, DecodeError):
            return None
        if found is None or request.codec != pb.PARAMETER_CODEC_F32 or not request.accepts_shared_memory:
            return None
        model, published = found.value
        if published is None:
            return unchanged_frame(model.history.newest), None
        frame = self._frame(model, published)
        descriptor = self._shared.descriptor(published) if len(frame) <= MOST_ANSWER_BYTES else None
        if descriptor is None:
            return None
        state.models.count_sent(model.name, published.flat.nbytes)
        return frame, descriptor

    def _found(
        self, state: OpenState, request: pb.PullRequest, client_id: str
    ) -> Changed[tuple[Model, Published | None]]:
        models, (number, tag) = state.models, selection(request)
        model = models.model(request.model)
        models.check_lead(request.model, client_id, self._clock.now())
        may_wait = request.HasField("wait")
        than = version_from_proto(request.newer_than) if request.HasField("newer_than") else None
        if number is None and tag is None:
            return Changed((model, models.newer(request.model, than, may_wait)))
        published = models.select(request.model, number, tag, may_wait)
        return Changed((model, published if published.version.is_newer_than(than) else None))

    def _frame(self, model: Model, published: Published) -> bytes:
        key = model.name, published.version
        kept = self._frames.get(key)
        if kept is None or kept[0] is not model.schema:
            self._frames[key] = kept = model.schema, shared_frame(model.schema, published, handed_over(published))
            while len(self._frames) > _MAX_FRAMES:
                self._frames.popitem(last=False)
        return kept[1]
