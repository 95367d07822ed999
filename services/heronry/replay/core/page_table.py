"""What is known of each page of steps, in arrays that take memory only where pages are in use."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heronry.replay.core.reserved import reserved
from heronry.replay.core.windows import Pages, Piece, Pieces
from heronry.types.errors import DataLossError
from heronry.types.tensors import Array

NO_PAGE = -1


@dataclass(frozen=True)
class PageOrigin:
    """What a page begins with: how many lanes of which strand, and the index of its first step in them."""

    lanes: int
    strand: int
    first_step: int


class PageTable:
    """Fields of pages.

    Attributes:
      next_page: page that continues a page's lanes, or -1.
      lanes: lanes written side by side in a page.
      references: items, times the item is held, and strands that need a page.
      strands: number of the strand that wrote a page.
      first_steps: index in its lanes of a page's first step.
      filled: rows written.
      checksums: `[pages, columns]`, running CRC32C of each column over the filled rows.
    """

    def __init__(self, max_pages: int, num_checksums: int) -> None:
        self.max_pages = max_pages
        self.next_page = reserved(max_pages, np.int64)
        self.lanes = reserved(max_pages, np.int64)
        self.references = reserved(max_pages, np.int64)
        self.strands = reserved(max_pages, np.uint32)
        self.first_steps = reserved(max_pages, np.uint64)
        self.filled = reserved(max_pages, np.uint32)
        self.checksums = reserved(max_pages * num_checksums, np.uint32).reshape(max_pages, num_checksums)

    def begin(self, page: int, origin: PageOrigin, previous: int | None) -> None:
        """Write the fields of a page that was free."""
        self.lanes[page] = origin.lanes
        self.strands[page] = origin.strand
        self.first_steps[page] = origin.first_step
        self.next_page[page] = NO_PAGE
        self.filled[page] = 0
        self.checksums[page] = 0
        if previous is not None:
            self.next_page[previous] = page

    def pieces(self, written: list[tuple[int, int, int]]) -> Pieces:
        """Return the pieces of (page, page before or -1, rows filled before), with the fields as they are now."""
        # Element by element: a block touches few pages, and an indexing for each field would cost more.
        return tuple([self._piece(page, previous, begin) for page, previous, begin in written])

    def apply(self, pieces: Pieces) -> None:
        """Write the fields of pages as an append left them."""
        num_checksums = self.checksums.shape[1]
        for piece in pieces:
            page = piece.page
            if piece.begin == 0:
                origin = PageOrigin(piece.lanes, piece.strand, piece.first_step)
                self.begin(page, origin, None if piece.previous == NO_PAGE else piece.previous)
            self.filled[page] = piece.filled
            if len(piece.checksums) == num_checksums:
                self.checksums[page] = piece.checksums

    def state(self, pages: Pages) -> dict[str, Array]:
        """Return the fields of some pages."""
        return {
            "pages": pages.astype(np.uint32),
            "next_page": self.next_page[pages].astype(np.int32),
            "lanes": self.lanes[pages].astype(np.uint32),
            "strands": self.strands[pages],
            "first_steps": self.first_steps[pages],
            "filled": self.filled[pages],
            "checksums": self.checksums[pages],
        }

    def restore(self, state: Mapping[str, Array]) -> None:
        """Write the fields that `state` returned.

        Raises:
          DataLossError: the state is of another number of columns.
        """
        pages = state["pages"].astype(np.int64)
        if state["checksums"].shape[1] != self.checksums.shape[1]:
            got, kept = state["checksums"].shape[1], self.checksums.shape[1]
            raise DataLossError(f"page tables with {got} checksums a page, the table has {kept} columns")
        self.next_page[pages] = state["next_page"]
        self.lanes[pages] = state["lanes"]
        self.strands[pages] = state["strands"]
        self.first_steps[pages] = state["first_steps"]
        self.filled[pages] = state["filled"]
        self.checksums[pages] = state["checksums"]

    def _piece(self, page: int, previous: int, begin: int) -> Piece:
        lanes, strand, first_step = self.lanes.item(page), self.strands.item(page), self.first_steps.item(page)
        checksums = tuple(self.checksums[page].tolist())
        return Piece(page, previous, lanes, strand, first_step, begin, self.filled.item(page), checksums)
