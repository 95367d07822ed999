"""How `heronry fleet` reaches a fleet."""

from collections.abc import Callable, Coroutine
from typing import Final, TypeVar

from heronry.cli.access import Access
from heronry.cli.asking import Asked, ask_service
from heronry.client.fleet import FleetClient

T = TypeVar("T")

_FLEET: Final = Asked("fleet", "fleet", FleetClient, FleetClient.statistics)


def ask_fleet(access: Access, question: Callable[[FleetClient], Coroutine[object, object, T]]) -> T:
    """Return what a fleet answers; ConfigurationError as `ask_service`."""
    return ask_service(access, _FLEET, question)
