"""Messages that describe models, of which most is encoded once."""

from collections import OrderedDict
from functools import lru_cache
from typing import Final

from google.protobuf.message import DecodeError

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types.errors import InvalidArgumentError
from heronry.types.models import ModelInfo, ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.wire.models import description_to_proto, figures_to_proto

_MOST_KEPT: Final = 1024
# Longer requests name no model there can be: they are not worth their memory.
_MOST_REQUEST_BYTES: Final = 256


class InfoMessages:
    """Encodes what is known of models; for one event loop.

    Schema and settings, which cost most by far, stay the same objects from one answer to the next: those of
    the models asked for last are kept encoded. An answer is kept whole: most ask again before anything has changed.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[ModelInfo, bytes]] = OrderedDict()
        self._kept: OrderedDict[str, tuple[ModelSchema, ModelSettings, bytes]] = OrderedDict()

    def answer(self, info: ModelInfo) -> bytes:
        """Return the `GetModelResponse` of a model, serialised; the same for the same object."""
        kept = self._answers.get(info.model)
        if kept is None or kept[0] is not info:
            encoded = pb.GetModelResponse(info=self.message(info)).SerializeToString()
            self._answers[info.model] = kept = info, encoded
            while len(self._answers) > _MOST_KEPT:
                self._answers.popitem(last=False)
        return kept[1]

    def message(self, info: ModelInfo) -> pb.ModelInfo:
        """Return the message of a model."""
        message = figures_to_proto(info)
        message.MergeFromString(self._description(info))
        return message

    def _description(self, info: ModelInfo) -> bytes:
        kept = self._kept.get(info.model)
        if kept is None or kept[0] is not info.schema or kept[1] is not info.settings:
            encoded = description_to_proto(info).SerializeToString()
            self._kept[info.model] = kept = info.schema, info.settings, encoded
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(info.model)
        return kept[2]


def named_model(request: bytes) -> str:
    """Return the model that a serialised `GetModelRequest` names.

    Raises:
      InvalidArgumentError: it is none.
    """
    return _remembered_name(request) if len(request) <= _MOST_REQUEST_BYTES else _name_in(request)


def _name_in(request: bytes) -> str:
    try:
        return pb.GetModelRequest.FromString(request).model
    except DecodeError as error:
        raise InvalidArgumentError.of("request", f"{len(request)} bytes", "a GetModelRequest") from error


# Whoever asks again sends the same bytes, and parsing them costs more than the answer.
_remembered_name = lru_cache(_MOST_KEPT)(_name_in)
