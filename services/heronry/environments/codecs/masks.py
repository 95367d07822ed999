"""Which actions an environment allows: found in `info["action_mask"]` or `observation["action_mask"]`."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from heronry.environments.codecs.structure import Part, Path, Space, parts_of
from heronry.environments.vector import Bools
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import SchemaMismatchError

KEY = "action_mask"


class MaskReader:
    """Reads action masks, `[num_logits]` each: the masks of the components one after another."""

    def __init__(self, observation_space: Space, action_space: ActionSpace) -> None:
        self._width = action_space.num_logits
        self._begins = np.cumsum([0, *action_space.num_choices[:-1]])
        self.is_in_observation = has_mask(observation_space, action_space)

    @property
    def can_be_masked(self) -> bool:
        """Whether there are choices at all."""
        return self._width > 0

    def row(self, observation: Any, info: Mapping[str, Any]) -> Bools | None:  # noqa: ANN401 - any environment's
        """Return one environment's mask; None: it gave none.

        Raises:
          SchemaMismatchError: it has another number of choices, or allows none.
        """
        given = observation.get(KEY) if self.is_in_observation else info.get(KEY)
        return None if given is None or not self._width else self._checked(_flat(given)[np.newaxis])[0]

    def rows(
        self,
        observation: Any,  # noqa: ANN401 - any environment's
        info: Mapping[str, Any],
        num_envs: int,
        over: Bools | None = None,
    ) -> Bools | None:
        """Return the masks of a vector environment `[N, num_logits]`; None: it gave none.

        Where an episode is `over`, `[N]`, nothing is chosen: what has no choice left allows everything.

        Raises:
          SchemaMismatchError: as `row`.
        """
        given = observation.get(KEY) if self.is_in_observation else info.get(KEY)
        if given is None or not self._width:
            return None
        # Gymnasium marks which environments wrote an entry; the others allow everything.
        wrote = np.asarray(info.get(f"_{KEY}", True) if not self.is_in_observation else True)
        wrote = np.broadcast_to(wrote, num_envs)
        masks = np.ones((num_envs, self._width), np.bool_)
        for_all = self._stacked(given, wrote)
        masks[wrote] = self._checked(for_all, None if over is None else over[wrote])
        return masks

    def _stacked(self, given: Any, wrote: Bools) -> Bools:  # noqa: ANN401 - any environment's
        if isinstance(given, np.ndarray) and given.dtype != object:
            masks: Bools = given.reshape(len(given), -1)[wrote].astype(np.bool_)
            return masks
        return np.stack([_flat(given[i]) for i in np.flatnonzero(wrote)])

    def _checked(self, masks: Bools, over: Bools | None = None) -> Bools:
        if masks.shape[1] != self._width:
            raise SchemaMismatchError.of(KEY, f"{masks.shape[1]} choices", f"{self._width} choices")
        is_stuck = ~np.logical_or.reduceat(masks, self._begins, axis=1).all(axis=1)
        if over is not None:
            masks = masks | (is_stuck & over)[:, np.newaxis]
            is_stuck &= ~over
        if is_stuck.any():
            raise SchemaMismatchError.of(KEY, "no choice", "at least one choice of each component")
        return masks


def has_mask(observation_space: Space, action_space: ActionSpace) -> bool:
    """Tell whether observations carry the mask of their actions."""
    if not isinstance(observation_space, gymnasium.spaces.Dict) or KEY not in observation_space.spaces:
        return False
    size = sum(int(np.prod(part.space.shape or (1,))) for part in parts_of(observation_space.spaces[KEY]))
    return 0 < action_space.num_logits == size


def parts_without_mask(observation_space: Space, action_space: ActionSpace | None) -> list[Part]:
    """Return the parts of an observation that a network sees."""
    parts = parts_of(observation_space)
    if action_space is None or not has_mask(observation_space, action_space):
        return parts
    return [part for part in parts if not _is_mask(part.path)]


def _is_mask(path: Path) -> bool:
    return path[:1] == (KEY,)


def _flat(mask: Any) -> Bools:  # noqa: ANN401 - an array, or a tuple of one array a component
    parts = mask if isinstance(mask, tuple | list) else (mask,)
    return np.concatenate([np.asarray(part).reshape(-1) for part in parts]).astype(np.bool_)
