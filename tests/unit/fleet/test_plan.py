"""What a fleet reads from a run spec."""

import pytest

from heronry.fleet.plan import RunPlan

SPEC = {"environment": {"id": "CartPole-v1"}, "algorithm": {"name": "ppo"}}


@pytest.mark.parametrize(
    ("fleet", "overlap"),
    [
        ({}, None),
        ({"inference": "central"}, True),
        ({"inference": "central", "overlap": False}, False),
        ({"overlap": True}, True),
    ],
)
def test_halves_overlap_where_the_policy_is_elsewhere_unless_the_spec_says_otherwise(fleet, overlap):
    plan = RunPlan.from_spec({**SPEC, "fleet": fleet}, 0)

    assert plan.lanes.overlap is overlap


@pytest.mark.parametrize(("policy", "overlap"), [("auto", False), ("torch", False), ("native", True)])
def test_in_lockstep_no_batch_depends_on_which_half_comes_first(policy, overlap):
    fleet = {"num_envs": 8, "inference": "central", "policy": policy}

    plan = RunPlan.from_spec({**SPEC, "lockstep": True, "fleet": fleet}, 0)

    assert plan.lanes.overlap is overlap
