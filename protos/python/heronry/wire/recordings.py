"""Films of episodes ⇄ messages."""

from collections.abc import AsyncIterator, Iterator

from heronry.api.fleet.v1 import fleet_pb2 as pb
from heronry.types.errors import DataLossError
from heronry.types.recordings import PictureFormat, Recording, RecordingOrder
from heronry.wire.versions import version_from_proto, version_to_proto

CHUNK_BYTES = 1 << 20

_FORMATS = {PictureFormat.GIF: pb.PICTURE_FORMAT_GIF, PictureFormat.APNG: pb.PICTURE_FORMAT_APNG}
_DEFAULTS = RecordingOrder()


def recording_order_to_proto(order: RecordingOrder) -> pb.RecordEpisodeRequest:
    """Encode which episode is meant."""
    return pb.RecordEpisodeRequest(
        model=order.model,
        number=order.number,
        tag=order.tag,
        seed=order.seed,
        greedy=order.greedy,
        max_steps=order.max_steps,
        frames_per_second=order.frames_per_second,
        format=_FORMATS[order.format],
    )


def recording_order_from_proto(message: pb.RecordEpisodeRequest) -> RecordingOrder:
    """Decode which episode is meant; what is 0 has its default."""
    which = message.WhichOneof("which")
    return RecordingOrder(
        model=message.model,
        number=message.number if which == "number" else None,
        tag=message.tag if which == "tag" else None,
        seed=message.seed,
        greedy=message.greedy,
        max_steps=message.max_steps or _DEFAULTS.max_steps,
        frames_per_second=message.frames_per_second or _DEFAULTS.frames_per_second,
        format=PictureFormat.APNG if message.format == pb.PICTURE_FORMAT_APNG else PictureFormat.GIF,
    )


def recording_to_proto(recording: Recording) -> Iterator[pb.RecordEpisodeResponse]:
    """Encode a recording: its header, then its file in chunks."""
    header = pb.RecordingHeader(
        version=version_to_proto(recording.version),
        episode_return=recording.episode_return,
        length=recording.length,
        ended=recording.ended,
        num_bytes=len(recording.file),
    )
    yield pb.RecordEpisodeResponse(header=header)
    for start in range(0, len(recording.file), CHUNK_BYTES):
        yield pb.RecordEpisodeResponse(chunk=recording.file[start : start + CHUNK_BYTES])


async def recording_from_proto(messages: AsyncIterator[pb.RecordEpisodeResponse]) -> Recording:
    """Put a recording together again.

    Raises:
      DataLossError: the header is missing, or the file is not as long as it says.
    """
    header: pb.RecordingHeader | None = None
    file = bytearray()
    async for message in messages:
        if message.WhichOneof("message") == "header":
            header = message.header
        else:
            file += message.chunk
    if header is None or len(file) != header.num_bytes:
        expected = "a header first" if header is None else f"{header.num_bytes:,} bytes"
        raise DataLossError(f"recording: got {len(file):,} bytes, expected: {expected}", details={"field": "recording"})
    version = version_from_proto(header.version)
    return Recording(version, header.episode_return, header.length, header.ended, bytes(file))
