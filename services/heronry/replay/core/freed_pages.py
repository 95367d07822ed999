"""Pages that nobody needs any more and that must not be written before the log knows."""

from collections import deque


class FreedPages:
    """Keeps freed pages back until the log has what freed them.

    A page that is written anew too early would lose steps of items that a recovery still finds in the log.
    """

    def __init__(self) -> None:
        self._unlogged: list[int] = []
        self._logged: deque[tuple[int, list[int]]] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, pages: list[int]) -> None:
        """Take pages whose release the log does not tell yet."""
        self._unlogged.extend(pages)
        self._count += len(pages)

    def stamp(self, position: int) -> None:
        """Say that the log tells up to `position` what freed the pages that were added so far."""
        if self._unlogged:
            self._logged.append((position, self._unlogged))
            self._unlogged = []

    def take(self, position: int) -> list[int]:
        """Return, for use, the pages that were freed up to a position of the log that cannot be lost."""
        taken: list[int] = []
        while self._logged and self._logged[0][0] <= position:
            taken += self._logged.popleft()[1]
        self._count -= len(taken)
        return taken
