"""The tables that are measured, alike in what an item holds to those of the peer."""

from heronry.bench.replay.payloads import SPECS
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern, PatternColumn
from heronry.types.tables import RateLimiter, Selector, TableDefinition

_EACH = ("action", "reward", "done")


def transition(num_steps: int, stack: int = 1) -> Pattern:
    """Return observations at t and t + n, and the n actions, rewards and ends between them.

    Windows cross the ends of episodes, as the peer's do.
    """
    columns = (
        PatternColumn("obs", stop=1, squeeze=True, stack=stack),
        *(PatternColumn(name, stop=num_steps) for name in _EACH),
        PatternColumn("obs", "next_obs", num_steps, num_steps + 1, squeeze=True, stack=stack),
    )
    return Pattern(num_steps + 1, 1, columns)


def sequence(num_steps: int, stack: int) -> Pattern:
    """Return sequences without overlap, each observation with those stacked before it."""
    columns = (PatternColumn("obs", stack=stack), *(PatternColumn(name) for name in _EACH))
    return Pattern(num_steps, num_steps, columns)


PATTERNS: dict[str, Pattern] = {
    "transition": transition(1),
    "nstep3": transition(3, stack=4),
    "seq20": sequence(20, stack=4),
}
"""Items by name; of the latter two observations are stacks of 4 frames, which are stored once."""
_SELECTORS = {"uniform": Selector.uniform(), "prioritized": Selector.prioritized(0.6)}


def definition_of(
    table: str,
    payload: str,
    items: str,
    max_size: int,
    *,
    sampler: str = "uniform",
    level: AcknowledgementLevel = AcknowledgementLevel.MEMORY,
) -> TableDefinition:
    """Return a table that never holds its callers back and evicts its oldest item."""
    return TableDefinition(
        table=table,
        sampler=_SELECTORS[sampler],
        remover=Selector.fifo(),
        rate_limiter=RateLimiter.of_min_size(1),
        max_size=max_size,
        pattern=PATTERNS[items],
        acknowledgement=level,
        columns=SPECS[payload],
        seed=1,
    )
