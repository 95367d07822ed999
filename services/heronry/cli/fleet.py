"""`heronry fleet`: what environment fleets do, and films of what their policy does."""

from pathlib import Path
from typing import Annotated

import typer

from heronry.cli.access import Access, reaches_service
from heronry.cli.output import console_for, print_json
from heronry.cli.usage import MAX_COUNT, MAX_SEED, require_range

HELP = "Look at an environment fleet; film an episode of its policy."
app = typer.Typer(name="fleet", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)

IsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("status")
@reaches_service
def status(access: Access, is_json: IsJson = False) -> None:
    """Show steps, episodes, policy lag, where the time goes, and environments that died."""
    from heronry.cli.fleet_tables import show_statistics, statistics_fields  # grpc is slow to load

    fields = statistics_fields(access)
    show_statistics(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


@app.command("record")
@reaches_service
def record(
    access: Access,
    dest: Annotated[Path, typer.Argument(help="The film: NAME.gif, or NAME.png for an animated PNG.")],
    number: Annotated[int, typer.Option(min=0, max=MAX_COUNT, help="Version; 0: the newest.")] = 0,
    tag: Annotated[str, typer.Option(help="Version by tag, `best` for one.")] = "",
    seed: Annotated[int, typer.Option(help="Seed of the episode.")] = 20_000_000,
    sample: Annotated[bool, typer.Option("--sample", help="Draw actions as in training; not greedy.")] = False,
    max_steps: Annotated[int, typer.Option(help="Steps after which the film ends, 1 to 10,000.")] = 1_000,
    fps: Annotated[int, typer.Option("--fps", help="Frames a second, 1 to 50.")] = 30,
    is_json: IsJson = False,
) -> None:
    """Play one fresh episode with a version of the run's policy, and film it."""
    require_range("--seed", seed, 0, MAX_SEED)
    require_range("--max-steps", max_steps, 1, 10_000)
    require_range("--fps", fps, 1, 50)
    from heronry.cli.fleet_films import Film, record_film  # grpc is slow to load

    film = Film(dest, number or None, tag or None, seed, not sample, max_steps, fps)
    fields = record_film(access, film)
    console_for(is_json=is_json).print(
        f"return {fields['return']:g} over {fields['length']:,} steps by version {fields['version']} -> {dest}",
        markup=False,
    )
    if is_json:
        print_json(fields)
