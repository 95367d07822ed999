"""What one worker hosts: its share of the lanes, made as in the fleet's own process, and watched."""

import os
from dataclasses import dataclass, field, replace

from heronry.environments.checked import CheckedEnvironment
from heronry.environments.engines import engine_of
from heronry.environments.isolated.exchange import Progress
from heronry.environments.isolated.messages import StartRequest
from heronry.environments.isolated.simulated import SimulatedEnvironment
from heronry.environments.isolated.simulator import Simulator
from heronry.environments.isolated.tracking import Tracked
from heronry.environments.making import is_single, make_environment, make_single
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.single import SingleEnvironment, SingleEnvironments
from heronry.environments.vector import VectorEnvironment
from heronry.types.errors import InvalidArgumentError


@dataclass(frozen=True)
class Hosted:
    """Environments of one worker.

    Attributes:
      environment: steps them.
      is_tracked: whether `Progress` is told which of them is at work.
      simulators: that run beside them.
    """

    environment: VectorEnvironment
    is_tracked: bool
    simulators: list[Simulator] = field(default_factory=list)

    def close(self) -> None:
        """End all of it."""
        self.environment.close()
        for simulator in self.simulators:
            simulator.close()


def host(request: StartRequest, progress: Progress) -> Hosted:
    """Make the environments that the worker was asked for, and start their simulators.

    Raises:
      HeronryError: as `make_environment`.
      SimulatorError: the simulator is the environment, and cannot be spoken to.
    """
    # The processes are the parallel ones: in each a single thread.
    settings = replace(request.settings, isolation="none", command=(), first_index=0, num_workers=1)
    is_simulated = engine_of(settings) == "command"
    if not is_simulated and not (engine_of(settings) == "gymnasium" and is_single(settings)):
        _refuse_command(request.settings)
        return Hosted(
            make_environment(settings, request.num_lanes, with_pictures=request.with_pictures), is_tracked=False
        )
    simulators: list[Simulator] = []
    lanes = iter(range(request.num_lanes))

    def make() -> SingleEnvironment:
        lane = next(lanes)
        if not request.settings.command:
            return Tracked(make_single(settings, with_pictures=request.with_pictures), progress, lane)
        index = request.settings.first_index + request.first_lane + lane
        simulator = Simulator(request.settings.command, index, request.epoch, request.folder)
        simulators.append(simulator)
        if is_simulated:
            return Tracked(SimulatedEnvironment(simulator), progress, lane)
        # The environment finds its simulator by the same variables.
        os.environ.update(simulator.variables)
        simulator.start()
        return Tracked(make_single(settings, with_pictures=request.with_pictures), progress, lane)

    environments = SingleEnvironments(make, request.num_lanes)
    return Hosted(CheckedEnvironment(environments, settings.id), is_tracked=True, simulators=simulators)


def _refuse_command(settings: EnvironmentSettings) -> None:
    if settings.command:
        allowed = "none for environments that are not made one by one: nobody knows whose simulator it is"
        raise InvalidArgumentError.of("environment.command", list(settings.command), allowed)
