"""Which errors of other services pass by themselves."""

from heronry.types.errors import DeadlineExceededError, HeronryError, NotFoundError
from heronry.wire.status import is_retryable


def is_transient(error: HeronryError) -> bool:
    """Tell whether to go on trying: the service is away, hangs, or has not taken the run up yet."""
    return is_retryable(error) or isinstance(error, (NotFoundError, DeadlineExceededError))
