"""One pool of EnvPool, whose threads step while its owner does something else."""

from typing import Any

from heronry.environments.autoreset import AutoresettingEnvironment, Came
from heronry.environments.faults import fault_of
from heronry.environments.vector import Step
from heronry.types.tensors import Array


class Pool(AutoresettingEnvironment):
    """An `AutoresettingEnvironment` whose engine steps by `send` and `recv`.

    In NEXT_STEP, which is EnvPool's mode, nothing of an outcome bears on what follows.
    """

    def __init__(self, engine: Any) -> None:  # noqa: ANN401 # EnvPool's classes are made when they are asked for
        super().__init__(engine)
        self._pool = engine
        self._came: tuple[Array, Came] | None = None

    def step(self, actions: Array) -> Step:
        self.send(actions)
        self.receive()
        return self.outcome()

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
        self._came = shown, came
        return shown

    def outcome(self) -> Step:
        """Return the step that `receive` waited for last."""
        if self._came is None:
            raise RuntimeError("no step has come to an end since the last outcome")
        came, self._came = self._came, None
        return self._outcome(*came)
