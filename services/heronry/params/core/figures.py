"""What a model has taken and sent since its service started."""

from collections import Counter

from heronry.types.errors import HeronryError


class Figures:
    """Counts contributions, refusals by the name of their error, bytes, and staleness in powers of two."""

    def __init__(self) -> None:
        self.num_accepted = 0
        self.num_refused = 0
        self.num_bytes_received = 0
        self.num_bytes_sent = 0
        self._num_others = 0
        self._refusals: Counter[str] = Counter()
        self._staleness: Counter[int] = Counter()

    def count_accepted(self, staleness: int, num_bytes: int) -> None:
        """Count a contribution, its staleness and its bytes as packed."""
        self.num_accepted += 1
        self.num_bytes_received += num_bytes
        # 0, 1, 2-3, 4-7, ...: the number of binary digits.
        self._staleness[staleness.bit_length()] += 1

    def count_refused(self, error_name: str) -> None:
        """Count a refusal under its error."""
        self.num_refused += 1
        self._refusals[error_name] += 1

    def count_failure(self, error: HeronryError) -> None:
        """Count what kept a round from closing: no contribution was refused."""
        self._num_others += 1
        self._refusals[type(error).__name__] += 1

    def count_missing(self, num_parts: int) -> None:
        """Count parts of contributions that counted as zero at a shard because they never came."""
        if num_parts:
            self._num_others += 1
            self._refusals["MissingPart"] += num_parts

    def count_sent(self, num_bytes: int) -> None:
        """Count the bytes of a version sent, as packed."""
        self.num_bytes_sent += num_bytes

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of which one has changed whenever anything here has."""
        # Each is written by one thread: of a sum, two threads could lose a change.
        return self.num_accepted, self.num_refused, self._num_others, self.num_bytes_received, self.num_bytes_sent

    @property
    def refusals(self) -> dict[str, int]:
        """Refusals by error name."""
        return dict(sorted(self._refusals.items()))

    @property
    def staleness_histogram(self) -> tuple[int, ...]:
        """Contributions of staleness 0, 1, 2 to 3, 4 to 7 and so on."""
        return tuple(self._staleness[bucket] for bucket in range(max(self._staleness, default=-1) + 1))
