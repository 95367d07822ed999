"""Makes selectors from their declarations."""

from heronry.replay.core.fifo import FifoSelector
from heronry.replay.core.heap import HeapSelector
from heronry.replay.core.lifo import LifoSelector
from heronry.replay.core.prioritized import PrioritizedSelector
from heronry.replay.core.selector import ItemSelector
from heronry.replay.core.uniform import UniformSelector
from heronry.types.tables import Selector, SelectorKind


def make_selector(selector: Selector, capacity: int) -> ItemSelector:
    """Return an empty selector of the declared kind; address space is taken for `capacity` slots, more on demand."""
    match selector.kind:
        case SelectorKind.FIFO:
            return FifoSelector(capacity)
        case SelectorKind.LIFO:
            return LifoSelector(capacity)
        case SelectorKind.UNIFORM:
            return UniformSelector(capacity)
        case SelectorKind.MIN_HEAP:
            return HeapSelector(capacity, is_max=False)
        case SelectorKind.MAX_HEAP:
            return HeapSelector(capacity, is_max=True)
        case SelectorKind.PRIORITIZED:
            return PrioritizedSelector(selector.priority_exponent, capacity)
