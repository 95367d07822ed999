"""One measured figure, as programs and people read it."""

import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Row:
    """A case's figure beside its reference and its goal.

    Attributes:
      case: stable id, such as `train.cartpole.ppo.local.total_s`.
      value: median of the repeats.
      spread: smallest and largest of the repeats.
      reference: peer or limit measured in the same run; None where there is none.
      goal: what `value` should reach; None where there is none.
    """

    case: str
    value: float
    unit: str
    better: Better
    spread: tuple[float, float]
    repeats: int
    reference: str | None = None
    reference_value: float | None = None
    goal: float | None = None
    settings: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, case: str, values: Sequence[float], unit: str, better: Better, **more: object) -> Self:
        """Make the row of repeated measurements; `more` are further fields."""
        spread = (min(values), max(values))
        return cls(case, statistics.median(values), unit, better, spread, len(values), **more)  # type: ignore[arg-type]  # fields by name

    @property
    def ratio(self) -> float | None:
        """Ours to the reference, above 1 when ours is better whichever way the unit points."""
        if not self.reference_value or not self.value:
            return None
        ours, theirs = self.value, self.reference_value
        return ours / theirs if self.better == "higher" else theirs / ours

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal

    def to_json(self) -> str:
        """Return the row as one line of JSON."""
        return json.dumps(dataclasses.asdict(self) | {"ratio": self.ratio, "met": self.met})

    def to_text(self) -> str:
        """Return the row as one line to read, cells parted as in Markdown."""
        low, high = self.spread
        peer = "" if self.reference_value is None else f"{self.reference_value:.4g} ({self.reference})"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        goal = "" if self.goal is None else f"{self.goal:.4g} {'met' if self.met else 'missed'}"
        cells = (self.case, f"{self.value:.4g} {self.unit}", f"{low:.4g} to {high:.4g}", peer, ratio, goal)
        return "| " + " | ".join(cells) + " |"
