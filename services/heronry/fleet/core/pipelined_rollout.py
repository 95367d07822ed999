"""Collects unrolls with environments that step by themselves: the books of a step are kept during the next."""

from collections.abc import Callable

from heronry.environments.vector import Pipelined
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.rollout import Rollout, Times
from heronry.fleet.core.unroll import Columns
from heronry.types.columns import successors


class PipelinedRollout(Rollout):
    """A `Rollout` that leaves between two steps only what the next action needs.

    It is for policies without memory: one that has some must know where episodes ended before it acts.
    """

    def __init__(
        self,
        environment: Pipelined,
        policy: BehaviourPolicy,
        clock: Callable[[], float],
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(environment, policy, clock, may_go_on)
        self._pipeline = environment

    @property
    def shares_successors(self) -> bool:
        """True: an episode's last observation is acted on, in a row that is masked, before the next one's first."""
        return True

    def _take_steps(self, num_steps: int, columns: Columns) -> Times | None:
        times = Times()
        is_shared = successors(columns).get("next_observation") == "observation"
        for step in range(num_steps):
            if not self._may_go_on():
                self._settle(step, columns)
                return None
            before = self._clock()
            observation, mask = self._observation, self._environment.action_mask
            self._policy.act(step, observation, columns["action"][step], mask)
            acted = self._clock()
            self._pipeline.send(columns["action"][step])
            self._settle(step, columns)
            if step == 0 or not is_shared:
                columns["observation"][step] = observation
            if mask is not None:
                columns["action_mask"][step] = mask
            self._observation = self._pipeline.receive()
            times.add(acted - before, self._clock() - acted)
        self._settle(num_steps, columns)
        return times

    def _settle(self, step: int, columns: Columns) -> None:
        """Note the step before this one of the unroll, if there is one."""
        if step > 0:
            self._note(step - 1, columns, self._pipeline.outcome())
