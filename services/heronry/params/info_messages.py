"""Messages that describe models, of which most is encoded once."""

from collections import OrderedDict
from typing import Final

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types.models import ModelInfo, ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.wire.models import description_to_proto, figures_to_proto

_MOST_KEPT: Final = 1024


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
