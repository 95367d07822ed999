"""Several observers of a run share the line of its status."""

from collections.abc import Callable

import pytest

from heronry.coordinator.core.run import Run
from heronry.coordinator.notice import Notice
from heronry.types.run import RunState


class Board:
    """Shows what a run waits for, as the coordination does."""

    def note(self, run: Run, message: str) -> None:
        run.message = message


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    made = make_run()
    made.move_to(RunState.RUNNING, 101.0)
    return made


def test_a_message_is_taken_back_by_who_has_told_it(run: Run) -> None:
    first, second = Notice(Board(), run), Notice(Board(), run)
    first.tell("waits for a learner")
    second.tell("")
    assert run.message == "waits for a learner"

    first.tell("")

    assert run.message == ""


def test_what_another_one_has_told_since_stays(run: Run) -> None:
    first, second = Notice(Board(), run), Notice(Board(), run)
    first.tell("waits for a learner")
    second.tell("version 1.1 was not evaluated")

    first.tell("waits for a learner")
    first.tell("")

    assert run.message == "version 1.1 was not evaluated"


def test_a_message_that_still_holds_comes_back_once_the_line_is_free(run: Run) -> None:
    first, second = Notice(Board(), run), Notice(Board(), run)
    first.tell("waits for a learner")
    second.tell("version 1.1 was not evaluated")
    second.tell("")

    first.tell("waits for a learner")

    assert run.message == "waits for a learner"


def test_nothing_is_told_of_a_run_that_is_not_running(run: Run) -> None:
    run.move_to(RunState.PAUSED, 102.0)

    Notice(Board(), run).tell("waits for a learner")

    assert run.message == ""
