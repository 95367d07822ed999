"""Something that is measured as a whole."""

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from heronry.bench.peers import Peers
from heronry.bench.rows import Row


@dataclass(frozen=True)
class Measurement:
    """Yields the rows of `cases`, those alone, when it is run.

    Attributes:
      cases: of its rows.
      run: measures.
      seconds: about how long that takes on two quiet cores; 0: not known.
      peer_seconds: about how much longer with the peer.
      narrow: returns the measurement of the matching cases alone; None: it comes as a whole.
    """

    cases: tuple[str, ...]
    run: Callable[[Peers], Iterator[Row]]
    seconds: float = 0.0
    peer_seconds: float = 0.0
    narrow: "Callable[[str], Measurement] | None" = None

    def has(self, pattern: str) -> bool:
        """Tell whether a case matches, as a file name does."""
        return any(fnmatch.fnmatch(case, pattern) for case in self.cases)

    def only(self, pattern: str) -> "Measurement":
        """Return what has to be measured for the cases that match."""
        return self if self.narrow is None else self.narrow(pattern)
