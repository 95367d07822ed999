"""A network that acts in a native game for many steps, in one call.

Nothing but the speed differs from evaluating, choosing and stepping one after the other: same random
numbers, same bits.
"""

from collections.abc import Mapping
from typing import NamedTuple

from heronry.native.arrays import Array
from heronry.native.backend import LOOPS, Loops
from heronry.native.game_engine import GameEngine
from heronry.native.policy_network import PolicyNetwork


class CollectTimes(NamedTuple):
    """Seconds in which the first lanes' thread stepped the game, and evaluated and chose."""

    environment_s: float
    inference_s: float


class NothingToChooseError(ValueError):
    """A lane whose mask allows nothing, or whose action is no number."""

    def __init__(self, lane: int) -> None:
        super().__init__(f"nothing to choose in lane {lane}")
        self.lane = lane


def collect(
    game: GameEngine,
    network: PolicyNetwork,
    columns: Mapping[str, Array],
    randoms: Mapping[str, Array],
    num_steps: int,
    *,
    loops: Loops = LOOPS,
) -> CollectTimes:
    """Take steps in all lanes of a game and fill columns `[num_steps, num_lanes, ...]`, all contiguous.

    Args:
      game: made by the same twin as `network`.
      network: one output for each choice, or for each component of a real action.
      columns: filled: `observation`, `next_observation`, `action`, `reward`, `terminated`, `truncated`,
        `outputs` (of the network, -inf where a choice is not allowed), `action_mask` where the game
        has one. Read: for real actions `low` and `high` `[components]`, to which they are clipped
        before they are executed. Read and filled: `shown` `[num_lanes, ...]`, the observations that
        the next actions are chosen from.
      randoms: as `heronry.maths.policies` draws them: `gumbel`, or `explores` and `action`; none of
        them takes the best. For real actions `deviation`, what is added to the means.
      num_steps: of each lane.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      NothingToChooseError: a mask allows nothing, or an action is NaN; what was filled means nothing then.
      TypeError, ValueError, IndexError: arrays do not fit; nothing was done then.
    """
    lane, environment_s, inference_s = loops.collect(game, network, dict(columns), dict(randoms), num_steps)
    if lane >= 0:
        raise NothingToChooseError(lane)
    return CollectTimes(environment_s, inference_s)
