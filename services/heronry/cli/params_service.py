"""How `heronry params` reaches a parameter service."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final, TypeVar

from heronry.cli.access import Access
from heronry.cli.asking import Asked, ask_service, known_address
from heronry.client.params import ParamsClient
from heronry.client.sharded_params import ShardedParamsClient

if TYPE_CHECKING:
    from heronry.client.options import ConnectionOptions

T = TypeVar("T")
AnyParamsClient = ParamsClient | ShardedParamsClient


def _connected(where: str, options: "ConnectionOptions") -> AnyParamsClient:
    """Return the client of a service; of several addresses, with commas between, that of a model's shards."""
    addresses = where.split(",")
    return ShardedParamsClient(addresses, options) if len(addresses) > 1 else ParamsClient(where, options)


_PARAMS: Final = Asked[AnyParamsClient](
    "params", "parameter service", _connected, lambda client: client.list_models(), takes_several=True
)


def ask_params(access: Access, question: Callable[[AnyParamsClient], Coroutine[object, object, T]]) -> T:
    """Return what a parameter service answers, or those of a model's shards; ConfigurationError as `ask_service`."""
    return ask_service(access, _PARAMS, question)


def known_params_address() -> str:
    """Return where the parameter service of the mesh that is up answers, else the usual port of one."""
    return known_address(_PARAMS.role)
