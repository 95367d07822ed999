"""Games of several agents, PettingZoo's parallel and turn-based ones, in one form: everybody takes part in a step."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from heronry.types.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pettingzoo

Info = Mapping[str, Any]


class Outcome(NamedTuple):
    """What a step did to every agent, in the order of `agents`.

    Attributes:
      observations: the true successors; None for an agent that is out of the game.
      rewards: received since the step before.
      terminated, truncated: True in the step in which an agent's part ends.
      infos: empty where there is none.
    """

    observations: list[Any]
    rewards: list[float]
    terminated: list[bool]
    truncated: list[bool]
    infos: list[Info]


class Game(Protocol):
    """One game; its agents stay the same, though some may be out of it."""

    agents: tuple[str, ...]

    @property
    def playing(self) -> list[bool]:
        """Who is in the game."""
        ...

    @property
    def may_act(self) -> list[bool]:
        """Whose action the next step takes."""
        ...

    def reset(self, seed: int) -> Outcome:
        """Begin an episode."""
        ...

    def step(self, actions: Sequence[Any]) -> Outcome:
        """Act, each agent with its action; those of agents that may not act are ignored."""
        ...

    def render(self) -> object:
        """Return what the game draws."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class ParallelGame:
    """All agents act at once."""

    def __init__(self, environment: "pettingzoo.ParallelEnv[str, Any, Any]") -> None:
        self._environment = environment
        self.agents = _agents_of(environment)

    @property
    def playing(self) -> list[bool]:
        now = set(self._environment.agents)
        return [agent in now for agent in self.agents]

    @property
    def may_act(self) -> list[bool]:
        return self.playing

    def reset(self, seed: int) -> Outcome:
        observations, infos = self._environment.reset(seed=seed)
        return _outcome(self.agents, observations, {}, {}, {}, infos)

    def step(self, actions: Sequence[Any]) -> Outcome:
        playing = self.playing
        chosen = {a: action for a, action, plays in zip(self.agents, actions, playing, strict=True) if plays}
        outcome = _outcome(self.agents, *self._environment.step(chosen))
        _cut_short(outcome, playing, self.playing)
        return outcome

    def render(self) -> object:
        return self._environment.render()

    def close(self) -> None:
        self._environment.close()


class TurnBasedGame:
    """One agent acts at a time; a step is one agent's turn, of which the others see what comes of it."""

    def __init__(self, environment: "pettingzoo.AECEnv[str, Any, Any]") -> None:
        self._environment = environment
        self.agents = _agents_of(environment)

    @property
    def playing(self) -> list[bool]:
        environment = self._environment
        now = {a for a in environment.agents if not _is_out(environment, a)}
        return [agent in now for agent in self.agents]

    @property
    def may_act(self) -> list[bool]:
        acting = self._environment.agent_selection if self._environment.agents else None
        return [agent == acting for agent in self.agents]

    def reset(self, seed: int) -> Outcome:
        self._environment.reset(seed=seed)
        outcome = self._look({})
        self._leave()
        return outcome

    def step(self, actions: Sequence[Any]) -> Outcome:
        environment = self._environment
        playing = self.playing
        environment.step(actions[self.agents.index(environment.agent_selection)])
        outcome = self._look(environment.rewards)
        self._leave()
        _cut_short(outcome, playing, self.playing)
        return outcome

    def render(self) -> object:
        return self._environment.render()

    def close(self) -> None:
        self._environment.close()

    def _look(self, rewards: Mapping[str, float]) -> Outcome:
        environment = self._environment
        observations = {agent: environment.observe(agent) for agent in environment.agents}
        ends = environment.terminations, environment.truncations
        return _outcome(self.agents, observations, rewards, *ends, environment.infos)

    def _leave(self) -> None:
        """Let those go whose part has ended: each must make one last step without an action."""
        environment = self._environment
        while environment.agents and _is_out(environment, environment.agent_selection):
            environment.step(None)


def _agents_of(environment: Any) -> tuple[str, ...]:  # noqa: ANN401 - both kinds of environment
    agents = tuple(getattr(environment, "possible_agents", ()))
    if not agents:
        raise InvalidArgumentError.of("environment.id", type(environment).__name__, "one with `possible_agents`")
    return agents


def _is_out(environment: "pettingzoo.AECEnv[str, Any, Any]", agent: str) -> bool:
    return bool(environment.terminations.get(agent) or environment.truncations.get(agent))


def _cut_short(outcome: Outcome, before: list[bool], now: list[bool]) -> None:
    """Truncate the parts of agents that are gone without a word: they were not beaten."""
    for i, (played, plays) in enumerate(zip(before, now, strict=True)):
        if played and not plays and not outcome.terminated[i]:
            outcome.truncated[i] = True


def _outcome(
    agents: tuple[str, ...],
    observations: Mapping[str, Any],
    rewards: Mapping[str, float],
    terminated: Mapping[str, bool],
    truncated: Mapping[str, bool],
    infos: Mapping[str, Info],
) -> Outcome:
    return Outcome(
        [observations.get(agent) for agent in agents],
        [float(rewards.get(agent, 0.0)) for agent in agents],
        [bool(terminated.get(agent, False)) for agent in agents],
        [bool(truncated.get(agent, False)) for agent in agents],
        [infos.get(agent) or {} for agent in agents],
    )
