"""One block of experience: T steps of N lanes as columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heronry.environments.vector import Bools
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.columns import ColumnSpec
from heronry.types.tensors import Array, ElementType

Columns = Mapping[str, Array]


@dataclass(frozen=True)
class Collected:
    """What collecting an unroll's columns came to.

    Attributes:
      environment_time_s, inference_time_s: spent stepping, spent in the policy.
      cut: [N] bool, lanes whose episode was given up before the first row; None: nowhere.
      given_up: [T, N] bool, rows that are truncated because their environment died after them; None: none.
    """

    environment_time_s: float
    inference_time_s: float
    cut: Bools | None = None
    given_up: Bools | None = None


@dataclass(frozen=True)
class Unroll:
    """What was collected, and what it cost.

    Attributes:
      columns: `[T, N, ...]` each, owned by the receiver.
      num_steps: rows that are experience: those that `mask` holds.
      environment_time_s, inference_time_s: spent stepping, spent in the policy; of lanes that are
        stepped side by side, the mean.
      cut: [N] bool, lanes whose episode was given up before the first row; None: nowhere.
      given_up: [T, N] bool, rows that are truncated because their environment died after them; None: none.
    """

    columns: dict[str, Array]
    num_steps: int
    environment_time_s: float
    inference_time_s: float
    cut: Bools | None = None
    given_up: Bools | None = None


def experience_columns(
    observation_space: ObservationSpace, action_space: ActionSpace, *, with_log_probability: bool
) -> tuple[ColumnSpec, ...]:
    """Return the signatures of the columns that a fleet writes."""
    observed = ElementType.of(observation_space.element_type)
    acted = ElementType.FLOAT32 if action_space.is_continuous else ElementType.INT64
    columns = [
        ColumnSpec("observation", observed, observation_space.shape),
        ColumnSpec("action", acted, action_space.shape),
        ColumnSpec("reward", ElementType.FLOAT32, ()),
        ColumnSpec("terminated", ElementType.BOOL, ()),
        ColumnSpec("truncated", ElementType.BOOL, ()),
        ColumnSpec("next_observation", observed, observation_space.shape),
        ColumnSpec("mask", ElementType.BOOL, ()),
        ColumnSpec("episode_id", ElementType.INT64, ()),
    ]
    if action_space.is_masked:
        columns.append(ColumnSpec("action_mask", ElementType.BOOL, (action_space.size,)))
    if with_log_probability:
        columns.append(ColumnSpec("log_probability", ElementType.FLOAT32, ()))
    elif action_space.is_masked:
        # Who learns values asks which of the successor's choices is best.
        columns.append(ColumnSpec("next_action_mask", ElementType.BOOL, (action_space.size,)))
    return tuple(columns)


def empty_columns(
    specs: tuple[ColumnSpec, ...], num_steps: int, num_lanes: int, *, shares_successors: bool = False
) -> dict[str, Array]:
    """Return fresh columns `[T, N, ...]`: the unroll before this one may still be on its way.

    With `shares_successors` what follows an observation lies where the next one does, and is sent once.
    """
    if not shares_successors:
        return {s.path: _empty(s, num_steps, num_lanes) for s in specs}
    by_path = {s.path: s for s in specs}
    shown = _empty(by_path.pop("observation"), num_steps + 1, num_lanes)
    del by_path["next_observation"]
    others = {path: _empty(s, num_steps, num_lanes) for path, s in by_path.items()}
    return {"observation": shown[:-1], "next_observation": shown[1:], **others}


def _empty(spec: ColumnSpec, num_steps: int, num_lanes: int) -> Array:
    return np.empty((num_steps, num_lanes, *spec.shape), spec.element_type.dtype)


def columns_of_lanes(columns: Columns, lanes: slice) -> Columns:
    """Return some lanes of every column, as views."""
    return {name: array[:, lanes] for name, array in columns.items()}


def write_next_action_masks(columns: Columns, following: Array) -> None:
    """Fill `next_action_mask`: what the true successor of each row allows.

    Environments do not tell it of final observations. After a termination it does not matter; a
    truncated row takes its own mask, which is the nearest there is.

    Args:
      columns: an unroll's, complete but for this one.
      following: `[N, num_logits]`, of the observations shown after the last row.
    """
    masks, successors = columns["action_mask"], columns["next_action_mask"]
    successors[:-1] = masks[1:]
    successors[-1] = following
    ended = np.logical_or(columns["terminated"], columns["truncated"])
    np.copyto(successors, masks, where=ended[..., np.newaxis])
