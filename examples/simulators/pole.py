r"""A pole on a cart as a simulator of its own, in the standard library alone.

    heronry train cartpole --set environment.id=pole --set environment.engine=command \
        --set 'environment.command=[python3, examples/simulators/pole.py]'

It connects to the socket that HERONRY_SOCKET names, says what it shows and takes, then answers one
line of JSON with another until the connection ends. docs/environments.md describes the lines.
"""

import json
import math
import os
import random
import socket

GRAVITY, POLE_MASS, TOTAL_MASS, HALF_LENGTH, FORCE, SECONDS = 9.8, 0.1, 1.1, 0.5, 10.0, 0.02
MAX_STEPS, MAX_POSITION, MAX_ANGLE = 500, 2.4, 12 * math.pi / 180
HELLO = {
    "protocol": 1,
    "observation_space": {"kind": "box", "shape": [4], "element_type": "float32"},
    "action_space": {"kind": "discrete", "n": 2},
}


class Pole:
    """Position, speed, angle and its speed."""

    def __init__(self) -> None:
        self.random = random.Random()
        self.state = [0.0, 0.0, 0.0, 0.0]
        self.steps = 0

    def reset(self, seed: int | None) -> dict[str, object]:
        """Begin an episode; a seed begins the random numbers anew."""
        if seed is not None:
            self.random.seed(seed)
        self.state = [self.random.uniform(-0.05, 0.05) for _ in range(4)]
        self.steps = 0
        return {"observation": self.state}

    def step(self, action: int) -> dict[str, object]:
        """Push to the left (0) or to the right (1) for a fiftieth of a second."""
        _, speed, angle, turning = self.state
        sine, cosine = math.sin(angle), math.cos(angle)
        pull = ((FORCE if action else -FORCE) + POLE_MASS * HALF_LENGTH * turning**2 * sine) / TOTAL_MASS
        inertia = HALF_LENGTH * (4 / 3 - POLE_MASS * cosine**2 / TOTAL_MASS)
        turn = (GRAVITY * sine - cosine * pull) / inertia
        push = pull - POLE_MASS * HALF_LENGTH * turn * cosine / TOTAL_MASS
        rates = (speed, push, turning, turn)
        self.state = [value + SECONDS * rate for value, rate in zip(self.state, rates, strict=True)]
        self.steps += 1
        has_fallen = abs(self.state[0]) > MAX_POSITION or abs(self.state[2]) > MAX_ANGLE
        has_ended = {"terminated": has_fallen, "truncated": not has_fallen and self.steps >= MAX_STEPS}
        return {"observation": self.state, "reward": 1.0, **has_ended}


def main() -> None:
    """Answer until the connection ends."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ["HERONRY_SOCKET"])
    lines = connection.makefile("rw")
    pole = Pole()
    lines.write(json.dumps(HELLO) + "\n")
    lines.flush()
    for line in lines:
        message = json.loads(line)
        answer = pole.step(**message["step"]) if "step" in message else pole.reset(**message["reset"])
        lines.write(json.dumps(answer) + "\n")
        lines.flush()


if __name__ == "__main__":
    main()
