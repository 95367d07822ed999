"""The policy of a fleet whose learner evaluates it."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from heronry.client.connection import Resolver
from heronry.client.inference import InferenceClient
from heronry.client.options import ConnectionOptions
from heronry.environments.vector import VectorEnvironment
from heronry.fleet.remote_forward import RemoteForward
from heronry.types.errors import AbortedError
from heronry.types.inference import LaneGroup, UnrollBegun
from heronry.types.tensors import Array, ElementType

_LOG_STD: Final = "policy/log_std"


class CentralPolicy:
    """One stream a group of lanes, all acting with the same version; for one event loop.

    Args:
      resolve: finds the learner.
      options: how it is called; a service that is away is waited for.
      run_id, num_starts: of the assignment.
      fleet_name: unique in the run; the groups are numbered behind it.
      is_lockstep: see `RemoteForward`.
    """

    def __init__(
        self,
        resolve: Resolver,
        options: ConnectionOptions,
        run_id: str,
        num_starts: int,
        fleet_name: str,
        *,
        is_lockstep: bool,
    ) -> None:
        self._client = InferenceClient(resolve, replace(options, reconnect_s=math.inf))
        self._loop = asyncio.get_running_loop()
        self._run_id = run_id
        self._num_starts = num_starts
        self._fleet_name = fleet_name
        self._is_lockstep = is_lockstep
        self._forwards: list[RemoteForward] = []

    def forward(self, environment: VectorEnvironment, position: int) -> RemoteForward:
        """Return what evaluates the policy of a group of lanes; from any thread, before the first unroll."""
        observed = environment.observation_space
        lanes = LaneGroup(
            run_id=self._run_id,
            group_id=f"{self._fleet_name}/{position}",
            num_starts=self._num_starts,
            num_lanes=environment.num_envs,
            element_type=ElementType.of(observed.element_type),
            shape=observed.shape,
        )
        forward = RemoteForward(self._client.stream(lanes), self._loop, is_lockstep=self._is_lockstep)
        self._forwards.append(forward)
        return forward

    async def begin_unroll(self, number: int | None) -> UnrollBegun:
        """Choose the version that acts in all groups: this one, or the newest.

        Raises:
          DeadlineExceededError: it is not there yet.
          VersionNotFoundError: it is kept no longer.
          AbortedError: params began another epoch in between: no version acts in all groups.
          HeronryError: the service refuses the lanes.
        """
        first, *others = self._forwards
        begun = await first.stream.begin_unroll(number)
        for forward in others:
            other = await forward.stream.begin_unroll(begun.version.number)
            if other.version != begun.version:
                raise AbortedError(f"one half of the lanes acts with {begun.version}, the other with {other.version}")
        return begun

    def stop(self) -> None:
        """End what the actor's threads wait for."""
        for forward in self._forwards:
            forward.stop()

    async def end_streams(self) -> None:
        """Let the service go, until the next unroll begins."""
        for forward in self._forwards:
            await forward.stream.close()

    async def close(self) -> None:
        """End everything."""
        self.stop()
        await self._client.close()


def weights_here(begun: UnrollBegun) -> Mapping[str, Array]:
    """Return what a fleet needs of a version that acts elsewhere: the standard deviations of its noise."""
    return {_LOG_STD: np.asarray(begun.log_std)} if len(begun.log_std) else {}
