"""`heronry evaluate`: judge a policy file by fresh episodes, with no service."""

from pathlib import Path
from typing import Annotated

import typer

from heronry.cli.usage import require_range

# Apart from the seeds of training, selection and judgement, so that nothing has been tuned on them.
DEFAULT_SEED = 20_000_000


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="A run's folder or a policy.safetensors.")],
    episodes: Annotated[int, typer.Option(help="Episodes, 1 to 10,000.")] = 100,
    seed: Annotated[int, typer.Option(help="Episode i is seeded with SEED + i.")] = DEFAULT_SEED,
    sample: Annotated[bool, typer.Option("--sample", help="Draw actions as in training; not greedy.")] = False,
    histogram: Annotated[Path | None, typer.Option(metavar="PNG", help="Also draw the returns into a file.")] = None,
    video: Annotated[Path | None, typer.Option(metavar="FILM", help="Also film one episode: .gif or .png.")] = None,
    is_json: Annotated[bool, typer.Option("--json", help="End standard output with one JSON object.")] = False,
) -> None:
    """Show mean, deviation, quantiles and a histogram of a policy's returns."""
    require_range("--episodes", episodes, 1, 10_000)
    from heronry.cli.evaluation import EvaluateRequest, run_evaluation  # loads Gymnasium

    run_evaluation(EvaluateRequest(checkpoint, episodes, seed, not sample, histogram, video, is_json))
