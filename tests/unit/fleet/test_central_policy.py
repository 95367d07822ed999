"""One version acts in all groups of lanes."""

from types import SimpleNamespace

import numpy as np
import pytest

from heronry.client.options import ConnectionOptions
from heronry.fleet.central_policy import CentralPolicy
from heronry.types.errors import AbortedError
from heronry.types.inference import UnrollBegun
from heronry.types.version import ParameterVersion


class Answering:
    """A stream that begins every unroll with one version."""

    def __init__(self, version):
        self.begun = UnrollBegun(version, version, np.empty(0, np.float32))
        self.asked = []

    async def begin_unroll(self, number):
        self.asked.append(number)
        return self.begun


def policy_of(*versions):
    async def resolve():
        return ()

    policy = CentralPolicy(resolve, ConnectionOptions(), "run", 1, "fleet-0", is_lockstep=False)
    streams = [Answering(version) for version in versions]
    policy._forwards = [SimpleNamespace(stream=stream) for stream in streams]
    return policy, streams


async def test_the_other_half_is_asked_for_the_version_of_the_first():
    version = ParameterVersion(1, 5)
    policy, (first, second) = policy_of(version, version)

    begun = await policy.begin_unroll(None)

    assert begun.version == version
    assert (first.asked, second.asked) == ([None], [5])


async def test_an_unroll_whose_halves_would_act_with_two_epochs_is_given_up():
    policy, _ = policy_of(ParameterVersion(1, 5), ParameterVersion(2, 5))

    with pytest.raises(AbortedError, match="one half of the lanes acts with"):
        await policy.begin_unroll(None)
