"""What a learner does differently under a claim of privacy."""

from heronry.learner.plan import RunPlan
from heronry.types.privacy import FixedClip

CLAIM = {
    "unit": "client",
    "relation": "zero_out_one",
    "population": 10,
    "delta": 1e-3,
    "epsilon_limit": 8.0,
    "clip": {"fixed": {"norm": 1.5}},
    "noise": {"independent": {"noise_multiplier": 12.0, "sampler": "rounded_gaussian", "is_amplified": False}},
    "publishes_returns": True,
}
# 8 * 32 steps an update: 10 updates.
SPEC = {"environment": {"id": "CartPole-v1"}, "max_env_steps": 2560}


def plan_with(**sections: object) -> RunPlan:
    return RunPlan.from_spec({**SPEC, **sections})


def test_the_model_is_registered_with_the_claim_of_the_spec() -> None:
    claim = plan_with(privacy=CLAIM).model_settings().privacy

    assert claim is not None
    assert claim.clip == FixedClip(1.5)
    assert plan_with().model_settings().privacy is None


def test_a_private_run_ends_with_the_updates_that_were_reckoned_with() -> None:
    private, public = plan_with(privacy=CLAIM), plan_with()

    assert [private.is_over(n) for n in (9, 10)] == [False, True]
    assert not public.is_over(10**6)


def test_with_replay_a_learner_goes_on_from_its_own_weights() -> None:
    assert plan_with(privacy=CLAIM).goes_on_from_releases
    assert not plan_with(privacy=CLAIM, algorithm={"name": "dqn"}).goes_on_from_releases
    assert not plan_with().goes_on_from_releases
