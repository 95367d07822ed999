"""Parameter versions as messages."""

from heronry.api.common.v1 import version_pb2
from heronry.types.version import ParameterVersion


def version_to_proto(version: ParameterVersion) -> version_pb2.ParameterVersion:
    """Return the message of a version."""
    return version_pb2.ParameterVersion(
        epoch=version.epoch,
        number=version.number,
        content_hash=version.content_hash,
        parent_hash=version.parent_hash,
    )


def version_from_proto(message: version_pb2.ParameterVersion) -> ParameterVersion:
    """Return the version that a message carries."""
    return ParameterVersion(message.epoch, message.number, message.content_hash, message.parent_hash)
