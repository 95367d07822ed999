"""Short calls that run in their caller's thread while nobody else is at the core."""

import asyncio
import threading

import pytest

from heronry.runtime.owner import Owner
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.errors import UnavailableError

DEADLINE_S = 5.0


@pytest.fixture
def owner():
    owner = Owner("attempts")
    yield owner
    owner.close()


def blocked(changed: frozenset = frozenset()) -> Changed[None]:
    raise WouldBlock("full", Waiting("put", "level", 1, 0), changed=changed)


async def test_an_attempt_runs_at_once_in_the_callers_thread(owner: Owner) -> None:
    changed = owner.attempt(lambda name: Changed((name, threading.current_thread())), "here")

    assert changed is not None
    assert changed.value == ("here", threading.current_thread())


async def test_an_attempt_gives_a_plain_value_as_it_is(owner: Owner) -> None:
    assert owner.attempt(lambda number: [number], 3) == [3]


async def test_an_attempt_that_must_wait_tells_nobody_to_wait(owner: Owner) -> None:
    assert owner.attempt(blocked) is None
    assert owner.waiting() == []


async def test_an_attempt_is_not_made_while_somebody_is_at_the_core(owner: Owner) -> None:
    is_in, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        is_in.set()
        may_go.wait(DEADLINE_S)

    holding = asyncio.ensure_future(owner.call(hold))
    await asyncio.to_thread(is_in.wait, DEADLINE_S)

    assert owner.attempt(lambda: Changed(1)) is None
    may_go.set()
    await holding
    # The answer comes a moment before the core is free.
    async with asyncio.timeout(DEADLINE_S):
        while (changed := owner.attempt(lambda: Changed(1))) is None:  # noqa: ASYNC110 # seen by trying alone
            await asyncio.sleep(0)
    assert changed == Changed(1)


@pytest.mark.parametrize("must_wait", [False, True])
async def test_what_an_attempt_changes_wakes_those_who_wait_for_it(owner: Owner, must_wait: bool) -> None:
    level = 0

    def take() -> Changed[str]:
        if level < 1:
            raise WouldBlock("level", Waiting("take", "level", level, 1))
        return Changed("taken")

    taking = asyncio.ensure_future(owner.call(take))
    async with asyncio.timeout(DEADLINE_S):
        while not owner.waiting():  # noqa: ASYNC110 # the state is seen by asking alone
            await asyncio.sleep(0)

    def put() -> Changed[None]:
        nonlocal level
        level = 1
        return blocked(frozenset({"level"})) if must_wait else Changed(None, frozenset({"level"}))

    result = owner.attempt(put)

    assert (result is None) == must_wait
    assert await asyncio.wait_for(taking, DEADLINE_S) == "taken"


async def test_an_error_of_an_attempt_is_its_callers_and_the_core_is_free_again(owner: Owner) -> None:
    def fail() -> Changed[None]:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        owner.attempt(fail)
    assert await owner.call(lambda: 3) == 3


async def test_attempts_and_calls_are_never_at_the_core_together(owner: Owner) -> None:
    inside, most = 0, 0

    def step() -> Changed[None]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        sum(range(200))
        inside -= 1
        return Changed(None)

    async def attempts() -> int:
        done = 0
        for _ in range(300):
            done += owner.attempt(step) is not None
            await asyncio.sleep(0)
        return done

    await asyncio.gather(attempts(), *(owner.call(step) for _ in range(300)))

    assert most == 1


async def test_a_closed_owner_refuses_attempts() -> None:
    owner = Owner("closed")
    owner.close()

    with pytest.raises(UnavailableError, match="closed is closed"):
        owner.attempt(lambda: Changed(1))


async def test_a_brief_call_runs_in_the_callers_thread_and_gives_its_value(owner: Owner) -> None:
    assert await owner.brief(lambda: threading.current_thread()) is threading.current_thread()
    assert await owner.brief(lambda number: Changed(number), 3) == 3


async def test_a_brief_call_that_must_wait_is_woken_by_what_it_waits_for(owner: Owner) -> None:
    levels: list[int] = []

    def get() -> int:
        if not levels:
            raise WouldBlock("filled", Waiting("get", "level", 0, 1))
        return levels[0]

    waiting = asyncio.ensure_future(owner.brief(get, timeout_s=DEADLINE_S))
    await asyncio.sleep(0)
    await owner.brief(lambda: Changed(levels.append(7), frozenset({"filled"})))

    assert await waiting == 7


async def test_a_brief_call_raises_what_its_function_raises(owner: Owner) -> None:
    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await owner.brief(fail)
