"""Gymnasium's spaces as plain descriptions, and the conversions at the environment's edge."""

from heronry.environments.codecs.actions import ActionCodec
from heronry.environments.codecs.masks import MaskReader
from heronry.environments.codecs.observations import ObservationCodec

__all__ = ["ActionCodec", "MaskReader", "ObservationCodec"]
