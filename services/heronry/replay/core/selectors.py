"""Makes selectors from their declarations."""

from heronry.replay.core.fifo import FifoSelector
from heronry.replay.core.prioritized import PrioritizedSelector
from heronry.replay.core.selector import ItemSelector
from heronry.replay.core.uniform import UniformSelector
from heronry.types.tables import Selector, SelectorKind


def make_selector(selector: Selector) -> ItemSelector:
    """Return an empty selector of the declared kind."""
    match selector.kind:
        case SelectorKind.FIFO:
            return FifoSelector()
        case SelectorKind.UNIFORM:
            return UniformSelector()
        case SelectorKind.PRIORITIZED:
            return PrioritizedSelector(selector.priority_exponent)
