"""What runs central inference, at its end."""

import asyncio
import threading
import time

import numpy as np
import pytest

from heronry.learner.core.inference import Inference, InferenceLimits, Policy
from heronry.learner.inference.engine import InferenceEngine
from heronry.learner.inference.outbox import Outbox
from heronry.types.columns import ColumnSpec
from heronry.types.errors import UnavailableError
from heronry.types.inference import InferenceStep, LaneGroup
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

LANES = LaneGroup("run", "group", 1, 2, ElementType.FLOAT32, (3,))


class Held:
    """A forward pass that comes back when it may."""

    width = 0

    def __init__(self):
        self.is_asked, self.may_end = threading.Event(), threading.Event()

    def __call__(self, observations, states):
        self.is_asked.set()
        assert self.may_end.wait(10.0)
        return observations, states


async def nothing_to_fetch(number):
    raise AssertionError(number)


@pytest.fixture
async def engine():
    observed = ColumnSpec("observation", ElementType.FLOAT32, (3,))
    core = Inference("run", observed, 3, InferenceLimits(max_wait_s=0.0), time.monotonic)
    return InferenceEngine(core, nothing_to_fetch, time.monotonic)


async def test_a_stream_that_waits_for_the_step_before_it_learns_that_the_engine_is_closed(engine) -> None:
    policy = Held()
    await engine.add(lambda: Policy(ParameterVersion(1, 1), policy, np.empty(0, np.float32)))
    session, _ = await engine.open(LANES, Outbox())
    await engine.begin_unroll(session, None)
    engine.step(session, InferenceStep(1, np.zeros((2, 3), np.float32)))
    await asyncio.to_thread(policy.is_asked.wait, 10.0)
    engine.close_stream(session)
    coming_back = asyncio.create_task(engine.open(LANES, Outbox()))
    await asyncio.sleep(0)
    assert not coming_back.done()

    await engine.close("run 'run' has left this learner")

    async with asyncio.timeout(10):
        with pytest.raises(UnavailableError, match="has left this learner"):
            await coming_back
    policy.may_end.set()


async def test_a_stream_that_waits_for_a_version_learns_it_too_and_so_do_those_that_come_later(engine) -> None:
    session, _ = await engine.open(LANES, Outbox())
    waiting = asyncio.create_task(engine.begin_unroll(session, None))
    await asyncio.sleep(0)

    await engine.close("gone")

    async with asyncio.timeout(10):
        with pytest.raises(UnavailableError, match="gone"):
            await waiting
        with pytest.raises(UnavailableError, match="gone"):
            await engine.open(LANES, Outbox())
