"""How `heronry params` reaches a parameter service."""

from collections.abc import Callable, Coroutine
from typing import Final, TypeVar

from heronry.cli.access import Access
from heronry.cli.asking import Asked, ask_service, known_address
from heronry.client.params import ParamsClient

T = TypeVar("T")

_PARAMS: Final = Asked("params", "parameter service", ParamsClient, ParamsClient.list_models)


def ask_params(access: Access, question: Callable[[ParamsClient], Coroutine[object, object, T]]) -> T:
    """Return what a parameter service answers; ConfigurationError as `ask_service`."""
    return ask_service(access, _PARAMS, question)


def known_params_address() -> str:
    """Return where the parameter service of the mesh that is up answers, else the usual port of one."""
    return known_address(_PARAMS.role)
