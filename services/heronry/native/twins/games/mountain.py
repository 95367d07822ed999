"""What both cars share: their hill, drawn."""

import math
from typing import Final

from heronry.native.arrays import Bytes
from heronry.native.twins.games.canvas import Canvas, Point

HILL_LEFT: Final = -1.2
HILL_SCALE: Final = 400.0 / 1.8


def draw_mountain(position: float, goal: float, frame: Bytes) -> None:
    """Paint the hill, a flag at the goal, and a car on two wheels."""
    canvas = Canvas(frame)
    canvas.fill((247, 246, 242))
    x, y = _on_hill(goal)
    canvas.box((x - 1.0, y - 40.0), (x + 1.0, y), (90, 90, 90))
    canvas.box((x + 1.0, y - 40.0), (x + 19.0, y - 28.0), (211, 122, 62))
    for column in range(frame.shape[1]):
        _, top = _on_hill(HILL_LEFT + (column + 0.5) / HILL_SCALE)
        canvas.box((float(column), top), (column + 1.0, 300.0), (182, 199, 170))
    _draw_car(position, canvas)


def _draw_car(position: float, canvas: Canvas) -> None:
    x, y = _on_hill(position)
    rise = 1.35 * math.cos(3.0 * position)
    length = math.sqrt(1.0 + rise * rise)
    along, up = (1.0 / length, -rise / length), (-rise / length, -1.0 / length)

    def at(a: float, u: float) -> Point:
        return x + a * along[0] + u * up[0], y + a * along[1] + u * up[1]

    canvas.line(at(-12.0, 13.0), at(12.0, 13.0), 6.0, (52, 73, 94))
    canvas.disc(at(-10.0, 5.0), 5.0, (60, 60, 60))
    canvas.disc(at(10.0, 5.0), 5.0, (60, 60, 60))


def _on_hill(position: float) -> Point:
    return (position - HILL_LEFT) * HILL_SCALE, 270.0 - (0.45 * math.sin(3.0 * position) + 0.55) * HILL_SCALE
