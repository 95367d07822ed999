"""Why a round of secure aggregation, or a message of it, is refused."""

from collections.abc import Mapping

from heronry.types.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    PermissionDeniedError,
)


class MalformedMessageError(InvalidArgumentError):
    """A message whose lengths, types or names do not fit the round."""


class UnsoundRoundError(InvalidArgumentError):
    """A client will not take part: the round, as announced, would not keep what the client was promised."""


class UnmaskRefusedError(PermissionDeniedError):
    """A client will not reveal its shares: with those asked for, more than a sum could be unmasked."""


class UnexpectedMessageError(FailedPreconditionError):
    """A message that is not due now; names the step that the round is at."""

    @classmethod
    def of(cls, step: str, due: str) -> "UnexpectedMessageError":
        """Make the error from the step that the round is at and the one at which the message is due."""
        return cls(f"the round is {step}, the message is due while {due}", details={"step": step, "due": due})


class RepeatedMessageError(AlreadyExistsError):
    """A second message of one step from the same client; the first one counts."""


class StrangerError(PermissionDeniedError):
    """A message from a client that is no member, or has fallen out at an earlier step."""


class RoundAbandonedError(FailedPreconditionError):
    """Too few clients are left, or their shares do not fit: nothing is unmasked, now or later."""

    @classmethod
    def of(cls, step: str, why: str, figures: Mapping[str, int]) -> "RoundAbandonedError":
        """Make the error from the step at which it happened, the reason and its figures."""
        details = {"step": step} | {name: str(value) for name, value in figures.items()}
        return cls(f"the round is abandoned while {step}: {why}; nothing is unmasked", details=details)
