"""How `heronry replay` reaches a replay service."""

from collections.abc import Callable, Coroutine
from typing import Final, TypeVar

from heronry.cli.access import Access
from heronry.cli.asking import Asked, ask_service
from heronry.client.replay import ReplayClient

T = TypeVar("T")

_REPLAY: Final = Asked("replay", "replay service", ReplayClient, ReplayClient.list_tables)


def ask_replay(access: Access, question: Callable[[ReplayClient], Coroutine[object, object, T]]) -> T:
    """Return what a replay service answers; ConfigurationError as `ask_service`."""
    return ask_service(access, _REPLAY, question)
