"""Films of episodes."""

from dataclasses import dataclass
from enum import Enum

from heronry.types.version import ParameterVersion

MAX_RECORDED_STEPS = 10_000
MAX_FRAMES_PER_SECOND = 50


class PictureFormat(Enum):
    """How an episode is encoded: an animated GIF, or an animated PNG, which loses nothing."""

    GIF = "gif"
    APNG = "apng"


@dataclass(frozen=True)
class RecordingOrder:
    """Which episode is to be recorded.

    Attributes:
      model: empty means the run's policy.
      number, tag: of its version; neither: the newest.
      seed: of the episode.
      greedy: False samples as in training.
      max_steps: after which it is cut, 1 to 10,000.
      frames_per_second: 1 to 50; a frame is a step.
      format: of the file.
    """

    model: str = ""
    number: int | None = None
    tag: str | None = None
    seed: int = 0
    greedy: bool = True
    max_steps: int = 1_000
    frames_per_second: int = 30
    format: PictureFormat = PictureFormat.GIF


@dataclass(frozen=True)
class Recording:
    """A recorded episode.

    Attributes:
      version: that played.
      episode_return, length: of what was recorded.
      ended: whether the episode did; False: it was cut.
      file: the pictures.
    """

    version: ParameterVersion
    episode_return: float
    length: int
    ended: bool
    file: bytes
