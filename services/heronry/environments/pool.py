"""One pool of EnvPool, whose threads step while its owner does something else."""

from typing import Any

import numpy as np
import numpy.typing as npt

from heronry.environments.autoreset import AutoresettingEnvironment, Came
from heronry.environments.faults import LaneFault, fault_of
from heronry.environments.vector import Outcomes, Step
from heronry.types.tensors import Array


class Pool(AutoresettingEnvironment):
    """An `AutoresettingEnvironment` whose engine steps by `send` and `recv`.

    In NEXT_STEP, which is EnvPool's mode, nothing of an outcome bears on what follows. Each step's
    arrays are its own.
    """

    def __init__(self, engine: Any) -> None:  # noqa: ANN401 # EnvPool's classes are made when they are asked for
        super().__init__(engine)
        self._pool = engine
        # Rewards, terminations and truncations of the steps that are over.
        self._figures_due: list[tuple[Any, Any, Any]] = []

    def begin(self, arguments: dict[str, Any]) -> Array:
        self._figures_due.clear()
        return super().begin(arguments)

    def step(self, actions: Array) -> Step:
        self.send(actions)
        shown = self.receive()
        reward, terminated, truncated, mask = (figure[-1] for figure in self.outcomes())
        return Step(shown, reward, terminated, truncated, shown, mask)

    def send(self, actions: Array) -> None:
        """Begin a step of every environment."""
        executed = self._actions.encode(actions)
        try:
            self._pool.send(executed)
        except BaseException as error:
            raise fault_of(error, None, "step()") from error

    def receive(self) -> Array:
        """Wait for its end; return what to act on next."""
        try:
            observation, reward, terminated, truncated, info = self._pool.recv()
        except BaseException as error:
            raise fault_of(error, None, "step()") from error
        came = Came(observation, reward, terminated, truncated, info)
        shown = self._shown(came)
        self._figures_due.append((reward, terminated, truncated))
        return shown

    def outcomes(self) -> Outcomes:
        """Return what the steps came to that were received since this was asked for last."""
        due, self._figures_due = self._figures_due, []
        if not due:
            raise RuntimeError("no step has come to an end since the last outcomes")
        rewards, terminations, truncations = zip(*due, strict=True)
        reward = self._rows("rewards", rewards, np.dtype(np.float32))
        terminated = self._rows("terminations", terminations, np.dtype(np.bool_))
        truncated = self._rows("truncations", truncations, np.dtype(np.bool_))
        ended = np.logical_or(terminated, truncated)
        mask = ~np.concatenate([self._resets_next[np.newaxis], ended[:-1]])
        self._resets_next = ended[-1]
        return Outcomes(reward, terminated, truncated, mask)

    def _rows(self, name: str, figures: tuple[Any, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return a figure of T steps as `[T, N]`."""
        try:
            rows = np.concatenate(figures, dtype=dtype, casting="unsafe")
        except (TypeError, ValueError) as error:
            raise fault_of(error, None, "step()") from error
        if rows.shape != (len(figures) * self.num_envs,):
            raise LaneFault(None, f"returned {name} of shape {np.shape(figures[-1])}, not {(self.num_envs,)}")
        return rows.reshape(len(figures), self.num_envs)
