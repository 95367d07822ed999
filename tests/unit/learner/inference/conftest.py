"""Policies whose outputs tell what they were given."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from heronry.learner.core.inference import Inference, InferenceLimits, Policy, evaluate
from heronry.types.columns import ColumnSpec
from heronry.types.inference import InferenceStep, LaneGroup
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

OBSERVED = ColumnSpec("observation", ElementType.FLOAT32, (2,))


class Counting:
    """Outputs `scale * observation`; its state counts the steps of an episode."""

    def __init__(self, scale: float, width: int = 1) -> None:
        self.scale = scale
        self.width = width
        self.num_calls = 0

    def __call__(self, observations, states):
        self.num_calls += 1
        after = states + np.float32(1.0)
        return np.float32(self.scale) * observations, after


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Bench:
    """A core, its clock, and the thread that evaluates for it."""

    core: Inference
    clock: Clock
    answers: list = field(default_factory=list)

    def publish(self, number, epoch=1, scale=None, width=1):
        policy = Policy(
            ParameterVersion(epoch, number),
            Counting(number if scale is None else scale, width),
            np.empty(0, np.float32),
        )
        self.core.add(policy)
        return policy

    def open(self, name="fleet-0/0", num_lanes=3, **changes):
        session, opened = self.core.open(lanes(name, num_lanes, **changes))
        return session, opened

    def in_unroll(self, name="fleet-0/0", num_lanes=3, number=None):
        session, _ = self.open(name, num_lanes)
        self.core.begin_unroll(session, number)
        return session

    def step(self, session, sequence, value=1.0, begins=None):
        return self.core.step(session, step(sequence, session.group.lanes.num_lanes, value, begins))

    def run(self):
        """Evaluate whatever is due; return the answers as (group, sequence, first output)."""
        answers = []
        while (batch := self.core.take()) is not None:
            answers += self.finish(batch)
        return answers

    def finish(self, batch):
        outputs, states = evaluate(batch.policy, batch.observations, batch.states)
        finished = self.core.finish(batch, outputs, states, 0.25).value
        return [(session.group.lanes.group_id, sequence, rows) for session, sequence, rows in finished]


def lanes(name="fleet-0/0", num_lanes=3, **changes):
    values = {"run_id": "run", "group_id": name, "num_starts": 1, "num_lanes": num_lanes}
    return LaneGroup(**{**values, "element_type": ElementType.FLOAT32, "shape": (2,), **changes})


def step(sequence, num_lanes=3, value=1.0, begins=None):
    observations = np.full((num_lanes, 2), value, np.float32)
    return InferenceStep(sequence, observations, None if begins is None else np.array(begins, bool))


@pytest.fixture
def make_bench():
    def make(**changes):
        clock = Clock()
        limits = InferenceLimits(**{"max_batch_size": 8, "max_wait_s": 0.5, "num_versions_kept": 2, **changes})
        return Bench(Inference("run", OBSERVED, 2, limits, clock), clock)

    return make


@pytest.fixture
def bench(make_bench):
    made = make_bench()
    made.publish(1)
    return made


@pytest.fixture
def make_lanes():
    return lanes


@pytest.fixture
def make_step():
    return step
