"""The way of a contribution, always in this order.

decode -> finite -> WEIGHTS become a difference to their base -> norm -> clip -> weight ->
accumulate -> noise -> divide -> server optimiser -> new version

`Pipeline.prepare` goes up to the weight, `Pipeline.close` starts after the noise; a round
accumulates in between. Norm and clip belong between `difference_of` and `check_magnitude`, where
a `Difference` can be evaluated and replaced by its clipped one; noise belongs on the `WeightedSum`
that `close` receives. Models with privacy settings are refused, so that neither is skipped in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heronry.params.core.aggregation import Difference
from heronry.params.core.layout import Bytes, ParameterLayout, Vector
from heronry.params.core.optimizers import Optimizer, OptimizerState
from heronry.params.core.rounds import Round
from heronry.params.core.versions import Published
from heronry.types.contribution import ContributionKind
from heronry.types.errors import InvalidContributionError, SchemaMismatchError
from heronry.types.tensors import Array


@dataclass(frozen=True)
class Decoded:
    """A contribution's values: the `[P]` vector and the tensors that are not learnt."""

    vector: Vector
    others: Mapping[str, Array]


@dataclass(frozen=True)
class Prepared:
    """A contribution's values once they may enter a round."""

    difference: Difference
    others: Mapping[str, Array]


class Pipeline:
    """The stages of one model; holds no state of its own."""

    def __init__(self, layout: ParameterLayout, optimizer: Optimizer, num_contributions: int) -> None:
        self.layout = layout
        self.optimizer = optimizer
        self._num_contributions = num_contributions

    def prepare(self, kind: ContributionKind, flat: Bytes, base: Published | None, newest: Published) -> Prepared:
        """Take a contribution's bytes as far as they go without its round."""
        decoded = decode(self.layout, flat)
        check_finite(self.layout, decoded)
        difference = difference_of(kind, decoded.vector, base, newest, self.layout)
        return Prepared(difference, decoded.others)

    def check_weight(self, prepared: Prepared, share: float) -> None:
        """Refuse what could overflow the sum of a full round."""
        check_magnitude(prepared.difference, share, self._num_contributions)

    def close(self, completed: Round, newest: Published, state: OptimizerState) -> tuple[Bytes, OptimizerState]:
        """Make the values of the next version from a full round."""
        vector = self.layout.vector(newest.flat)
        with np.errstate(over="ignore", invalid="ignore"):
            values, new_state = self.optimizer.step(vector, completed.sum.mean(), state)
        others = completed.buffers.published(self.layout.other_values(newest.flat), completed.sum.denominator)
        flat = self.layout.assemble(values, others)
        check_finite(self.layout, decode(self.layout, flat), of_what="the update would make it")
        return flat, new_state


def decode(layout: ParameterLayout, flat: Bytes) -> Decoded:
    """Return the values in a flat buffer.

    Raises:
      SchemaMismatchError: the buffer has another length than the model's.
    """
    if flat.nbytes != layout.schema.num_bytes:
        raise SchemaMismatchError.of("num_bytes", flat.nbytes, f"{layout.schema.num_bytes} (the model's schema)")
    return Decoded(layout.vector(flat), layout.other_values(flat))


def check_finite(layout: ParameterLayout, decoded: Decoded, of_what: str = "got") -> None:
    """Refuse NaN and infinity, naming the tensor and the index of the first.

    Raises:
      InvalidContributionError: a component of any floating tensor is not finite.
    """
    if not np.isfinite(magnitude(decoded.vector)):
        index = int(np.argmin(np.isfinite(decoded.vector)))
        tensor, position = layout.tensor_at(index)
        raise _not_finite(tensor.name, position, float(decoded.vector[index]), of_what)
    for name, values in decoded.others.items():
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            first = np.unravel_index(int(np.argmin(np.isfinite(values))), values.shape)
            position = tuple(int(i) for i in first)
            raise _not_finite(name, position, float(values[position]), of_what)


def difference_of(
    kind: ContributionKind, vector: Vector, base: Published | None, newest: Published, layout: ParameterLayout
) -> Difference:
    """Return what a contribution adds to the newest values.

    Args:
      kind: what the values mean.
      vector: `[P]` values as pushed.
      base: the values they were computed at; needed for WEIGHTS only.
      newest: the values that the open round will move.
      layout: where the learnt tensors lie.
    """
    if kind is ContributionKind.GRADIENT:
        return Difference(vector, sign=-1.0)
    if kind is ContributionKind.DELTA:
        return Difference(vector)
    if base is None:
        raise ValueError("WEIGHTS without the values of their base version")
    if base.version.number == newest.version.number:
        return Difference(vector, is_anchored=True)
    return Difference(vector - layout.vector(base.flat))


def check_magnitude(difference: Difference, share: float, num_contributions: int) -> None:
    """Refuse a component so large that the sum of a round could overflow.

    Raises:
      InvalidContributionError: with the component's size and the bound.
    """
    largest = magnitude(difference.values) * share
    # A single term cannot overflow; sums of more keep a factor of two for their rounding.
    num_terms = 2 * num_contributions if num_contributions > 1 else 1
    bound = float(np.finfo(difference.values.dtype).max) / num_terms
    if not largest <= bound:
        raise InvalidContributionError.of("contribution", largest, f"weighted components of at most {bound:.3g}")


def magnitude(vector: Vector) -> float:
    """Return the largest absolute component, 0 for none; NaN and infinity show through."""
    if not vector.size:
        return 0.0
    low, high = float(vector.min()), float(vector.max())
    return high if np.isnan(high) else max(-low, high)


def _not_finite(tensor: str, position: tuple[int, ...], value: float, of_what: str) -> InvalidContributionError:
    place = f"{tensor}{list(position)}" if position else tensor
    details = {
        "field": place,
        "value": repr(value),
        "allowed": "finite",
        "tensor": tensor,
        "index": str(list(position)),
    }
    return InvalidContributionError(f"{place}: {of_what} {value!r}, allowed: finite", details=details)
