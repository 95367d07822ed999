"""Pictures of what environments draw."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from heronry.environments.faults import words_of
from heronry.types.errors import FailedPreconditionError

Picture = npt.NDArray[np.uint8]


def picture_of(draw: Callable[[], object], environment: str) -> Picture:
    """Return what an environment draws as `[height, width, 3]`.

    Raises:
      FailedPreconditionError: it raises, as where a drawing library is missing, or gives no such picture.
    """
    try:
        drawn = draw()
    except Exception as error:
        raise refuse_picture(environment, f"{type(error).__name__}: {words_of(error)}") from error
    # A copy: an environment may draw into one buffer for ever.
    picture = np.array(drawn)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        given = f"{type(drawn).__name__} of shape {picture.shape}" if drawn is not None else "nothing"
        raise FailedPreconditionError(f"environment {environment!r} drew {given}, not an RGB picture")
    return picture


def refuse_picture(environment: str, why: str) -> FailedPreconditionError:
    """Return the error of an environment that draws nothing."""
    return FailedPreconditionError(f"environment {environment!r} has no pictures: {why}")
