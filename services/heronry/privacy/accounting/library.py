"""dp-accounting, loaded when it is first needed: it takes a second, and the SDK does without."""

import importlib
from types import ModuleType
from typing import Any, Final, Protocol

from heronry.types.errors import ConfigurationError

INSTALL_LINE: Final = "pip install 'heronry[privacy]'"


class DpEvent(Protocol):
    """An event of dp-accounting: what one mechanism did, in the terms that an accountant needs."""

    def to_named_tuple(self) -> object:
        """Return its fields, its class and its module."""


class RdpCurve(Protocol):
    """dp-accounting's Rényi accountant, as far as it is used here."""

    def compose(self, event: DpEvent, count: int = 1) -> object:
        """Add an event."""

    @property
    def rdp(self) -> Any:  # noqa: ANN401 - the library has no types
        """The Rényi divergences, one an order."""


def load_library(name: str = "dp_accounting") -> ModuleType:
    """Return dp-accounting or one of its modules, with its warnings silenced.

    It warns of Rényi orders whose series does not converge; it leaves them out, which is sound.

    Raises:
      ConfigurationError: it is not installed; says how to install it.
    """
    try:
        module = importlib.import_module(name)
        absl_logging = importlib.import_module("absl.logging")
    except ImportError as error:
        raise ConfigurationError(f"privacy accounting needs more packages ({error}): {INSTALL_LINE}") from error
    absl_logging.set_verbosity(absl_logging.ERROR)
    return module
