"""Something that is measured as a whole."""

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from heronry.bench.peers import Peers
from heronry.bench.rows import Row


@dataclass(frozen=True)
class Measurement:
    """Yields the rows of `cases`, those alone, when it is run."""

    cases: tuple[str, ...]
    run: Callable[[Peers], Iterator[Row]]

    def has(self, pattern: str) -> bool:
        """Tell whether a case matches, as a file name does."""
        return any(fnmatch.fnmatch(case, pattern) for case in self.cases)
