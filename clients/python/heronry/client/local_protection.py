"""A contribution whose learnt values are noised before anything else is done to them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from heronry.client.contribution_packing import Values, pieces_of
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.parameter_vector import Bytes, VectorLayout
from heronry.types.contribution import ContributionKind
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import ModelSchema

# Above this, drawing noise would hold up the event loop.
_INLINE_BYTES: Final = 1 << 18


def check_local_privacy(value: object, kind: ContributionKind) -> None:
    """Raise InvalidArgumentError unless `value` is None, or a mechanism for contributions of this kind."""
    if not isinstance(value, LocalPrivacy | None):
        raise InvalidArgumentError.of("local_privacy", value, "a LocalPrivacy, or None")
    if value is not None and kind is ContributionKind.WEIGHTS:
        allowed = "GRADIENT, DELTA (weights have no norm that could be bounded)"
        raise InvalidArgumentError.of("kind", str(kind), f"{allowed} with local_privacy")


async def protected(privacy: LocalPrivacy, values: Values, schema: Callable[[], Awaitable[ModelSchema]]) -> Bytes:
    """Return the flat buffer of a model's tensors, clipped and noised as one vector; charges for it.

    Whatever is done to it afterwards, a codec or error feedback included, is done to values that are private already.

    Raises:
      InvalidArgumentError: the model has tensors that are not learnt, which would leave as they are.
      BudgetExhaustedError, DataLossError, UnavailableError: see `LocalPrivacy.protect`.
    """
    layout = VectorLayout(await schema())
    if layout.others:
        allowed = "PARAMETER only with local_privacy (integers and running statistics have no clip and no noise)"
        name, role = layout.others[0].name, layout.others[0].role.value
        raise InvalidArgumentError.of(f"schema.{name}.role", role, allowed)
    vector = layout.vector(pieces_of(layout.schema, values))

    def noised() -> Bytes:
        return layout.flat(privacy.protect(vector).astype(layout.dtype), [])

    return noised() if vector.nbytes <= _INLINE_BYTES else await asyncio.to_thread(noised)
