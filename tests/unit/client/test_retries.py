import pytest

from heronry.client.retries import Retries
from heronry.types.errors import (
    AbortedError,
    HeronryError,
    InvalidArgumentError,
    ResourceExhaustedError,
    TableNotFoundError,
    UnavailableError,
)


@pytest.mark.parametrize("error", [UnavailableError("away"), AbortedError("stalled")])
def test_a_transient_error_is_tried_again_after_a_jittered_delay(error: HeronryError) -> None:
    retries = Retries(budget_s=60.0, first_delay_s=0.05, max_delay_s=1.0)

    delays = [retries.delay_after(error) for _ in range(20)]

    bounds = [min(1.0, 0.05 * 2**n) for n in range(20)]
    assert all(0.0 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))
    assert len(set(delays)) > 1


@pytest.mark.parametrize("error", [InvalidArgumentError("wrong"), ResourceExhaustedError("full")])
def test_an_error_that_would_come_again_is_raised_at_once(error: HeronryError) -> None:
    with pytest.raises(type(error)):
        Retries(budget_s=60.0).delay_after(error)


def test_the_service_s_own_advice_is_followed() -> None:
    error = ResourceExhaustedError("too many streams", retry_after_s=0.75)

    assert Retries(budget_s=60.0).delay_after(error) == 0.75


def test_a_spent_budget_raises_the_error_itself() -> None:
    error = UnavailableError("away", retry_after_s=2.0)

    with pytest.raises(UnavailableError, match="away"):
        Retries(budget_s=1.0).delay_after(error)


def test_what_was_there_before_may_come_back() -> None:
    retries = Retries(budget_s=60.0)
    error = TableNotFoundError("no table 'steps'")

    with pytest.raises(TableNotFoundError):
        retries.delay_after(error)
    retries.note_success()

    assert retries.delay_after(error) >= 0.0
