"""Which choices an environment allows, step by step.

A mask is `[N, num_logits]` bool; of several choices at once it holds those of each component after
each other.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

_Integers = npt.NDArray[np.int64]
_ScalarT = TypeVar("_ScalarT", bound=np.generic)


def masked(outputs: FloatArray, mask: Array | None, num_choices: Sequence[int]) -> FloatArray:
    """Return outputs `[N, num_logits]` with -inf where a choice is not allowed; without a mask, as they are.

    Raises:
      InvalidArgumentError: a lane has nothing that it may choose.
    """
    if mask is None:
        return outputs
    for component, part in enumerate(parts(mask, num_choices)):
        has_choice = part.any(axis=1)
        if not has_choice.all():
            lane = int(np.argmin(has_choice))
            field = f"action_mask[{lane}]" if len(num_choices) == 1 else f"action_mask[{lane}].{component}"
            raise InvalidArgumentError.of(field, part[lane].tolist(), f"at least one choice allowed in lane {lane}")
    return np.where(mask, outputs, np.float32(-np.inf))


def parts(columns: npt.NDArray[_ScalarT], num_choices: Sequence[int]) -> list[npt.NDArray[_ScalarT]]:
    """Return the columns of each component of a choice, as views of `[..., num_logits]`."""
    if len(num_choices) == 1:
        return [columns]
    return np.split(columns, np.cumsum(num_choices)[:-1], axis=-1)


def nth_allowed(mask: Array, numbers: _Integers) -> _Integers:
    """Return, for each lane, the allowed choice of that number modulo how many there are.

    Args:
      mask: `[N, A]`.
      numbers: `[N]`, at least 0; drawn from far more than A numbers, the choice is as good as uniform.
    """
    counted: _Integers = np.cumsum(mask, axis=1, dtype=np.int64)
    wanted = numbers % counted[:, -1] + 1
    choices: _Integers = np.argmax(counted == wanted[:, None], axis=1)
    return choices
