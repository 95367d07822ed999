"""What lossy packing lost of one contribution is added to the next one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar, cast

import numpy as np
import numpy.typing as npt

from heronry.types.contribution import ContributionKind
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import Array

Vector = npt.NDArray[np.floating]
PackedT = TypeVar("PackedT")
Pack = Callable[[Vector], tuple[PackedT, Vector]]

_RESIDUAL: Final = "residual"


def check_feedback(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is None or an error feedback."""
    if not isinstance(value, ErrorFeedback | None):
        allowed = "an ErrorFeedback, the same with every contribution to the model, or None"
        raise InvalidArgumentError.of(field, value, allowed)


@dataclass(frozen=True)
class _Sent:
    """A contribution on its way: the residual as it was before it, and as it will be."""

    request_id: str
    packed: object
    before: Vector | None
    if_counted: Vector
    if_refused: Vector | None


class ErrorFeedback:
    """The residual of one model's contributions at their sender: `sent + new residual = values + old residual`.

    The new residual holds from the acknowledgement on. A contribution that was refused or lost goes back into the
    residual as a whole; one whose values were refused is dropped, as it would be refused again. To repeat a request
    whose outcome is unknown, push it again under its request id before the next one. Not thread-safe; one push at a
    time. Keep `state_dict` with the checkpoint of what made the contributions.

    Source: Karimireddy et al. 2019, Algorithm 2, "EF-SGD".
    """

    def __init__(self, *, keep_refused: bool | None = None) -> None:
        """Start without a residual; `keep_refused` None: True for gradients and deltas, False for weights."""
        self._keep_refused = keep_refused
        self._residual: Vector | None = None
        self._sent: _Sent | None = None
        self._is_under_way = False

    @property
    def residual(self) -> Vector | None:
        """What has not been sent yet, `[P]`; None before the first contribution."""
        return self._residual

    def begin(self, request_id: str, kind: ContributionKind, values: Vector, pack: Pack[PackedT]) -> PackedT:
        """Return a contribution packed with the residual added; a repeated request gets the same bytes.

        Args:
          request_id: of the contribution.
          kind: whether a refused contribution is kept, by default.
          values: [P], not modified.
          pack: returns the packed bytes, as it likes them, and what a receiver makes of them.

        Raises:
          FailedPreconditionError: another contribution is under way.
          InvalidContributionError: what cannot be packed, as NaN; the residual stays.
          SchemaMismatchError: the residual is of another model.
        """
        if self._is_under_way:
            raise FailedPreconditionError(
                "feedback: a contribution is under way; each model has its own, pushed in turn"
            )
        if self._sent is None or self._sent.request_id != request_id:
            self._sent = self._packed(request_id, kind, values, pack)
        self._is_under_way = True
        return cast("PackedT", self._sent.packed)

    def commit(self) -> None:
        """Take note that the contribution under way was counted."""
        sent = self._taken()
        self._residual = sent.if_counted
        self._sent = None

    def put_back(self, *, is_settled: bool = True) -> None:
        """Take note that it was not counted; unsettled, it may have been, and may be repeated."""
        sent = self._taken()
        self._residual = sent.if_refused
        if is_settled:
            self._sent = None

    def drop(self) -> None:
        """Take note that its values were refused, or only looked at: the residual stays as it was before."""
        self._residual = self._taken().before
        self._sent = None

    def state_dict(self) -> dict[str, Array]:
        """Return the residual, copied."""
        return {} if self._residual is None else {_RESIDUAL: self._residual.copy()}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take over the residual of `state_dict`.

        Raises:
          InvalidArgumentError: it is no such state.
        """
        residual = state.get(_RESIDUAL)
        if set(state) - {_RESIDUAL} or (residual is not None and (residual.ndim != 1 or residual.dtype.kind != "f")):
            raise InvalidArgumentError.of("state", sorted(state), "what `state_dict` returned")
        self._residual = None if residual is None else residual.copy()  # type: ignore[assignment]  # checked above
        self._sent, self._is_under_way = None, False

    def _packed(self, request_id: str, kind: ContributionKind, values: Vector, pack: Pack[PackedT]) -> _Sent:
        total = self._plus_residual(values)
        packed, received = pack(total)
        keeps = kind is not ContributionKind.WEIGHTS if self._keep_refused is None else self._keep_refused
        # What is not finite travels with F32: the service refuses it by name, and nothing is kept of it.
        with np.errstate(invalid="ignore"):
            lost = np.subtract(total, received, out=received)
        return _Sent(request_id, packed, self._residual, lost, total if keeps else self._residual)

    def _plus_residual(self, values: Vector) -> Vector:
        if self._residual is None:
            return values.copy()
        if self._residual.shape != values.shape:
            raise SchemaMismatchError.of(
                "feedback.residual", self._residual.size, f"{values.size} (the model's parameters)"
            )
        return np.add(values, self._residual, dtype=values.dtype)

    def _taken(self) -> _Sent:
        if self._sent is None or not self._is_under_way:
            raise FailedPreconditionError("feedback: no contribution is under way")
        self._is_under_way = False
        return self._sent
