"""Makes the lanes of an actor: how they are grouped, and what evaluates their policy."""

import os
from collections.abc import Callable
from dataclasses import replace

from heronry.environments.checked_pipeline import CheckedPipeline
from heronry.environments.engines import engine_of, is_isolated, lanes_per_environment
from heronry.environments.making import is_single, make_environment
from heronry.environments.native_engine import NativeEnvironment
from heronry.environments.restart_budget import RestartBudget
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import VectorEnvironment
from heronry.fleet.core.actor import Actor, ActorSettings
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.lane_settings import LaneSettings
from heronry.fleet.core.native_rollout import NativeRollout
from heronry.fleet.core.pipelined_rollout import PipelinedRollout
from heronry.fleet.core.rollout import LaneGroup, Rollout
from heronry.fleet.core.side_by_side import SideBySide
from heronry.types.errors import InvalidArgumentError

PolicyFactory = Callable[[VectorEnvironment, int], BehaviourPolicy]
"""Returns the policy of a group of lanes, given its environment and its position."""


def make_actor(
    lanes: LaneSettings,
    settings: ActorSettings,
    make_policy: PolicyFactory,
    clock: Callable[[], float],
    may_go_on: Callable[[], bool],
) -> Actor:
    """Return an actor with environments of its own.

    Args:
      lanes: what is stepped.
      settings: how the run acts.
      make_policy: makes each group's policy.
      clock: monotonic seconds.
      may_go_on: asked before each step, see `Rollout`.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError: as `make_environment`.
    """
    environments = _environments(lanes)
    try:
        policies = [make_policy(environment, i) for i, environment in enumerate(environments)]
    except BaseException:
        for environment in environments:
            environment.close()
        raise
    pairs = zip(environments, policies, strict=True)
    groups = [_group(environment, policy, clock, may_go_on) for environment, policy in pairs]
    return Actor(_together(groups, environments), policies[0], tuple(environments), settings)


def _group(
    environment: VectorEnvironment,
    policy: BehaviourPolicy,
    clock: Callable[[], float],
    may_go_on: Callable[[], bool],
) -> LaneGroup:
    """Return the quickest loop that can take both: they collect the same."""
    if NativeRollout.suits(environment, policy) and isinstance(environment, NativeEnvironment):
        return NativeRollout(environment, policy, may_go_on)
    if isinstance(environment, CheckedPipeline) and not policy.has_memory:
        return PipelinedRollout(environment, policy, clock, may_go_on)
    return Rollout(environment, policy, clock, may_go_on)


def _environments(lanes: LaneSettings) -> list[VectorEnvironment]:
    """Return one environment of all lanes, or two of half of them each, whole games."""
    settings, num_lanes = lanes.environment, lanes.num_lanes
    per_game = lanes_per_environment(settings)
    if num_lanes % per_game:
        allowed = f"a multiple of {per_game}, the agents of {settings.id!r}"
        raise InvalidArgumentError.of("fleet.num_envs", num_lanes, allowed)
    num_second = num_lanes // per_game // 2 * per_game
    is_whole = not _may_release_lock(settings) if lanes.overlap is None else not lanes.overlap
    if is_whole or num_second == 0:
        return [make_environment(settings, num_lanes)]
    first_half, second_half = _halves(settings, num_lanes - num_second)
    restarts = RestartBudget(settings.max_restarts)
    first = make_environment(first_half, num_lanes - num_second, restarts=restarts)
    if lanes.overlap is None and not _gains_by_halves(settings, first):
        first.close()
        return [make_environment(settings, num_lanes)]
    try:
        return [first, make_environment(second_half, num_second, restarts=restarts)]
    except BaseException:
        first.close()
        raise


def _halves(settings: EnvironmentSettings, num_first: int) -> tuple[EnvironmentSettings, EnvironmentSettings]:
    """Share out the processes or threads that the lanes may use."""
    num_workers = settings.num_workers or len(os.sched_getaffinity(0))
    first = replace(settings, num_workers=max(1, num_workers - num_workers // 2))
    second = replace(settings, num_workers=max(1, num_workers // 2), first_index=settings.first_index + num_first)
    return first, second


def _gains_by_halves(settings: EnvironmentSettings, environment: VectorEnvironment) -> bool:
    # Small observations are acted on in less time than it takes to wake the threads of a pool.
    is_slow_to_wake = engine_of(settings) == "envpool" and len(environment.observation_space.shape) < 3
    return environment.releases_lock and not is_slow_to_wake


def _may_release_lock(settings: EnvironmentSettings) -> bool:
    """Whether environments may turn out to leave the interpreter's lock to others; of the rest none is made in vain."""
    engine = engine_of(settings)
    is_vector = engine == "gymnasium" and not is_single(settings)
    # Who says how many threads a pool has means all of it.
    is_pool = engine == "envpool" and "num_threads" not in settings.kwargs
    return is_isolated(settings) or is_vector or is_pool or engine == "native"


def _together(groups: list[LaneGroup], environments: list[VectorEnvironment]) -> LaneGroup:
    if len(groups) == 1:
        return groups[0]
    first, second = groups
    return SideBySide(first, second, (environments[0].num_envs, environments[1].num_envs))
