"""Collects unrolls with environments that step by themselves: the books are kept while the last step is under way."""

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
        shown = {name: columns[name] for name in ("observation", "next_observation")}
        if successors(shown).get("next_observation") != "observation":
            raise ValueError("columns that do not share what is shown: see `empty_columns`")
        times = Times()
        for step in range(num_steps):
            if not self._may_go_on():
                self._settle(slice(0, step), columns)
                return None
            before = self._clock()
            observation, mask = self._observation, self._environment.action_mask
            self._policy.act(step, observation, columns["action"][step], mask)
            acted = self._clock()
            self._pipeline.send(columns["action"][step])
            columns["observation"][step] = observation
            if mask is not None:
                columns["action_mask"][step] = mask
            if step == num_steps - 1:
                # Nobody acts meanwhile: what is left for the end is the last step alone.
                self._settle(slice(0, step), columns)
            self._observation = self._pipeline.receive()
            times.add(acted - before, self._clock() - acted)
        columns["next_observation"][-1] = self._observation
        self._settle(slice(num_steps - 1, num_steps), columns)
        return times

    def _settle(self, steps: slice, columns: Columns) -> None:
        """Note what the steps came to that are over, if there are any."""
        if steps.stop > steps.start:
            for name, figures in self._pipeline.outcomes()._asdict().items():
                columns[name][steps] = figures
