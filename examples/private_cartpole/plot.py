"""Draw what privacy costs: `python plot.py [RESULT.json ...] [--out PICTURE.png]`; otherwise of the results beside it.

Shown are the returns on CartPoles that no client has: they follow from the published versions alone, and tell of the
clients no more than those do.
"""

import argparse
import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parents[1] / "docs" / "images" / "private_cartpole.png"
TARGET_RETURN = 400
_INK, _QUIET, _GRID = "#1f2933", "#616e7c", "#e4e7eb"
_TARGET, _COLOURS, _MARKERS = "#207227", ("#0b69a3", "#c65d21", "#7b8794"), ("o", "s", "^")
# Where runs without a claim stand on the axis of epsilons: beyond the largest.
_GAP, _BESIDE = 3.0, 1.15

Series = dict[float | None, list[float]]


def draw(runs: list[dict[str, Any]], path: Path) -> None:
    """Draw one line for each number of clients: the mean over seeds, and every seed as a point."""
    figure = Figure(figsize=(8.4, 4.8), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    found = _series(runs)
    epsilons = sorted({epsilon for series in found.values() for epsilon in series if epsilon is not None})
    no_noise = epsilons[-1] * _GAP
    for index, (num_clients, series) in enumerate(found.items()):
        # Side by side: without noise all of them reach the same.
        at = no_noise * _BESIDE ** (index - (len(found) - 1) / 2)
        style = _COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)]
        _plot(axes, series, at, *style, f"{num_clients} clients")
    axes.axhline(TARGET_RETURN, color=_TARGET, linewidth=1.2, linestyle=(0, (5, 3)))
    axes.text(epsilons[0], TARGET_RETURN - 7, "target", color=_TARGET, fontsize=9, va="top")
    _dress(axes, runs, epsilons, no_noise)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Title": "heronry: privacy and utility of a shared CartPole policy"})


def _series(runs: list[dict[str, Any]]) -> dict[int, Series]:
    """Return the returns of all seeds by number of clients (most first) and epsilon."""
    found: dict[int, Series] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        settings = run["settings"]
        found[settings["num_clients"]][settings["epsilon"]].append(run["returns"]["others"])
    return dict(sorted(found.items(), reverse=True))


def _plot(axes: Axes, series: Series, no_noise: float, colour: str, marker: str, label: str) -> None:
    for epsilon, returns in series.items():
        at = no_noise if epsilon is None else epsilon
        axes.plot([at] * len(returns), returns, marker, color=colour, markersize=5, alpha=0.45, markeredgewidth=0)
    means = sorted((epsilon, statistics.fmean(series[epsilon])) for epsilon in series if epsilon is not None)
    axes.plot(*zip(*means, strict=True), f"{marker}-", color=colour, linewidth=2, markersize=7, label=label)
    if None in series:
        axes.plot([no_noise], [statistics.fmean(series[None])], marker, color=colour, markersize=7)


def _dress(axes: Axes, runs: list[dict[str, Any]], epsilons: list[float], no_noise: float) -> None:
    settings = runs[0]["settings"]
    num_seeds = len({run["seed"] for run in runs})
    axes.set_title("Privacy and utility", loc="left", fontsize=13, fontweight="bold", color=_INK, pad=22)
    told = (
        f"{settings['num_rounds']} rounds, cohorts drawn with probability {settings['sampling_rate']:g}, "
        f"{num_seeds} seeds each; line: their mean, points: single seeds"
    )
    axes.text(0, 1.02, told, transform=axes.transAxes, fontsize=9, color=_QUIET, va="bottom")
    axes.set_xscale("log")
    labels = [f"{epsilon:g}" for epsilon in epsilons]
    axes.set_xticks([*epsilons, no_noise], labels=[*labels, "no noise,\nno claim"])
    axes.minorticks_off()
    axes.axvline(no_noise / _GAP**0.5, color=_GRID, linewidth=1.2)
    axes.set_xlabel(f"epsilon spent, of a client, at delta {settings['delta']:g}", color=_INK)
    axes.set_ylabel("mean return on CartPoles that no client has", color=_INK)
    axes.set_ylim(0, 520)
    axes.grid(visible=True, axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_QUIET, length=0)
    axes.legend(loc="center left", bbox_to_anchor=(0.26, 0.6), frameon=False, fontsize=10, labelcolor=_INK)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(_GRID)


def main() -> None:
    """Read results, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", type=Path, help="result files of private_learners.py")
    parser.add_argument("--out", type=Path, default=PICTURE, help="the picture; otherwise the one of the documents")
    arguments = parser.parse_args()
    files = arguments.results or sorted((HERE / "measured").glob("*.json"))
    runs = [run for file in files for run in json.loads(file.read_text())["runs"]]
    draw(runs, arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
