"""Gymnasium's vector environments in their three autoreset modes, behind one interface.

NEXT_STEP: the step after an episode's end ignores the action, resets, and rewards 0; that row is
masked out. SAME_STEP: the ending step resets and shows the next episode, the final observation
comes in `final_obs`. DISABLED: the caller resets, by mask.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from heronry.environments.codecs import ActionCodec, MaskReader, ObservationCodec
from heronry.environments.faults import LaneFault, fault_of, words_of
from heronry.environments.pictures import Picture, picture_of, refuse_picture
from heronry.environments.vector import Bools, Step
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import HeronryError, InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

Engine = gymnasium.vector.VectorEnv[Any, Any, Any]


class Came(NamedTuple):
    """What an engine's step returned."""

    observation: Any
    reward: Any
    terminated: Any
    truncated: Any
    info: dict[str, Any]


class AutoresettingEnvironment:
    """A `VectorEnvironment` over a Gymnasium vector environment; the mode is the engine's own.

    Raises `LaneFault` for what the engine does wrong.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # An engine may take its time to say how many it has.
        self._num_envs = int(engine.num_envs)
        self._actions = ActionCodec(engine.single_action_space)
        self._observations = ObservationCodec(engine.single_observation_space, self._actions.space)
        self._masks = MaskReader(engine.single_observation_space, self._actions.space)
        self._is_masked: bool | None = None if self._masks.can_be_masked else False
        self._allowed: Bools | None = None
        self._mode = _mode_of(engine)
        self._resets_next: Bools = np.zeros(self._num_envs, np.bool_)
        # Without copies an engine shows one buffer for ever, which its next step writes over.
        self._lends = getattr(engine.unwrapped, "copy", True) is False

    @property
    def engine(self) -> Engine:
        """What it is over."""
        return self._engine

    @property
    def num_envs(self) -> int:
        return self._num_envs

    @property
    def releases_lock(self) -> bool:
        return isinstance(self._engine.unwrapped, gymnasium.vector.AsyncVectorEnv)

    @property
    def action_mask(self) -> Bools | None:
        return self._allowed

    @property
    def observation_space(self) -> ObservationSpace:
        return self._observations.space

    @property
    def action_space(self) -> ActionSpace:
        """Of one environment; resets them if they never were."""
        if self._is_masked is None:
            self.reset([0] * self.num_envs)
        return self._actions.space.with_mask(is_masked=bool(self._is_masked))

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes; an engine with one generator for all takes the first seed."""
        takes_list = hasattr(self._engine.unwrapped, "env_fns")
        seed = [int(s) for s in seeds] if takes_list else int(seeds[0])
        return self.begin({"seed": seed})

    def begin(self, arguments: dict[str, Any]) -> Array:
        """Begin the first episodes by `engine.reset(**arguments)`."""
        self._resets_next = np.zeros(self.num_envs, np.bool_)
        try:
            observation, info = self._engine.reset(**arguments)
        except BaseException as error:
            raise fault_of(error, None, "reset()") from error
        if self._is_masked is not False:
            self._allowed = self._masks_of(observation, info)
            self._is_masked = self._allowed is not None
        return self._encode(observation)

    def step(self, actions: Array) -> Step:
        executed = self._actions.encode(actions)
        try:
            observation, reward, terminated, truncated, info = self._engine.step(executed)
        except BaseException as error:
            raise fault_of(error, None, "step()") from error
        came = Came(observation, reward, terminated, truncated, info)
        return self._outcome(self._shown(came), came)

    def render(self, lane: int) -> Picture:
        name = self._engine.spec.id if self._engine.spec is not None else type(self._engine.unwrapped).__name__
        if self._engine.render_mode != "rgb_array":
            raise refuse_picture(name, f"its render mode is {self._engine.render_mode!r}")

        def draw() -> object:
            drawn = self._engine.render()
            return None if drawn is None else drawn[lane]

        return picture_of(draw, name)

    def close(self) -> None:
        self._engine.close()

    def _shown(self, came: Came) -> Array:
        """Return what to act on next, and know which choices are allowed there."""
        shown = self._encode(came.observation)
        if self._is_masked:
            _, terminated, truncated = self._figures(came)
            over = None if self._mode is AutoresetMode.SAME_STEP else np.logical_or(terminated, truncated)
            self._allowed = self._masks_of(came.observation, came.info, over)
        return shown

    def _outcome(self, shown: Array, came: Came) -> Step:
        rewards, terminated, truncated = self._figures(came)
        ended = np.logical_or(terminated, truncated)
        if self._mode is AutoresetMode.NEXT_STEP:
            mask = ~self._resets_next
            self._resets_next = ended
            return Step(shown, rewards, terminated, truncated, shown, mask)
        mask = np.ones(len(ended), np.bool_)
        if not ended.any():
            return Step(shown, rewards, terminated, truncated, shown, mask)
        if self._mode is AutoresetMode.SAME_STEP:
            return Step(shown, rewards, terminated, truncated, self._final(shown, ended, came.info), mask)
        # An engine may show one buffer for ever: the reset would write over the final observations.
        final = shown.copy()
        return Step(self._reset(final, ended), rewards, terminated, truncated, final, mask)

    def _final(self, shown: Array, ended: Bools, info: dict[str, Any]) -> Array:
        """Return the successors: `shown` with the final observations where episodes ended."""
        if "final_obs" not in info:
            raise LaneFault(int(np.argmax(ended)), "ended an episode without `final_obs`, which SAME_STEP promises")
        successors = shown.copy()
        try:
            final = [info["final_obs"][i] for i in np.flatnonzero(ended)]
            successors[ended] = self._observations.encode_each(final)
        except (HeronryError, LookupError, TypeError) as error:
            raise LaneFault(None, f"returned `final_obs` that its space does not hold: {words_of(error)}") from error
        return successors

    def _reset(self, final: Array, ended: Bools) -> Array:
        """Reset where episodes ended; return what to act on next, leaving `final` as it is."""
        try:
            observation, info = self._engine.reset(options={"reset_mask": ended.copy()})
        except BaseException as error:
            raise fault_of(error, None, "reset()") from error
        shown = final.copy()
        shown[ended] = self._encode(observation)[ended]
        begun = self._masks_of(observation, info) if self._is_masked else None
        if begun is not None and self._allowed is not None:
            self._allowed[ended] = begun[ended]
        return shown

    def _encode(self, observation: Any) -> Array:  # noqa: ANN401 - any environment's
        try:
            shown = self._observations.encode(observation, self._num_envs)
        except HeronryError as error:
            raise LaneFault(None, f"showed what its space does not hold: {error}") from error
        return shown.copy() if self._lends else shown

    def _masks_of(
        self,
        observation: Any,  # noqa: ANN401 - any environment's
        info: dict[str, Any],
        over: Bools | None = None,
    ) -> Bools | None:
        try:
            masks = self._masks.rows(observation, info, self._num_envs, over)
        except BaseException as error:
            raise fault_of(error, None, "its action mask") from error
        if masks is None and self._is_masked:
            # It gives masks, but had none to give this time.
            return np.ones((self._num_envs, self._actions.space.num_logits), np.bool_)
        return masks

    def _figures(self, came: Came) -> tuple[FloatArray, Bools, Bools]:
        try:
            figures = (
                np.asarray(came.reward, np.float32),
                np.asarray(came.terminated, np.bool_),
                np.asarray(came.truncated, np.bool_),
            )
        except (TypeError, ValueError) as error:
            raise fault_of(error, None, "step()") from error
        for name, figure in zip(("rewards", "terminations", "truncations"), figures, strict=True):
            if figure.shape != (self._num_envs,):
                raise LaneFault(None, f"returned {name} of shape {figure.shape}, not {(self._num_envs,)}")
        return figures


def _mode_of(engine: Engine) -> AutoresetMode:
    mode = engine.metadata.get("autoreset_mode")
    if mode is None:
        allowed = ", ".join(m.name for m in AutoresetMode)
        raise InvalidArgumentError.of("environment.metadata.autoreset_mode", None, allowed)
    return AutoresetMode(mode)
