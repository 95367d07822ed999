"""The errors that users and services share.

Every class keeps its identity over the wire: `heronry.wire.status` sends the class name and
`details`, the client raises the same class again.
"""

from collections.abc import Mapping
from typing import Self


class HeronryError(Exception):
    """Base of all named errors; `details` holds the values that the message speaks of."""

    def __init__(
        self, message: str, *, details: Mapping[str, str] | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.retry_after_s = retry_after_s


class InvalidArgumentError(HeronryError):
    """A value outside its allowed range, whatever the state of the system."""

    @classmethod
    def of(cls, field: str, value: object, allowed: str) -> Self:
        """Make the error from the field's path, the offending value and what is allowed."""
        details = {"field": field, "value": repr(value), "allowed": allowed}
        return cls(f"{field}: got {value!r}, allowed: {allowed}", details=details)


class ConfigurationError(InvalidArgumentError):
    """A setting, run spec or flag that cannot be used."""


class SchemaMismatchError(InvalidArgumentError):
    """Shapes, element types or names differ from what was declared."""


class InvalidContributionError(InvalidArgumentError):
    """A contribution with NaN, infinity or bytes that do not fit its header."""


class MessageTooLargeError(InvalidArgumentError):
    """A message, chunk or upload above its limit."""


class MalformedMessageError(InvalidArgumentError):
    """A message whose lengths, types or names do not fit the round of secure aggregation."""


class UnsoundRoundError(InvalidArgumentError):
    """A client will not take part: the round, as announced, would not keep what the client was promised."""


class NotFoundError(HeronryError):
    """A thing that does not exist; names what does."""

    @classmethod
    def of(cls, kind: str, name: object, have: object) -> Self:
        """Make the error from the kind of thing, the name asked for and the names there are."""
        known = ", ".join(repr(n) for n in have) if isinstance(have, (list, tuple, set, dict)) else str(have)
        details = {"kind": kind, "name": str(name), "have": known}
        return cls(f"no {kind} {name!r} (have: {known or 'none'})", details=details)


class ModelNotFoundError(NotFoundError):
    """No model of that name."""


class VersionNotFoundError(NotFoundError):
    """No such version, or one that is no longer kept."""


class TableNotFoundError(NotFoundError):
    """No replay table of that name."""


class RunNotFoundError(NotFoundError):
    """No run of that name."""


class ServiceNotFoundError(NotFoundError):
    """No such service in the registry."""


class EnvironmentNotFoundError(NotFoundError):
    """No such environment."""


class EnvironmentFaultError(HeronryError):
    """An environment broke its contract: it raised, hung, died, or returned what its spaces do not hold."""

    @classmethod
    def of(cls, environment: str, what: str, *, index: int | str, seed: int, episode: int, step: int) -> Self:
        """Make the error from the environment's name, what it did, and which one did it when.

        Args:
          environment: its id.
          what: it did.
          index: of the environment among those of its fleet, or which ones it may have been.
          seed: that its first episode began with.
          episode: how many it had ended since.
          step: of the episode, counted from 1; 0 while it is reset.
        """
        details = {"environment": environment, "index": str(index), "seed": str(seed)}
        details |= {"episode": str(episode), "step": str(step), "what": what}
        when = f"seed {seed}, episode {episode}, step {step}"
        return cls(f"environment {environment!r} (index {index}, {when}): {what}", details=details)

    @classmethod
    def in_making(cls, environment: str, what: str) -> Self:
        """Make the error of an environment that could not even be made."""
        details = {"environment": environment, "what": what}
        return cls(f"environment {environment!r} could not be made: it {what}", details=details)


class AlreadyExistsError(HeronryError):
    """The name is taken by something different."""


class RepeatedMessageError(AlreadyExistsError):
    """A second message of one step of secure aggregation from the same client; the first one counts."""


class FailedPreconditionError(HeronryError):
    """The system's state does not allow the call now."""


class RunActiveError(FailedPreconditionError):
    """Another run is active."""


class StaleContributionError(FailedPreconditionError):
    """The base version lies further back than the model allows."""


class ForeignEpochError(FailedPreconditionError):
    """The base version is of another epoch; pull and compute again."""


class FencedError(FailedPreconditionError):
    """The lease has gone to a newer holder, or has run out."""


class UnexpectedMessageError(FailedPreconditionError):
    """A message of secure aggregation that is not due now; names the step that the round is at."""

    @classmethod
    def of(cls, step: str, due: str) -> Self:
        """Make the error from the step that the round is at and the one at which the message is due."""
        return cls(f"the round is {step}, the message is due while {due}", details={"step": step, "due": due})


class RoundAbandonedError(FailedPreconditionError):
    """Too few clients are left, or their shares do not fit: nothing is unmasked, now or later."""

    @classmethod
    def of(cls, step: str, why: str, figures: Mapping[str, int]) -> Self:
        """Make the error from the step at which it happened, the reason and its figures."""
        details = {"step": step} | {name: str(value) for name, value in figures.items()}
        return cls(f"the round is abandoned while {step}: {why}; nothing is unmasked", details=details)


class ResourceExhaustedError(HeronryError):
    """A bound is reached: queue, streams, bytes."""


class BudgetExhaustedError(ResourceExhaustedError):
    """The next release would pass the limit of a privacy budget; details hold spent, would_be, limit and delta."""

    @classmethod
    def of(cls, whose: str, spent: float, would_be: float, limit: float, delta: float) -> Self:
        """Make the error from whose budget it is and its figures."""
        figures = {"spent": spent, "would_be": would_be, "limit": limit, "delta": delta}
        details = {"field": "privacy.epsilon_limit", "value": f"{would_be:.6g}", "allowed": f"at most {limit:g}"}
        details |= {name: repr(float(value)) for name, value in figures.items()}
        spends = f"epsilon {spent:.4g} is spent, the next release would make it {would_be:.4g}"
        return cls(f"{whose}: {spends}, allowed: at most {limit:g} at delta {delta:g}", details=details)


class DeadlineExceededError(HeronryError):
    """The deadline passed; says what was waited for."""


class UnavailableError(HeronryError):
    """Nobody answers at the address, or the service is draining."""


class AbortedError(HeronryError):
    """A stream was ended by the service: stalled, superseded or over age; connect again."""


class UnauthenticatedError(HeronryError):
    """No valid token or certificate."""


class PermissionDeniedError(HeronryError):
    """The identity may not do this."""


class StrangerError(PermissionDeniedError):
    """A message from a client that is no member of the round, or has fallen out at an earlier step."""


class UnmaskRefusedError(PermissionDeniedError):
    """A client will not reveal its shares: with those asked for, more than a sum could be unmasked."""


class DataLossError(HeronryError):
    """Bytes do not match their checksum: a truncated or corrupt file or upload."""


class LedgerTamperedError(DataLossError):
    """A privacy ledger whose rows do not follow from each other."""


class LedgerRolledBackError(DataLossError):
    """A privacy ledger that is older than what was last seen of it: its budget would begin anew."""


class UnimplementedError(HeronryError):
    """The service does not offer this; says what it offers."""


class InternalError(HeronryError):
    """A bug on the service's side; the correlation id finds it in the service's log."""
