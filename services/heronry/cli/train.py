"""`heronry train`: train an agent and judge it."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from heronry.cli.usage import require_range
from heronry.launch.local import MAX_FLEETS
from heronry.types.errors import ConfigurationError


class Launcher(Enum):
    """Where the services of the run live."""

    LOCAL = "local"
    EMBEDDED = "embedded"


def train(
    context: typer.Context,
    spec: Annotated[str, typer.Argument(help="A bundled name (cartpole, lunarlander, ...) or a YAML file.")] = "",
    algorithm: Annotated[str | None, typer.Option(help="ppo or dqn; the spec's own when left out.")] = None,
    launcher: Annotated[Launcher, typer.Option(help="A process per service, or all in this one.")] = Launcher.LOCAL,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random in the run.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; may be repeated.")
    ] = None,
    run_dir: Annotated[Path | None, typer.Option(help="The run's folder; must be new or empty.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    fleets: Annotated[int, typer.Option(help="Fleets to start.")] = 1,
    address: Annotated[str, typer.Option(help="Train on the mesh of this coordinator; start nothing.")] = "",
    is_json: Annotated[bool, typer.Option("--json", help="End standard output with the result as JSON.")] = False,
) -> int:
    """Train an agent on real services and show the curve, the checkpoint and the result."""
    require_range("--fleets", fleets, 1, MAX_FLEETS)
    if seed is not None and seed < 0:
        raise ConfigurationError.of("--seed", seed, "0 or more")
    from heronry.cli.training import TrainRequest, run_training  # other commands do not need it

    request = TrainRequest(
        spec=spec,
        algorithm=algorithm,
        launcher=launcher.value,
        seed=seed,
        assignments=tuple(assignments or ()),
        run_dir=run_dir,
        resume=resume,
        num_fleets=fleets,
        address=address,
        is_json=is_json,
        is_debug=bool(context.obj),
    )
    return run_training(request)
