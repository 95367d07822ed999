"""The owner: one thread, waiters in order, deadlines that say what was waited for."""

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.runtime.owner import Owner
from heronry.runtime.waiters import Call, Waiters
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.errors import DeadlineExceededError, TableNotFoundError, UnavailableError

DEADLINE_S = 5.0


class Tank:
    """Holds units; taking waits for enough of them."""

    def __init__(self) -> None:
        self.level = 0
        self.taken: list[str] = []
        self.tries: list[str] = []

    def put(self, amount: int) -> Changed[int]:
        self.level += amount
        return Changed(self.level, frozenset({"level"}))

    def take(self, name: str, amount: int) -> Changed[str]:
        self.tries.append(name)
        if self.level < amount:
            raise WouldBlock("level", Waiting("take", "level", self.level, amount))
        self.level -= amount
        self.taken.append(name)
        return Changed(name, frozenset({"space"}))


@pytest.fixture
def owner():
    owner = Owner("tank")
    yield owner
    owner.close()


async def parked(owner: Owner, count: int) -> None:
    """Wait until that many calls wait; the owner works in order, so that one call is enough."""
    await owner.call(int)
    assert len(owner.waiting()) == count


async def test_every_call_runs_in_the_owners_thread_in_order(owner: Owner) -> None:
    names: list[str] = []

    numbers = await asyncio.gather(
        *(owner.call(lambda n=n: (names.append(threading.current_thread().name), n)[1]) for n in range(50))
    )

    assert numbers == list(range(50))
    assert set(names) == {"heronry-tank"}


async def test_a_plain_value_and_an_error_come_back(owner: Owner) -> None:
    assert await owner.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await owner.call(divmod, 7, 0)


async def test_those_who_wait_are_woken_by_what_they_wait_for(owner: Owner) -> None:
    tank = Tank()
    taking = asyncio.create_task(owner.call(tank.take, "a", 3))
    await asyncio.sleep(0)
    await parked(owner, 1)

    await owner.call(tank.put, 2)
    await parked(owner, 1)
    await owner.call(tank.put, 1)

    assert await asyncio.wait_for(taking, DEADLINE_S) == "a"
    assert owner.waiting() == []


async def test_a_large_request_keeps_its_place_before_later_small_ones(owner: Owner) -> None:
    tank = Tank()
    large = asyncio.create_task(owner.call(tank.take, "large", 5))
    await asyncio.sleep(0)
    small = asyncio.create_task(owner.call(tank.take, "small", 1, behind="level"))
    await asyncio.sleep(0)
    await parked(owner, 2)

    for _ in range(4):
        await owner.call(tank.put, 1)
    late = asyncio.create_task(owner.call(tank.take, "late", 1, behind="level"))
    await asyncio.sleep(0)
    await owner.call(tank.put, 3)

    await asyncio.wait_for(asyncio.gather(large, small, late), DEADLINE_S)
    assert tank.taken == ["large", "small", "late"]


@given(
    amounts=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    puts=st.lists(st.integers(1, 4), min_size=1, max_size=30),
)
@settings(max_examples=40)
def test_waiters_of_one_condition_are_served_in_the_order_of_arrival(amounts: list[int], puts: list[int]) -> None:
    async def play() -> list[str]:
        owner, tank = Owner("tank"), Tank()
        tasks = [asyncio.create_task(owner.call(tank.take, str(i), a, behind="level")) for i, a in enumerate(amounts)]
        await asyncio.sleep(0)
        for put in [*puts, sum(amounts)]:
            await owner.call(tank.put, put)
        await asyncio.wait_for(asyncio.gather(*tasks), DEADLINE_S)
        owner.close()
        return tank.taken

    assert asyncio.run(play()) == [str(i) for i in range(len(amounts))]


async def test_a_call_that_wakes_others_by_its_own_change_does_so_to_the_end(owner: Owner) -> None:
    done: list[int] = []

    def step(index: int) -> Changed[int]:
        if len(done) < index:
            raise WouldBlock(index, Waiting("step", "done", len(done), index))
        done.append(index)
        return Changed(index, frozenset({index + 1}))

    chain = [asyncio.create_task(owner.call(step, i)) for i in (3, 2, 1)]
    await asyncio.sleep(0)
    await owner.call(step, 0)

    assert await asyncio.wait_for(asyncio.gather(*chain), DEADLINE_S) == [3, 2, 1]
    assert done == [0, 1, 2, 3]


async def test_what_a_call_changed_before_it_had_to_wait_wakes_others(owner: Owner) -> None:
    tank = Tank()

    def put_and_wait() -> None:
        if tank.level:
            raise WouldBlock("more", Waiting("put", "more", 0, 1))
        tank.level = 1
        raise WouldBlock("more", Waiting("put", "more", 0, 1), changed=frozenset({"level"}))

    taking = asyncio.create_task(owner.call(tank.take, "a", 1))
    await asyncio.sleep(0)
    putting = asyncio.create_task(owner.call(put_and_wait))

    assert await asyncio.wait_for(taking, DEADLINE_S) == "a"
    putting.cancel()


async def test_a_deadline_says_what_was_waited_for_and_lets_others_through(owner: Owner) -> None:
    tank = Tank()
    large = asyncio.create_task(owner.call(tank.take, "large", 5, timeout_s=0.05))
    await asyncio.sleep(0)
    small = asyncio.create_task(owner.call(tank.take, "small", 1, behind="level"))
    await asyncio.sleep(0)
    await owner.call(tank.put, 1)

    with pytest.raises(DeadlineExceededError, match="take waits: level is 1, needs at least 5") as caught:
        await asyncio.wait_for(large, DEADLINE_S)

    assert caught.value.details["term"] == "level"
    assert await asyncio.wait_for(small, DEADLINE_S) == "small"


async def test_a_call_with_no_time_is_tried_once(owner: Owner) -> None:
    tank = Tank()
    with pytest.raises(DeadlineExceededError):
        await owner.call(tank.take, "a", 1, timeout_s=0)
    await owner.call(tank.put, 1)

    assert await owner.call(tank.take, "b", 1, timeout_s=0) == "b"
    assert tank.tries == ["a", "b"]


async def test_the_waiting_are_told_why(owner: Owner) -> None:
    tank = Tank()
    told: asyncio.Queue[Waiting] = asyncio.Queue()
    taking = asyncio.create_task(owner.call(tank.take, "a", 2, on_wait=told.put_nowait))

    waiting = await asyncio.wait_for(told.get(), DEADLINE_S)
    await owner.call(tank.put, 1)
    await owner.call(int)

    assert (waiting.side, waiting.term, waiting.bound) == ("take", "level", 2)
    assert told.empty()
    assert [w.waited_s > 0 for w in owner.waiting()] == [True]
    taking.cancel()


async def test_a_cancelled_caller_leaves_the_queue_and_takes_nothing(owner: Owner) -> None:
    tank = Tank()
    first = asyncio.create_task(owner.call(tank.take, "first", 2))
    await asyncio.sleep(0)
    second = asyncio.create_task(owner.call(tank.take, "second", 1, behind="level"))
    await asyncio.sleep(0)
    await owner.call(tank.put, 1)

    first.cancel()

    assert await asyncio.wait_for(second, DEADLINE_S) == "second"
    assert owner.waiting() == []


async def test_a_call_that_knows_its_time_is_tried_again_then(owner: Owner) -> None:
    tries: list[float] = []
    clock = asyncio.get_running_loop().time

    def lease() -> str:
        tries.append(clock())
        if len(tries) < 3:
            raise WouldBlock("lease", Waiting("sample", "leased", 1, 0), earliest_s=0.0)
        return "free"

    assert await asyncio.wait_for(owner.call(lease), DEADLINE_S) == "free"
    assert tries[2] > tries[0]


async def test_closing_refuses_those_who_wait_and_those_who_come() -> None:
    owner, tank = Owner("tank"), Tank()
    taking = asyncio.create_task(owner.call(tank.take, "a", 1))
    await asyncio.sleep(0)

    owner.close()

    with pytest.raises(UnavailableError, match="tank is closed"):
        await asyncio.wait_for(taking, DEADLINE_S)
    with pytest.raises(UnavailableError):
        await owner.call(int)


async def test_nothing_runs_behind_the_last_call_and_all_others_are_told_its_reason() -> None:
    owner = Owner("tank")
    tank = Tank()
    taking = asyncio.create_task(owner.call(tank.take, "a", 1))
    await owner.call(int)
    begun, may_end = threading.Event(), threading.Event()

    def last() -> str:
        begun.set()
        may_end.wait(DEADLINE_S)
        return "done"

    retiring = asyncio.create_task(owner.retire(last, TableNotFoundError("gone")))
    await asyncio.to_thread(begun.wait, DEADLINE_S)

    with pytest.raises(TableNotFoundError, match="gone"):
        await owner.call(int)
    assert owner.attempt(lambda: Changed(1)) is None
    may_end.set()
    assert await retiring == "done"
    with pytest.raises(TableNotFoundError, match="gone"):
        await asyncio.wait_for(taking, DEADLINE_S)
    with pytest.raises(TableNotFoundError, match="gone"):
        await owner.retire(int)


class Lease:
    """Is tried by calls that know when it may be free, and counts the tries."""

    def __init__(self) -> None:
        self.tries: dict[str, int] = {}
        self.is_free = False

    def take(self, name: str, earliest_s: float | None) -> str:
        self.tries[name] = self.tries.get(name, 0) + 1
        if not self.is_free:
            raise WouldBlock("lease", Waiting("take", "lease", 0, 1), earliest_s=earliest_s)
        return name

    def free(self) -> Changed[None]:
        self.is_free = True
        return Changed(None, frozenset({"lease"}))


class CountingWaiters(Waiters):
    """Counts how often the owner's thread looks for calls that are due."""

    num_looks = 0

    def pop_due(self, now_s: float) -> Call | None:
        self.num_looks += 1
        return super().pop_due(now_s)


async def test_a_timed_call_that_is_not_the_first_in_its_queue_neither_spins_nor_is_forgotten(owner: Owner) -> None:
    owner._waiters = waiters = CountingWaiters()
    lease = Lease()
    # The first waits for a change alone; the second is due from the beginning, but behind it.
    first = asyncio.create_task(owner.call(lease.take, "first", None))
    await asyncio.sleep(0)
    second = asyncio.create_task(owner.call(lease.take, "second", 0.0))
    await asyncio.sleep(0)
    await parked(owner, 2)

    before = waiters.num_looks
    await asyncio.sleep(0.3)
    looks = waiters.num_looks - before
    await owner.call(lease.free)

    assert await asyncio.wait_for(asyncio.gather(first, second), DEADLINE_S) == ["first", "second"]
    assert looks < 10
    assert lease.tries["first"] < 10
