"""What the fleet needs of environments stepped side by side, whatever engine runs them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import EnvironmentFaultError
from heronry.types.run import EnvironmentFailure
from heronry.types.tensors import Array, FloatArray

Bools = npt.NDArray[np.bool_]


class Step(NamedTuple):
    """One step of N environments.

    Attributes:
      observation: `[N, ...]`, what the next action is chosen from: after an episode's end the
        next episode's first, where the engine shows it already.
      reward: `[N]` float32.
      terminated, truncated: `[N]` bool; False in rows that `mask` excludes.
      next_observation: `[N, ...]`, the true successor of the state that was acted in, at an
        episode's end its final observation.
      mask: `[N]` bool; False where the engine ignored the action to reset, so that the row is no
        experience.
      lost: `[N]` bool, or None for nowhere: the environment died in this step and begins anew. The
        row is outside `mask`, and the lane's row before it was its episode's last, truncated.
    """

    observation: Array
    reward: FloatArray
    terminated: Bools
    truncated: Bools
    next_observation: Array
    mask: Bools
    lost: Bools | None = None


class Outcomes(NamedTuple):
    """What T steps of N environments came to, beside what they showed.

    Attributes:
      reward: `[T, N]` float32.
      terminated, truncated, mask: `[T, N]` bool, as those of `Step`.
    """

    reward: FloatArray
    terminated: Bools
    truncated: Bools
    mask: Bools


class VectorEnvironment(Protocol):
    """N lanes that begin a new episode by themselves; owned by one thread.

    A lane is one agent in one environment. Where an environment has several agents its lanes are
    adjacent; an agent that waits for its turn may take action 0 alone, see `action_mask`.
    """

    @property
    def num_envs(self) -> int:
        """N."""
        ...

    @property
    def releases_lock(self) -> bool:
        """Whether stepping leaves the interpreter's lock to others most of the time."""
        ...

    @property
    def action_mask(self) -> Bools | None:
        """Which choices are allowed for the observations shown last, `[N, num_logits]`; None: all."""
        ...

    @property
    def observation_space(self) -> ObservationSpace:
        """Of one environment, as its observations are stored."""
        ...

    @property
    def action_space(self) -> ActionSpace:
        """Of one environment."""
        ...

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes; return their first observations `[N, ...]`."""
        ...

    def step(self, actions: Array) -> Step:
        """Step every environment once; the arrays returned are the caller's."""
        ...

    def render(self, lane: int) -> npt.NDArray[np.uint8]:
        """Return a picture of a lane's environment, `[height, width, 3]`.

        Raises:
          FailedPreconditionError: the environment was made without pictures, or has none.
        """
        ...

    def close(self) -> None:
        """Release what the environments hold."""
        ...


class Pipelined(VectorEnvironment, Protocol):
    """A `VectorEnvironment` that steps by itself between `send` and `receive`.

    What steps came to can be looked at when many are over. What is acted on next is the successor of
    what was acted on, also at an episode's end: the next one begins a row later, and the row between
    is masked. Like its parent it is not to be asked for by `isinstance`: Python 3.11 would read every
    property, and `action_space` may begin an episode.
    """

    def send(self, actions: Array) -> None:
        """Begin a step of every environment."""
        ...

    def receive(self) -> Array:
        """Wait for its end; return what to act on next, `[N, ...]`, which nothing has checked yet."""
        ...

    def outcomes(self) -> Outcomes:
        """Return what all steps came to that were received since this was asked for last, at least one."""
        ...


class Work(NamedTuple):
    """What environments have been asked for.

    Attributes:
      call: the number of the step, 0 for a reset of all, below 0 for a picture.
      lane: that is at work; None where the engine does not tell.
      is_reset: whether it is being reset, as far as the engine tells.
    """

    call: int
    lane: int | None
    is_reset: bool


@runtime_checkable
class Watched(Protocol):
    """A `VectorEnvironment` whose environments live in this process, where nothing can end one that hangs."""

    @property
    def work(self) -> Work | None:
        """What is under way; None: nothing. Safe from any thread."""
        ...

    def hung(self, work: Work, limit_s: float) -> EnvironmentFaultError:
        """Return the fault of an environment that has been at this work for longer."""
        ...


@runtime_checkable
class Restarting(Protocol):
    """A `VectorEnvironment` that begins environments anew when they die."""

    @property
    def num_restarts(self) -> int:
        """How many it has begun anew."""
        ...

    @property
    def failures(self) -> tuple[EnvironmentFailure, ...]:
        """Why, for the last of them, newest last."""
        ...
