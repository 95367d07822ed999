import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.types.errors import InvalidArgumentError
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, SelectorKind, TableDefinition


def test_a_queue_lets_one_sample_follow_each_insert_and_at_most_its_size_wait() -> None:
    assert RateLimiter.queue(8) == RateLimiter(samples_per_insert=1.0, min_size=1, min_diff=0.0, max_diff=8.0)


def test_a_ratio_is_held_around_its_value_at_the_least_size() -> None:
    limiter = RateLimiter.sample_to_insert_ratio(4.0, 100, 50.0)

    assert (limiter.min_diff, limiter.max_diff) == (4.0 * 100 - 50.0, 4.0 * 100 + 50.0)


def test_a_pair_of_bounds_is_taken_as_it_is() -> None:
    limiter = RateLimiter.sample_to_insert_ratio(1.0, 10, (-3.0, 17.0))

    assert (limiter.min_diff, limiter.max_diff) == (-3.0, 17.0)


def test_a_least_size_alone_bounds_nothing_else() -> None:
    limiter = RateLimiter.of_min_size(5)

    assert limiter.min_size == 5
    assert limiter.min_diff < -1e300
    assert limiter.max_diff > 1e300


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((0.0, 1, 0.0, 4.0), "rate_limiter.samples_per_insert"),
        ((-1.0, 1, 0.0, 4.0), "rate_limiter.samples_per_insert"),
        ((math.nan, 1, 0.0, 4.0), "rate_limiter.samples_per_insert"),
        ((1.0, 0, 0.0, 4.0), "rate_limiter.min_size"),
        ((1.0, 1, 0.0, 1.9), "rate_limiter.max_diff"),
        ((1.0, 1, 0.0, 0.0), "rate_limiter.max_diff"),
        ((4.0, 1, 0.0, 4.9), "rate_limiter.max_diff"),
        ((4.0, 1, 0.0, 3.0), "rate_limiter.max_diff"),
        ((0.5, 1, 0.0, 1.4), "rate_limiter.max_diff"),
        ((2.0, 3, 6.5, 100.0), "rate_limiter.min_diff"),
        ((1.0, 1, 0.0, math.inf), "rate_limiter.max_diff"),
    ],
)
def test_limiters_that_would_never_let_go_are_refused(arguments: tuple[float, int, float, float], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        RateLimiter(*arguments)

    assert error.value.details["field"] == field


@pytest.mark.parametrize(
    "arguments",
    [(1.0, 1, 0.0, 1.0), (4.0, 1, 0.0, 4.0), (0.5, 1, 0.0, 1.5), (1.0, 1, 0.5, 2.5), (2.0, 3, 6.0, 100.0)],
)
def test_limiters_at_the_edge_of_their_range_are_taken(arguments: tuple[float, int, float, float]) -> None:
    assert RateLimiter(*arguments).max_diff == arguments[3]


def test_a_queue_and_a_stack_of_one_item_are_taken() -> None:
    assert RateLimiter.queue(1) == RateLimiter.stack(1) == RateLimiter(1.0, 1, 0.0, 1.0)
    with pytest.raises(InvalidArgumentError, match=r"max_diff: got 0\.0, allowed: at least min_diff \+ 1 = 1"):
        RateLimiter(1.0, 1, 0.0, 0.0)
    with pytest.raises(InvalidArgumentError, match="size: got 0, allowed: a whole number, at least 1"):
        RateLimiter.queue(0)


@pytest.mark.parametrize(("buffer", "spi"), [(0.9, 1.0), (3.9, 4.0), ((0.0, 1.9), 1.0), ((0.0, 1.9), 0.1)])
def test_a_ratio_needs_room_for_an_insert_and_a_sample_on_both_sides(
    buffer: float | tuple[float, float], spi: float
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"max_diff: got .*, allowed: at least min_diff \+ [28] = "):
        RateLimiter.sample_to_insert_ratio(spi, 1, buffer)


@given(
    spi=st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0, 3.0]),
    min_size=st.integers(1, 3),
    low=st.sampled_from([-2.0, -0.5, 0.0, 1.0]),
    width=st.sampled_from([0.5, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0]),
    choices=st.lists(st.booleans(), max_size=60),
)
def test_a_limiter_that_is_taken_always_lets_an_insert_or_a_sample_go_on(
    spi: float, min_size: int, low: float, width: float, choices: list[bool]
) -> None:
    try:
        limiter = RateLimiter(spi, min_size, low, low + width)
    except InvalidArgumentError:
        return
    inserts = samples = 0

    for prefers_insert in choices:
        can_insert = inserts + 1 <= min_size or (inserts + 1) * spi - samples <= limiter.max_diff
        can_sample = inserts >= min_size and inserts * spi - samples - 1 >= limiter.min_diff
        assert can_insert or can_sample
        is_insert = can_insert and (prefers_insert or not can_sample)
        inserts, samples = inserts + is_insert, samples + (not is_insert)


@pytest.mark.parametrize("exponent", [-0.1, math.nan, math.inf])
def test_a_priority_exponent_is_finite_and_not_negative(exponent: float) -> None:
    with pytest.raises(InvalidArgumentError, match="priority_exponent"):
        Selector(SelectorKind.PRIORITIZED, exponent)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"table": ""}, "definition.table"),
        ({"max_size": 0}, "definition.max_size"),
        ({"max_times_sampled": -1}, "definition.max_times_sampled"),
        ({"max_lag": -1}, "definition.max_lag"),
    ],
)
def test_a_definition_out_of_range_names_its_field(change: dict[str, object], field: str) -> None:
    values: dict[str, object] = {
        "table": "steps",
        "sampler": Selector.uniform(),
        "remover": Selector.fifo(),
        "rate_limiter": RateLimiter.of_min_size(1),
        "max_size": 10,
    }

    with pytest.raises(InvalidArgumentError) as error:
        TableDefinition(**(values | change))  # type: ignore[arg-type]  # one of them is wrong on purpose

    assert error.value.details["field"] == field


@pytest.mark.parametrize(("num_steps", "period"), [(0, 1), (1, -1)])
def test_a_pattern_has_at_least_one_step(num_steps: int, period: int) -> None:
    with pytest.raises(InvalidArgumentError, match="pattern"):
        Pattern(num_steps, period)


def test_a_queue_table_serves_each_item_once_oldest_first() -> None:
    table = TableDefinition.queue("experience", size=16, pattern=Pattern(32, 32), max_lag=3)

    assert table.sampler == table.remover == Selector(SelectorKind.FIFO)
    assert (table.max_times_sampled, table.max_size, table.max_lag) == (1, 16, 3)


@pytest.mark.parametrize("name", ["n" * 201, "ä" * 101, "a\nb", "a\0", "\x7f", "\ud800"])
def test_names_that_no_folder_or_log_line_can_carry_are_refused(name: str) -> None:
    fifo = Selector.fifo()
    with pytest.raises(InvalidArgumentError, match=r"definition\.table: .*1 to 200 bytes of UTF-8"):
        TableDefinition(name, fifo, fifo, RateLimiter.of_min_size(1), 10)
    assert TableDefinition("ä" * 100, fifo, fifo, RateLimiter.of_min_size(1), 10)
