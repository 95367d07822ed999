"""The way of a contribution, always in this order.

decode -> finite -> WEIGHTS become a difference to their base -> norm -> clip -> weight ->
accumulate -> noise -> divide -> server optimiser -> new version

Decoding is done outside of the owner's thread (`decoding`). `Pipeline.contribution` goes from the
difference to the weight; a round's accumulator counts and divides; `Pipeline.close` starts after that.
The norm is checked in `_check_norm`. Of models with a privacy claim the round's accumulator clips, starts from the
noise, and divides by a public number (`private.private_sum`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heronry.native import measure
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import Difference, MeanDifference
from heronry.params.core.decoding import Decoded
from heronry.params.core.layout import Bytes, ParameterLayout, Vector
from heronry.params.core.optimizers.state import Optimizer, OptimizerState
from heronry.params.core.resources import ModelResources
from heronry.types.contribution import ContributionHeader, ContributionKind
from heronry.types.errors import InvalidContributionError
from heronry.types.optimizers import MixingOptimizer, ServerOptimizer
from heronry.types.tensors import Array


@dataclass(frozen=True)
class Newest:
    """The values that the open round will move: the flat buffer and its vector."""

    number: int
    flat: Bytes
    vector: Vector

    @cached_property
    def largest(self) -> float:
        """The largest magnitude in the vector; measured once, when it is asked for."""
        return measure(self.vector)[0] if self.vector.size else 0.0


class Pipeline:
    """The stages of one model; holds no state of its own."""

    def __init__(self, layout: ParameterLayout, resources: ModelResources) -> None:
        self._layout = layout
        self._resources = resources

    def contribution(
        self,
        difference: Difference,
        decoded: Decoded,
        newest: Newest,
        factor: float,
        weight: float,
        max_norm: float,
        max_component: float = math.inf,
    ) -> Contribution:
        """Return what a round may count.

        Raises:
          InvalidContributionError: the norm of the difference is above `max_norm`, or a component above
            `max_component`.
        """
        is_as_sent = difference.values is decoded.vector
        sizes = (decoded.largest, decoded.squared_norm) if is_as_sent else measure(difference.values)
        largest, squared_norm = sizes
        is_bounded = math.isfinite(max_component)
        if difference.is_anchored and (
            math.isfinite(max_norm) or (is_bounded and largest + newest.largest > max_component)
        ):
            largest, squared_norm = difference.measured(newest.vector)
        if math.isfinite(max_norm):
            _check_norm(math.sqrt(squared_norm), max_norm)
        if not largest <= max_component:
            allowed = f"components of at most {max_component:.3g} (the optimiser sums their squares)"
            raise InvalidContributionError.of("contribution", largest, allowed)
        return Contribution(difference, factor, weight, *sizes)

    def difference_of(
        self, header: ContributionHeader, vector: Vector, base: Bytes | None, newest: Newest, optimizer: ServerOptimizer
    ) -> Difference:
        """Return what a contribution adds to the newest values.

        Args:
          header: says what the values mean and what they were computed at.
          vector: `[P]` values as pushed.
          base: the flat buffer they were computed at; needed for WEIGHTS only.
          newest: the values that the open round will move.
          optimizer: mixing compares with the newest version, whatever the base.
        """
        if header.kind is ContributionKind.GRADIENT:
            return Difference(vector, sign=-1.0)
        if header.kind is ContributionKind.DELTA:
            return Difference(vector)
        if isinstance(optimizer, MixingOptimizer) or header.base_version.number == newest.number:
            return Difference(vector, is_anchored=True)
        if base is None:
            raise ValueError("WEIGHTS without the values of their base version")
        values = self._pooled()
        with np.errstate(over="ignore"):
            np.subtract(vector, self._layout.vector(base, values), out=values)
        values.flags.writeable = False
        return Difference(values)

    def close(
        self,
        optimizer: Optimizer,
        mean: MeanDifference,
        others: Mapping[str, Array],
        newest: Newest,
        state: OptimizerState,
    ) -> tuple[Bytes, OptimizerState]:
        """Make the values of the next version from the mean of a round.

        Raises:
          InvalidContributionError: a component would not be finite.
        """
        fresh: list[Bytes] = []
        step = optimizer.step(newest.vector, mean, state, lambda: self._new_values(fresh), self._pooled)
        if not math.isfinite(step.largest):
            self._check_vector(step.values)
        flat = self._flat_of(step.values, others, fresh)
        if not self._layout.is_contiguous:
            # Rounding to a narrower type may overflow.
            self._check_vector(self._layout.vector(flat, self._pooled()))
        return flat, step.state

    def _new_values(self, fresh: list[Bytes]) -> Vector:
        """Return memory for the optimiser's result: in the buffer of the next version, where the layout allows."""
        if not self._layout.is_contiguous:
            return self._pooled()
        fresh.append(self._new_flat())
        return self._layout.vector(fresh[0])

    def _flat_of(self, values: Vector, others: Mapping[str, Array], fresh: list[Bytes]) -> Bytes:
        if fresh:
            self._layout.write_others(others, fresh[0])
            return fresh[0]
        if self._layout.is_contiguous and not self._layout.others:
            # As it was pushed: nobody writes to it any more.
            return values.view(np.uint8)
        flat = self._new_flat()
        self._layout.write(values, others, flat)
        return flat

    def check_others(self, others: Mapping[str, Array]) -> None:
        """Refuse values of tensors that are not learnt which are not finite; O(their size).

        Raises:
          InvalidContributionError: with tensor and index.
        """
        for name, values in others.items():
            if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
                first = np.unravel_index(int(np.argmin(np.isfinite(values))), values.shape)
                position = tuple(int(i) for i in first)
                raise _not_finite(name, position, float(values[position]))

    def _check_vector(self, values: Vector) -> None:
        if values.size and not math.isfinite(measure(values)[0]):
            index = int(np.argmin(np.isfinite(values)))
            tensor, position = self._layout.tensor_at(index)
            raise _not_finite(tensor.name, position, float(values[index]))

    def _new_flat(self) -> Bytes:
        return self._resources.new_flat(self._layout.schema.num_bytes)

    def _pooled(self) -> Vector:
        memory = self._resources.pool.take(self._layout.num_parameters * self._layout.dtype.itemsize)
        vector: Vector = memory.view(self._layout.dtype)
        return vector


def _check_norm(norm: float, max_norm: float) -> None:
    if not norm <= max_norm:
        raise InvalidContributionError.of("norm", norm, f"at most {max_norm:g} (limits.max_norm)")


def _not_finite(tensor: str, position: tuple[int, ...], value: float) -> InvalidContributionError:
    place = f"{tensor}{list(position)}" if position else tensor
    details = {
        "field": place,
        "value": repr(value),
        "allowed": "finite",
        "tensor": tensor,
        "index": str(list(position)),
    }
    return InvalidContributionError(f"{place}: the update would make it {value!r}, allowed: finite", details=details)
