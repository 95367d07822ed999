"""Pictures of boards: each cell a square with a narrow gap around it."""

from heronry.native.arrays import Bytes

SIDE = 320
Colour = tuple[int, int, int]


def paint_cell(frame: Bytes, num_cells: int, x: int, y: int, colour: Colour) -> None:
    """Paint the cell in column x of row y, of as many cells to a side as asked for."""
    cell = SIDE // num_cells
    margin = (SIDE - cell * num_cells) // 2
    top, left = margin + y * cell, margin + x * cell
    frame[top + 1 : top + cell - 1, left + 1 : left + cell - 1] = colour
