"""The short messages between the fleet and a worker; whatever is large goes through shared memory."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from heronry.environments.settings import EnvironmentSettings
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError

RESET: Final = b"R"
STEP: Final = b"S"
CLOSE: Final = b"C"
# Followed by the number of the lane.
RENDER: Final = b"P"
DONE: Final = b"D"
MAX_BYTES: Final = 65_536
# Characters; one takes six bytes at most, so that a fault fits a message.
_REASON_LENGTH: Final = 4_000
_DETAIL_LENGTH: Final = 1_000


@dataclass(frozen=True)
class StartRequest:
    """What a worker is to host.

    Attributes:
      first_lane, num_lanes: its share of the fleet's lanes.
      epoch: how often this share was begun anew.
      folder: for the sockets of simulators; empty where there are none.
      with_pictures: whether `render` is to work.
    """

    settings: EnvironmentSettings
    first_lane: int
    num_lanes: int
    epoch: int = 0
    folder: str = ""
    with_pictures: bool = False


@dataclass(frozen=True)
class Hello:
    """A worker has made its environments.

    Attributes:
      simulators: process ids, that the fleet may see them die.
    """

    observation_space: ObservationSpace
    action_space: ActionSpace
    simulators: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """Return the message.

        Raises:
          InvalidArgumentError: the bounds of the actions are more than a message holds.
        """
        spaces = {"observation": self.observation_space.to_dict(), "action": self.action_space.to_dict()}
        message = b"H" + zlib.compress(json.dumps({**spaces, "simulators": self.simulators}).encode())
        if len(message) > MAX_BYTES:
            allowed = f"fewer bounds, which fill {MAX_BYTES:,} bytes at most; isolation: none takes any number"
            raise InvalidArgumentError.of("environment.action_space", f"{self.action_space.size:,} components", allowed)
        return message

    @classmethod
    def decode(cls, message: bytes) -> Self:
        """Read the message."""
        values = json.loads(zlib.decompress(message[1:]))
        observation = ObservationSpace.from_dict(values["observation"])
        return cls(observation, ActionSpace.from_dict(values["action"]), tuple(values["simulators"]))


@dataclass(frozen=True)
class Fault:
    """Why a worker cannot go on.

    Attributes:
      reason: one line.
      lane: among the worker's lanes; -1: not known.
      error: name of a class of `heronry.types.errors` where it was one, and what it was made of.
    """

    reason: str
    lane: int = -1
    error: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the message, cut where it would be too long."""
        details = {k: v[:_DETAIL_LENGTH] for k, v in self.details.items()}
        values = {"reason": self.reason[:_REASON_LENGTH], "lane": self.lane, "error": self.error, "details": details}
        return b"F" + json.dumps(values, ensure_ascii=False).encode(errors="replace")

    @classmethod
    def decode(cls, message: bytes) -> Self:
        """Read the message."""
        return cls(**json.loads(message[1:]))
