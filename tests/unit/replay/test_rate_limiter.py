import itertools
import random

import pytest

from heronry.replay.core.rate_limiter import Limiter
from heronry.types.tables import RateLimiter

SETTINGS = [
    RateLimiter.of_min_size(5),
    RateLimiter.sample_to_insert_ratio(4.0, 10, 20.0),
    RateLimiter.sample_to_insert_ratio(0.3, 7, 2.0),
    RateLimiter.sample_to_insert_ratio(1.7, 3, (0.5, 9.25)),
    RateLimiter.queue(6),
]


def reference_can_sample(settings: RateLimiter, inserts: int, samples: int, deletes: int, n: int) -> bool:
    return inserts - deletes >= settings.min_size and (
        inserts * settings.samples_per_insert - samples - n >= settings.min_diff
    )


def reference_can_insert(settings: RateLimiter, inserts: int, samples: int, deletes: int, n: int) -> bool:
    return inserts + n - deletes <= settings.min_size or (
        (inserts + n) * settings.samples_per_insert - samples <= settings.max_diff
    )


@pytest.mark.parametrize("settings", SETTINGS)
def test_decisions_are_those_of_the_formulas(settings: RateLimiter) -> None:
    for inserts, samples, deletes, n in itertools.product(range(0, 30, 3), range(0, 60, 5), range(0, 12, 4), (1, 2, 7)):
        limiter = Limiter(settings, inserts, samples, deletes)

        assert limiter.can_sample(n) == reference_can_sample(settings, inserts, samples, deletes, n)
        assert limiter.can_insert(n) == reference_can_insert(settings, inserts, samples, deletes, n)


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_number_allowed_is_what_asking_one_by_one_gives(settings: RateLimiter) -> None:
    rng = random.Random(3)
    for _ in range(2000):
        inserts, deletes, samples = rng.randrange(60), 0, rng.randrange(120)
        deletes = rng.randrange(inserts + 1)
        limit = rng.randrange(1, 80)
        limiter = Limiter(settings, inserts, samples, deletes)

        one_by_one_samples = 0
        while one_by_one_samples < limit and reference_can_sample(
            settings, inserts, samples + one_by_one_samples, deletes, 1
        ):
            one_by_one_samples += 1
        max_size = settings.min_size + rng.randrange(20)
        one_by_one_inserts, evicted = 0, 0
        while one_by_one_inserts < limit and reference_can_insert(
            settings, inserts + one_by_one_inserts, samples, deletes + evicted, 1
        ):
            if inserts + one_by_one_inserts + 1 - deletes - evicted > max(max_size, inserts - deletes):
                evicted += 1
            one_by_one_inserts += 1

        assert limiter.samples_allowed(limit) == one_by_one_samples
        assert limiter.inserts_allowed(limit) == one_by_one_inserts


def test_min_size_holds_samplers_back_and_never_inserters() -> None:
    limiter = Limiter(RateLimiter.of_min_size(3), num_inserts=2)

    assert not limiter.can_sample()
    assert limiter.can_insert(10**9)

    limiter.num_inserts = 3

    assert limiter.samples_allowed(10**9) == 10**9


def test_a_ratio_stays_within_its_error_buffer() -> None:
    # spi 2, min_size 10, buffer 4: the difference lives in [16, 24].
    limiter = Limiter(RateLimiter.sample_to_insert_ratio(2.0, 10, 4.0))

    assert limiter.inserts_allowed(100) == 12

    limiter.num_inserts = 12

    assert limiter.samples_allowed(100) == 8


def test_a_queue_admits_as_many_inserts_as_it_is_long_and_then_one_for_each_sample() -> None:
    limiter = Limiter(RateLimiter.queue(4))

    assert limiter.inserts_allowed(10) == 4

    limiter.num_inserts, limiter.num_samples, limiter.num_deletes = 4, 1, 1

    assert limiter.inserts_allowed(10) == 1
    assert limiter.samples_allowed(10) == 3


def test_deleting_below_min_size_stops_sampling_and_frees_inserting() -> None:
    limiter = Limiter(RateLimiter.sample_to_insert_ratio(1.0, 5, 2.0), num_inserts=7, num_samples=0)

    assert limiter.can_sample()
    assert not limiter.can_insert()

    limiter.num_deletes = 3

    assert not limiter.can_sample()
    assert limiter.can_insert()


def test_a_refusal_names_its_term_its_value_and_its_bound() -> None:
    limiter = Limiter(RateLimiter.queue(4), num_inserts=4)

    waiting = limiter.insert_waiting()

    assert (waiting.side, waiting.term, waiting.value, waiting.bound) == (
        "insert",
        "(inserts + 1) * samples_per_insert - samples",
        5.0,
        4.0,
    )
    assert Limiter(RateLimiter.of_min_size(9), num_inserts=2).sample_waiting().term == "inserts - deletes"


def test_a_refusal_says_how_many_calls_of_the_other_side_it_takes() -> None:
    limiter = Limiter(RateLimiter.sample_to_insert_ratio(2.0, 3, 4.0), num_inserts=1)
    assert limiter.sample_waiting().needed == 2

    limiter.num_inserts, limiter.num_samples = 3, 4
    assert not limiter.can_sample()
    assert limiter.sample_waiting().needed == 1

    limiter.num_inserts, limiter.num_samples = 6, 1
    assert not limiter.can_insert()
    assert limiter.insert_waiting().needed == 3
    limiter.num_samples += 3
    assert limiter.can_insert()
