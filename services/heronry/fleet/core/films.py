"""Animated pictures of frames."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from heronry.types.recordings import PictureFormat

Frame = npt.NDArray[np.uint8]


def encode_film(frames: Sequence[Frame], frames_per_second: int, picture_format: PictureFormat) -> bytes:
    """Return a file that shows frames `[height, width, 3]` one after another, again and again.

    GIF has no more than 256 colours a frame and times in hundredths of a second.
    """
    from PIL import Image  # only films need it

    pictures = [Image.fromarray(frame) for frame in frames]
    file = io.BytesIO()
    name = "GIF" if picture_format is PictureFormat.GIF else "PNG"
    duration_ms = 1000 / frames_per_second
    pictures[0].save(file, name, save_all=True, append_images=pictures[1:], duration=duration_ms, loop=0)
    return file.getvalue()
