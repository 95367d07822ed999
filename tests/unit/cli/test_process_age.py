"""The command's own clock."""

import time

from heronry.cli.process_age import process_age_s, process_start_time_s


def test_the_age_grows_as_the_clock_does() -> None:
    before, age = time.monotonic(), process_age_s()

    later, elapsed = process_age_s(), time.monotonic() - before

    assert age > 0
    assert 0 <= later - age <= elapsed + 0.02


def test_the_process_began_before_now() -> None:
    assert time.time() - 3600 < process_start_time_s() < time.time()
