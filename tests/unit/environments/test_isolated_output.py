"""What workers print is passed on in bounds, and its end is kept."""

import os

import pytest

from heronry.environments.isolated.output import Output


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    told, clock = [], Clock()
    output = Output(reading, told.append, clock)
    yield output, writing, told, clock
    output.close()
    os.close(writing)


def test_lines_are_passed_on_when_they_are_whole(pipe):
    output, writing, told, _ = pipe

    os.write(writing, b"one\ntw")
    output.read()
    before = list(told)
    os.write(writing, b"o\n\n")
    output.read()

    assert before == ["one"]
    assert told == ["one", "two"]


def test_what_was_printed_without_a_line_end_is_among_the_last_lines(pipe):
    output, writing, _, _ = pipe

    os.write(writing, b"one\nSegmentation")
    output.read()

    assert output.last_lines == ("one", "Segmentation")


def test_a_flood_is_cut_and_counted(pipe):
    output, writing, told, clock = pipe
    os.write(writing, b"".join(b"%d\n" % i for i in range(100)))
    output.drain()

    clock.now += 1.0
    os.write(writing, b"later\n")
    output.read()

    assert told == [*map(str, range(50)), "(50 lines left out)", "later"]


def test_the_last_fifty_lines_are_kept(pipe):
    output, writing, _, _ = pipe

    os.write(writing, b"".join(b"%d\n" % i for i in range(100)))
    output.drain()

    assert output.last_lines == tuple(map(str, range(50, 100)))


def test_a_long_line_is_shortened(pipe):
    output, writing, told, _ = pipe

    os.write(writing, b"x" * 10_000 + b"\n")
    output.drain()

    assert told == ["x" * 500 + "…"]


def test_bytes_that_are_no_text_are_no_fault(pipe):
    output, writing, told, _ = pipe

    os.write(writing, b"\xff\xfe ok\n")
    output.read()

    assert told == ["\ufffd\ufffd ok"]


def test_reading_tells_the_end(pipe):
    output, writing, _, _ = pipe
    assert output.read()

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, writing)
    os.close(null)

    assert not output.read()
