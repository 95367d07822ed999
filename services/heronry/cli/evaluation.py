"""What `heronry evaluate` does: load the policy, play, tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from heronry.cli.output import console_for, print_json
from heronry.cli.picture_files import film_format, require_picture
from heronry.cli.policy_file import PolicyFile, load_policy
from heronry.fleet.core.evaluation import EpisodeResults, check_request, evaluate_policy

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
NUM_BARS = 12
BAR_WIDTH = 40


@dataclass(frozen=True)
class EvaluateRequest:
    """What the user typed."""

    checkpoint: Path
    num_episodes: int
    seed: int
    is_greedy: bool
    histogram: Path | None
    video: Path | None
    is_json: bool


def run_evaluation(request: EvaluateRequest) -> None:
    """Evaluate as requested."""
    console = console_for(is_json=request.is_json)
    check_request(request.num_episodes, request.seed)
    if request.histogram is not None:
        require_picture("--histogram", request.histogram, (".png",))
    if request.video is not None:
        film_format("--video", request.video)
    policy = load_policy(request.checkpoint)
    results = evaluate_policy(
        policy.environment,
        policy.network,
        policy.tensors,
        request.num_episodes,
        request.seed,
        greedy=request.is_greedy,
        algorithm=policy.algorithm,
    )
    fields = summarise(policy, request, results)
    _show(console, policy, fields, results)
    _draw(console, request, policy, results)
    if request.is_json:
        print_json({**fields, "returns": list(results.returns), "lengths": list(results.lengths)})


def summarise(policy: PolicyFile, request: EvaluateRequest, results: EpisodeResults) -> dict[str, object]:
    """Return the figures of an evaluation; the deviation is the population's."""
    returns = np.asarray(results.returns)
    return {
        "checkpoint": str(policy.path),
        "env": policy.environment.id,
        "algorithm": policy.algorithm,
        "version": policy.version,
        "greedy": request.is_greedy,
        "seed": request.seed,
        "eval_episodes": len(returns),
        "eval_mean": float(returns.mean()),
        "eval_sd": float(returns.std()),
        "eval_min": float(returns.min()),
        "eval_max": float(returns.max()),
        "eval_quantiles": {f"{q:g}": float(np.quantile(returns, q)) for q in QUANTILES},
        "mean_length": float(np.mean(results.lengths)),
    }


def bars(returns: tuple[float, ...], num_bars: int = NUM_BARS, width: int = BAR_WIDTH) -> Iterator[str]:
    """Yield the lines of a histogram: its range, its bar, its count."""
    counts, edges = np.histogram(returns, bins=1 if min(returns) == max(returns) else num_bars)
    for count, low, high in zip(counts, edges, edges[1:], strict=False):
        bar = "█" * round(width * count / counts.max())
        yield f"{low:10.1f} to {high:8.1f}  {bar} {count}" if count else f"{low:10.1f} to {high:8.1f}"


def _show(console: Console, policy: PolicyFile, fields: dict[str, object], results: EpisodeResults) -> None:
    console.print(
        f"{policy.environment.id} with {policy.algorithm}, version {policy.version} ({policy.path})", markup=False
    )
    console.print(
        f"mean return {fields['eval_mean']:.2f} ± {fields['eval_sd']:.2f} over {fields['eval_episodes']} episodes"
    )
    quantiles = fields["eval_quantiles"]
    if isinstance(quantiles, dict):
        told = "  ".join(f"{float(q):.0%} {value:.1f}" for q, value in quantiles.items())
        console.print(f"min {fields['eval_min']:.1f}  {told}  max {fields['eval_max']:.1f}")
    for line in bars(results.returns):
        console.print(line, markup=False)


def _draw(console: Console, request: EvaluateRequest, policy: PolicyFile, results: EpisodeResults) -> None:
    if request.histogram is not None:
        from heronry.cli.pictures import draw_histogram  # loads Matplotlib

        draw_histogram(request.histogram, policy.environment.id, results.returns)
        console.print(f"histogram   {request.histogram}", markup=False)
    if request.video is not None:
        from heronry.cli.pictures import film_policy  # loads Pillow

        film_policy(request.video, policy, request.seed)
        console.print(f"video       {request.video}", markup=False)
