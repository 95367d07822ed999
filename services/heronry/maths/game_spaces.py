"""The spaces of native games, which are known before one is made."""

from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.native.games import GameInfo


def observation_space_of(info: GameInfo) -> ObservationSpace:
    """Return what a lane shows."""
    return ObservationSpace(info.observation_shape, info.observation_type, info.observation_high)


def action_space_of(info: GameInfo) -> ActionSpace:
    """Return what a lane accepts."""
    if info.num_actions:
        return ActionSpace("discrete", info.num_actions, is_masked=info.is_masked)
    return ActionSpace("box", shape=info.action_shape, low=info.action_low, high=info.action_high)
