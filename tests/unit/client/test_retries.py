import pytest

from heronry.client.retries import RETURN_S, Retries, last_error_of
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


def test_what_was_there_before_a_service_was_away_may_come_back_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("heronry.client.retries.time.monotonic", lambda: now[0])
    retries = Retries(budget_s=60.0)
    error = TableNotFoundError("no table 'steps'")
    retries.note_success()
    retries.delay_after(UnavailableError("away"))
    now[0] += 20.0

    assert retries.delay_after(error) >= 0.0
    now[0] += RETURN_S - 2.0
    assert retries.delay_after(error) >= 0.0
    now[0] += 2.5
    with pytest.raises(TableNotFoundError):
        retries.delay_after(error)


def test_what_is_gone_while_the_service_stayed_or_was_never_there_is_final() -> None:
    retries = Retries(budget_s=60.0)
    error = TableNotFoundError("no table 'steps'")

    retries.delay_after(UnavailableError("away"))
    with pytest.raises(TableNotFoundError):
        retries.delay_after(error)
    retries.note_success()
    with pytest.raises(TableNotFoundError):
        retries.delay_after(error)


def test_the_last_error_is_known_until_the_service_answers() -> None:
    retries = Retries(budget_s=60.0)
    error = UnavailableError("away")

    retries.delay_after(error)
    assert last_error_of(retries) is error
    retries.note_success()
    assert last_error_of(retries) is None
