"""The learning curve of a run as a picture."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heronry.coordinator.tensorboard import read_progress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVE = "curve.png"
_INK, _QUIET, _GRID = "#1f2933", "#7b8794", "#e4e7eb"
_TRAINING, _SELECTION, _TARGET, _JUDGED = "#9fb3c8", "#0b69a3", "#c65d21", "#207227"


def load() -> None:
    """Import what draws; half a second, better spent before the run ends."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401 (loaded for `draw`)


def draw(run_dir: Path, result: dict[str, Any]) -> Path:
    """Draw `curve.png` from the run's progress and result; returns its path. Imports matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = read_progress(run_dir)
    figure = Figure(figsize=(9.0, 5.0), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    _dress(axes, result)
    _plot_training(axes, lines)
    _plot_selection(axes, lines)
    _plot_marks(axes, lines, result)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="best", frameon=False, fontsize=9, labelcolor=_INK)
    path = run_dir / CURVE
    figure.savefig(path, metadata={"Title": f"heronry: {result['run_id']}"})
    return path


def _dress(axes: "Axes", result: dict[str, Any]) -> None:
    title = f"{result['env']} · {str(result['algorithm']).upper()} · seed {result['seed']}"
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold", color=_INK, pad=22)
    axes.text(0, 1.02, _summary(result), transform=axes.transAxes, fontsize=9, color=_QUIET, va="bottom")
    axes.set_xlabel("environment steps", color=_INK)
    axes.set_ylabel("episode return", color=_INK)
    axes.grid(visible=True, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_QUIET, length=0)
    axes.xaxis.set_major_formatter(_thousands)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(_GRID)


def _summary(result: dict[str, Any]) -> str:
    parts = [
        f"{result['env_steps']:,} steps",
        f"{result['updates']:,} updates",
        f"{result['train_s']:.1f} s of training",
    ]
    if result.get("steps_per_s"):
        parts.append(f"{result['steps_per_s']:,.0f} steps/s")
    if result.get("eval_mean") is not None:
        judged = f"{result['eval_mean']:.1f} ± {result['eval_sd']:.1f} over {result['eval_episodes']} fresh episodes"
        parts.insert(0, f"judged {judged}")
    return " · ".join(parts)


def _plot_training(axes: "Axes", lines: list[dict[str, Any]]) -> None:
    points = [(p["env_steps"], p["mean_return"]) for p in lines if p["kind"] == "progress" and "mean_return" in p]
    if points:
        axes.plot(*zip(*points, strict=True), color=_TRAINING, linewidth=2, label="training (last 100 episodes)")


def _plot_selection(axes: "Axes", lines: list[dict[str, Any]]) -> None:
    points = selection_points(lines)
    if not points:
        return
    steps, means, deviations = zip(*points, strict=True)
    low = [mean - sd for mean, sd in zip(means, deviations, strict=True)]
    high = [mean + sd for mean, sd in zip(means, deviations, strict=True)]
    axes.fill_between(steps, low, high, color=_SELECTION, alpha=0.12, linewidth=0)
    label = "greedy evaluation, mean ± sd"
    axes.plot(steps, means, color=_SELECTION, linewidth=2, marker="o", markersize=5, label=label)


def selection_points(lines: list[dict[str, Any]]) -> list[tuple[float, float, float]]:
    """Return environment steps, mean and deviation of each version that was evaluated.

    Steps are reported every half second, in which a fast run passes several candidates: they are
    interpolated at the time of the candidate. Evaluations of one version are taken together.
    """
    progress = [line for line in lines if line["kind"] == "progress"]
    times, steps = [line["time_s"] for line in progress], [line["env_steps"] for line in progress]
    groups: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for line in lines:
        if line["kind"] == "evaluation":
            groups.setdefault((line["version"], line["policy_time_s"]), []).append(line)
    points = []
    for (_, time_s), group in groups.items():
        at = float(np.interp(time_s, times, steps)) if times else float(group[0]["env_steps"])
        points.append((at, *_pooled(group)))
    return points


def _pooled(group: list[dict[str, Any]]) -> tuple[float, float]:
    weights = [line["episodes"] for line in group]
    mean = float(np.average([line["mean_return"] for line in group], weights=weights))
    squares = [line["sd_return"] ** 2 + line["mean_return"] ** 2 for line in group]
    return mean, math.sqrt(max(0.0, float(np.average(squares, weights=weights)) - mean * mean))


def _plot_marks(axes: "Axes", lines: list[dict[str, Any]], result: dict[str, Any]) -> None:
    target = result.get("target_return")
    if target is not None:
        axes.axhline(target, color=_TARGET, linewidth=1.4, linestyle=(0, (5, 3)), label=f"target {target:g}")
    if result.get("eval_mean") is not None:
        at = _steps_of(result, lines)
        axes.plot([at], [result["eval_mean"]], "*", markersize=15, color=_JUDGED, label="judged policy")


def _steps_of(result: dict[str, Any], lines: list[dict[str, Any]]) -> float:
    """Return the environment steps after which the judged version was made."""
    versions = {line["version"]: line for line in lines if line["kind"] == "evaluation"}
    chosen = versions.get(result["version"])
    points = selection_points([*(line for line in lines if line["kind"] == "progress"), *([chosen] if chosen else [])])
    return points[0][0] if points else float(result["env_steps"])


def _thousands(value: float, _position: float) -> str:
    return f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}"
