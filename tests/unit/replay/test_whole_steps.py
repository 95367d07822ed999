"""A table beside whole steps kept in Python: every byte of every batch, whatever happened before."""

import contextlib
import random
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.batch_buffer import ArrayBuffer
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.effects import ItemsInserted, ItemsSampled, PrioritiesUpdated
from heronry.replay.core.export_session import ExportSession
from heronry.replay.core.import_session import ImportSession, RunFacts
from heronry.replay.core.sample_session import Credits, SampleHeader, SampleSession
from heronry.replay.core.step_memory import AnonymousMemory
from heronry.replay.core.table import Table
from heronry.replay.core.windows import StoredRun
from heronry.types.blocking import WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.errors import ResourceExhaustedError
from heronry.types.experience import Block, ItemSlices
from heronry.types.patterns import EpisodeEnd, Pattern, PatternColumn, StackStart
from heronry.types.tables import PartialEpisodes, RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

# Rows of more than 512 bytes lie in pages of 64: blocks and windows cross many.
SPECS = (
    ColumnSpec("id", ElementType.INT64, ()),
    ColumnSpec("frame", ElementType.UINT8, (20, 30)),
    ColumnSpec("end", ElementType.BOOL, ()),
)
PAGE_BYTES = 64 * 610
SELECTORS = [Selector.fifo(), Selector.lifo(), Selector.uniform(), Selector.max_heap(), Selector.prioritized(0.7)]


@dataclass(frozen=True)
class Step:
    """A step, and the one before it in its episode."""

    values: dict[str, np.ndarray]
    before: "Step | None"


@dataclass
class Item:
    steps: list[Step]
    version: ParameterVersion
    number: int = 0
    priority: float = 0.0
    times_sampled: int = 0


@dataclass
class Lane:
    steps: list[Step] = field(default_factory=list)
    next_start: int = 0
    last: Step | None = None

    def add(self, values: dict[str, np.ndarray], pattern: Pattern, *, is_told: bool) -> list[list[Step]]:
        """Take a step and return the windows that it completes."""
        is_end = is_told or bool(pattern.end_columns and values["end"])
        stops = is_told if pattern.episode_end is EpisodeEnd.CROSS else is_end
        step = Step(values, self.last)
        self.steps.append(step)
        self.last = None if is_end else step
        end = len(self.steps)
        windows = []
        if pattern.period and self.next_start + pattern.num_steps == end:
            windows.append(self.steps[self.next_start :])
            self.next_start += pattern.period
        if stops and pattern.period and pattern.episode_end is EpisodeEnd.SHORTEN:
            while self.next_start + pattern.min_steps <= end:
                windows.append(self.steps[self.next_start :])
                self.next_start += pattern.period
        if stops:
            self.next_start = end
        return windows


def columns_of(pattern: Pattern) -> tuple[PatternColumn, ...]:
    return pattern.columns or tuple(PatternColumn(s.path) for s in SPECS)


def expected(item: Item, column: PatternColumn, pattern: Pattern) -> np.ndarray:
    """Return an item's part of an output, `[T, (K,) ...]` or without T."""
    spec = next(s for s in SPECS if s.path == column.column)
    shape = (column.stack, *spec.shape) if column.stack > 1 else spec.shape
    out = []
    for index in range(column.start, pattern.num_steps if column.stop is None else column.stop):
        value = np.zeros(shape, spec.element_type.dtype)
        step: Step | None = item.steps[min(index, len(item.steps) - 1)]
        if index < len(item.steps) or column.squeeze:
            for place in reversed(range(column.stack)):
                if step is not None:
                    value[place if column.stack > 1 else ...] = step.values[column.column]
                    step = step.before or (step if column.stack_start is StackStart.REPEAT else None)
        out.append(value)
    return out[0] if column.squeeze else np.stack(out)


class Kept(AnonymousMemory):
    """Memory that a table recovered finds again, as files would be."""

    def reserve(self, name: str, num_bytes: int) -> np.ndarray:
        return self._regions[name] if name in self._regions else super().reserve(name, num_bytes)

    def close(self, *, remove: bool) -> None:
        """Keep all."""


class World:
    """A table and what is known of its items by key; also its journal."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.definition = self._definition()
        self.memory = Kept()
        self.effects: list[object] = []
        self.known: dict[int, Item] = {}
        self.in_slot: dict[int, Item] = {}
        self.coming: deque[Item] = deque()
        self.num_inserted = self.num_steps = 0
        self.writers: dict[str, tuple[AppendSession, list[Lane], list[int]]] = {}
        self.table = self._table()

    def _definition(self) -> TableDefinition:
        pick = self.random
        num_steps = pick.choice([1, 1, 2, 3, 6])
        columns = [PatternColumn("id", "whole", stack=pick.choice([1, 2]))]
        for index in range(pick.randrange(4)):
            start, is_squeezed = pick.randrange(num_steps), pick.random() < 0.4
            stop = start + 1 if is_squeezed else pick.randrange(start + 1, num_steps + 1)
            stack, begin = pick.choice([1, 1, 2, 4]), pick.choice(list(StackStart))
            columns.append(PatternColumn(pick.choice(SPECS).path, f"o{index}", start, stop, is_squeezed, stack, begin))
        ends = pick.choice([(), ("end",)])
        made = tuple(columns) if pick.random() < 0.8 else ()
        pattern = Pattern(
            num_steps,
            pick.choice([0, 1, 1, 2, 4]),
            made,
            pick.choice(list(EpisodeEnd)),
            ends,
            pick.randint(1, num_steps),
        )
        return TableDefinition(
            "t",
            pick.choice(SELECTORS),
            pick.choice(SELECTORS),
            RateLimiter.of_min_size(1),
            pick.choice([5, 60, 1000]),
            max_times_sampled=pick.choice([0, 0, 1, 2]),
            partial_episodes=pick.choice(list(PartialEpisodes)),
            pattern=pattern,
            max_bytes=pick.choice([0, 8, 14]) * PAGE_BYTES,
            compressed_columns=pick.choice([(), ("frame",)]),
        )

    def _table(self) -> Table:
        return Table(self.definition, ByteBudget(64 << 20), np.random.default_rng(3), journal=self, memory=self.memory)

    # What a journal does.

    def check_room(self) -> None:
        """There always is."""

    def commit(self) -> int:
        return len(self.effects)

    sync = commit

    def note(self, effect: object) -> None:
        self.effects.append(effect)
        items = self.table.contents.items
        match effect:
            case ItemsInserted(slots=slots, priorities=priorities, evicted=evicted):
                for slot, key, priority in zip(slots, items.keys(slots).tolist(), priorities.tolist(), strict=True):
                    item = self.coming.popleft()
                    item.number, item.priority = self.num_inserted, priority
                    self.num_inserted += 1
                    if slot not in evicted:
                        self.known[key] = self.in_slot[int(slot)] = item
            case ItemsSampled(slots=slots):
                for slot in slots.tolist():
                    self.in_slot[slot].times_sampled += 1
            case PrioritiesUpdated(slots=slots, priorities=priorities):
                for key, priority in zip(items.keys(slots).tolist(), priorities.tolist(), strict=True):
                    self.known[key].priority = priority

    # What callers do.

    def append(self) -> None:
        name = self.random.choice("abc")
        if name not in self.writers:
            num_lanes = {"a": 1, "b": 3, "c": 70}[name]
            session = AppendSession(self.table, AppendHeader("t", name, 1, SPECS, num_lanes), 4)
            accepted = session.open().accepted_sequence
            self.writers[name] = session, [Lane() for _ in range(num_lanes)], [accepted, 0]
        session, lanes, state = self.writers[name]
        state[0] += 1
        version = ParameterVersion(1, self.random.randrange(3))
        if self.definition.pattern.period == 0 and lanes[0].steps and self.random.random() < 0.6:
            session.append_items(self._slices(lanes, state, version))
            return
        num_steps = self.random.choice([1, 2] if name == "c" else [1, 2, 7, 21, 64, 65])
        told = np.array([self.random.random() < 0.2 for _ in lanes])
        block = Block(state[0], self._columns(num_steps, len(lanes)), version, lane_ends=told)
        made, first = [], len(lanes[0].steps)
        for t, n in np.ndindex(num_steps, len(lanes)):
            values = {path: column[t, n] for path, column in block.columns.items()}
            is_told = bool(told[n]) and t == num_steps - 1
            made += lanes[n].add(values, self.definition.pattern, is_told=is_told)
        self.coming.extend(Item(steps, version) for steps in made)
        state[1] = first
        try:
            session.append(block)
        except ResourceExhaustedError:
            # Open lanes hold all there is: begin them anew.
            self.coming.clear()
            for other in list(self.writers):
                self.leave(other)

    def _columns(self, num_steps: int, num_lanes: int) -> dict[str, np.ndarray]:
        ids = np.arange(self.num_steps, self.num_steps + num_steps * num_lanes).reshape(num_steps, num_lanes)
        self.num_steps += ids.size
        rng = np.random.default_rng(self.num_steps)
        frames = np.zeros((*ids.shape, 20, 30), np.uint8)
        frames[..., 0] = (ids % 251)[..., None]
        frames[ids % 3 == 0] = rng.integers(0, 256, (20, 30), np.uint8)
        return {"id": ids, "frame": frames, "end": rng.random(ids.shape) < 0.06}

    def _slices(self, lanes: list[Lane], state: list[int], version: ParameterVersion) -> ItemSlices:
        longest, last = self.definition.pattern.num_steps, len(lanes[0].steps)
        named = []
        for _ in range(self.random.randrange(6)):
            start = self.random.randrange(max(0, state[1] - longest), last)
            named.append((self.random.randrange(len(lanes)), start, self.random.randint(1, min(longest, last - start))))
        self.coming.extend(Item(lanes[n].steps[start : start + k], version) for n, start, k in named)
        table = np.array(named, np.int64).reshape(-1, 3)
        return ItemSlices(state[0], *table.T.astype(np.uint32), version, np.linspace(0, 3, len(named)))

    def leave(self, name: str = "") -> None:
        name = name or self.random.choice("abc")
        if name in self.writers:
            session, _, _ = self.writers.pop(name)
            session.close()

    def sample(self) -> None:
        batch_size = self.random.choice([1, 2, 5])
        header = SampleHeader("t", batch_size, without_replacement=self.random.random() < 0.3)
        session = SampleSession(self.table, header, 1 << 26, _soiled)
        with contextlib.suppress(WouldBlock):
            for buffer in session.advance(deque([Credits(1)])).value:
                for row in range(batch_size):
                    self._check(buffer, row)
        session.close(deque())

    def _check(self, buffer: ArrayBuffer, row: int) -> None:
        facts = {name: values[row] for name, values in buffer.facts.items()}
        item, pattern = self.known[int(facts["@key"])], self.definition.pattern
        for column in columns_of(pattern):
            output = buffer.columns[column.name]
            got = output[row] if column.squeeze else output[:, row]
            np.testing.assert_array_equal(got, expected(item, column, pattern), err_msg=str(column))
        assert facts["@priority"] == item.priority
        assert (facts["@epoch"], facts["@version"]) == (item.version.epoch, item.version.number)
        assert facts["@age"] == self.num_inserted - 1 - item.number
        assert facts.get("@length", pattern.num_steps) == len(item.steps)
        # Of an item that comes again in the batch, the last row has all.
        same = buffer.facts["@key"] == facts["@key"]
        assert buffer.facts["@times_sampled"][same].max() == item.times_sampled

    def update(self) -> None:
        keys = np.array(self.random.choices(list(self.known) or [0], k=4), np.uint64)
        self.table.update_priorities(keys, np.array([0.5, 0.0, 1e-40, 3e38]))

    def take_out_and_in(self) -> None:
        if not self.table.specs:
            return
        export, session = ExportSession(self.table, 40, self.random.choice([1, 10**5])), ImportSession(self.table)
        runs = []
        while (run := export.next_run()) is not None:
            runs.append(run)
        export.close()
        for run in runs:
            facts = RunFacts(
                run.items.priorities,
                run.items.times_sampled,
                run.items.behaviour_epochs,
                run.items.behaviour_numbers,
            )
            found = [self.known[key] for key in run.items.keys.tolist()]
            self.coming.extend(Item(i.steps, i.version, times_sampled=i.times_sampled) for i in found)
            stored = StoredRun(
                0, 0, run.columns, run.items.starts, run.items.lengths, np.zeros(0, np.int64), run.history
            )
            try:
                session.insert_run(stored, facts)
            except ResourceExhaustedError:
                self.coming.clear()
        session.close()

    def crash(self) -> None:
        """Recover from the effects, and the steps where they lay."""
        self.writers.clear()
        noted, self.effects = self.effects, []
        self.table = self._table()
        for effect in noted:
            self.table.recover(effect)
        self.effects = noted
        self.table.finish_recovery()
        if self.table.specs:
            assert len(self.table.store.verify()) == 0

    def end(self) -> None:
        """Let everything go: no page stays behind."""
        for name in list(self.writers):
            self.leave(name)
        self.table.reset()
        if self.table.specs:
            assert (self.table.store.num_bytes, self.table.store.num_step_bytes) == (0, 0)
        assert len(self.table.contents.items.versions) == 0


def _soiled(layout: object) -> ArrayBuffer:
    buffer = ArrayBuffer(layout)
    for array in (*buffer.columns.values(), *buffer.facts.values()):
        array.view(np.uint8)[...] = 0xAB
    return buffer


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_byte_of_every_batch_is_that_of_the_steps_written(seed: int) -> None:
    world = World(seed)
    actions = [world.append] * 10 + [world.sample] * 8 + [world.update, world.leave, world.take_out_and_in, world.crash]

    for _ in range(40):
        world.random.choice(actions)()

    world.end()


@pytest.mark.acceptance
@pytest.mark.timeout(600)
def test_every_byte_is_right_in_two_thousand_worlds() -> None:
    for seed in range(2000):
        test_every_byte_of_every_batch_is_that_of_the_steps_written.hypothesis.inner_test(seed)
