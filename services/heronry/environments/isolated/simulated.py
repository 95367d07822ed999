"""An environment that is a simulator, which speaks lines of JSON over a socket."""

import json
import socket
from pathlib import Path
from typing import Any, Final

import gymnasium
import numpy as np

from heronry.environments.isolated.descriptions import Json, Space, action_to_json, read_space, read_value
from heronry.environments.isolated.simulator import Simulator, SimulatorError

PROTOCOL: Final = 1
_MAX_LINE_BYTES: Final = 64 << 20


class SimulatedEnvironment(gymnasium.Env[Any, Any]):
    """Starts the simulator, waits for its hello, and asks it for one thing at a time."""

    def __init__(self, simulator: Simulator) -> None:
        """Start the simulator and learn its spaces.

        Raises:
          SimulatorError: it ended, or its hello is not as it should be.
          InvalidArgumentError: there is no such program.
        """
        self._simulator = simulator
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(simulator.address)
            listener.listen(1)
            simulator.start()
            self._connection = simulator.accept(listener)
        Path(simulator.address).unlink(missing_ok=True)
        self._lines = self._connection.makefile("rb")
        try:
            self.observation_space, self.action_space = self._greeted()
        except SimulatorError:
            self.close()
            raise

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        answer = self._ask({"reset": {"seed": seed}})
        return self._observation(answer), _info(answer)

    def step(self, action: object) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        answer = self._ask({"step": {"action": action_to_json(action)}})
        observation = self._observation(answer)
        try:
            figures = float(answer["reward"]), bool(answer["terminated"]), bool(answer.get("truncated", False))
        except (KeyError, TypeError, ValueError) as error:
            raise SimulatorError(f"an answer without reward or terminated: {_shortened(answer)}") from error
        return observation, *figures, _info(answer)

    def close(self) -> None:
        """Let the simulator go; the worker ends it where it stays."""
        self._lines.close()
        self._connection.close()
        self._simulator.close()

    def _greeted(self) -> tuple[Space, Space]:
        """Return the spaces that the simulator's hello tells."""
        hello = self._hear()
        if hello.get("protocol") != PROTOCOL:
            raise SimulatorError(f"a hello of protocol {hello.get('protocol')!r}, spoken here is {PROTOCOL}")
        return read_space(hello.get("observation_space", {})), read_space(hello.get("action_space", {}))

    def _observation(self, answer: Json) -> Any:  # noqa: ANN401 - what the space holds
        try:
            return read_value(self.observation_space, answer["observation"])
        except (KeyError, TypeError, ValueError) as error:
            raise SimulatorError(f"an observation that does not fit its space: {_shortened(answer)}") from error

    def _ask(self, message: Json) -> Json:
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise self._simulator.ended() from error
        return self._hear()

    def _hear(self) -> Json:
        try:
            line = self._lines.readline(_MAX_LINE_BYTES)
        except OSError as error:
            raise self._simulator.ended() from error
        if not line.endswith(b"\n"):
            raise self._simulator.ended()
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise SimulatorError(f"a line that is no JSON: {_shortened(line)}") from error
        if not isinstance(answer, dict):
            raise SimulatorError(f"a line that is no JSON object: {_shortened(line)}")
        if "error" in answer:
            raise SimulatorError(str(answer["error"]))
        return answer


def _info(answer: Json) -> dict[str, Any]:
    if "action_mask" not in answer:
        return {}
    return {"action_mask": np.asarray(answer["action_mask"], np.int8)}


def _shortened(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "…"
