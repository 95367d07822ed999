"""Strategies as documents: a horizon is ended with the very matrix that it was begun with.

A strategy that was fitted again, by another build, might differ in its last digits; noise that is drawn under one
matrix and continued under another is covered by neither's claim.
"""

from collections.abc import Mapping

from heronry.privacy.factorisation.banded import BandedToeplitz
from heronry.privacy.factorisation.buffered import BufferedToeplitz
from heronry.privacy.factorisation.strategy import Strategy
from heronry.privacy.factorisation.tree import TreeAggregation
from heronry.types.errors import InvalidArgumentError

Document = dict[str, object]


def strategy_to_document(strategy: Strategy) -> Document:
    """Return `strategy` as a JSON object; floats survive exactly."""
    match strategy:
        case BandedToeplitz(band):
            return {"kind": "banded", "band": band}
        case BufferedToeplitz(rates, inverse_rates):
            return {"kind": "buffered", "rates": list(rates), "inverse_rates": list(inverse_rates)}
        case TreeAggregation():
            return {"kind": "tree"}
    raise TypeError(f"{type(strategy).__name__} has no document")


def strategy_from_document(document: Mapping[str, object]) -> Strategy:
    """Return the strategy that `document` was made of; anything else is refused."""
    match document:
        case {"kind": "banded", "band": int(band)} if band >= 1 and band is not True and len(document) == 2:
            return BandedToeplitz(band)
        case {"kind": "buffered", "rates": list(rates), "inverse_rates": list(inverse)} if len(document) == 3:
            return BufferedToeplitz(_floats("rates", rates), _floats("inverse_rates", inverse))
        case {"kind": "tree"} if len(document) == 1:
            return TreeAggregation()
    raise InvalidArgumentError.of("strategy", dict(document), "a banded, buffered or tree strategy")


def _floats(field: str, values: list[object]) -> tuple[float, ...]:
    floats = tuple(value for value in values if isinstance(value, float))
    if not floats or len(floats) != len(values):
        raise InvalidArgumentError.of(field, values, "a list of numbers with a fraction")
    return floats
