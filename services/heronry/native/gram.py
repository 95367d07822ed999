"""Inner products of rows of parameters, seen from one of them."""

from collections.abc import Sequence

from heronry.native.arrays import Reals, Vector
from heronry.native.backend import LOOPS, Loops


def add_products(sources: Sequence[Vector], origin: int, unit: float, products: Reals, *, loops: Loops = LOOPS) -> None:
    """Add `sum_p y_ip y_jp` for i <= j to `products`, where `y_i = (x_i - x_origin) * unit`.

    Products are summed in the vectors' own type over at most 1,024 elements and in float64 across; in what order is
    each twin's own. What is not finite stays in the products of its row, unless that is the origin.

    O(N^2 P). Long rows are halved between two threads, one of them with `[N, N]` sums of its own. Each shifts rows in
    at most 2 MiB of memory, or 64 bytes a row where there are very many. The interpreter's lock is free meanwhile.

    Args:
      sources: N >= 1 vectors `[P]`, float32 or float64, of one type and length.
      origin: the row that the others are seen from.
      unit: factor of all rows, rounded to their type; a power of two loses nothing.
      products: [N, N]; its lower half stays as it is.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: sources of unlike types, or with gaps.
      ValueError: a length differs.
      IndexError: no such origin.
    """
    loops.add_products(sources, origin, unit, products)
