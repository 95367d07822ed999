"""The replay suite's cases, goals and arithmetic; nothing is timed here."""

import fnmatch
import itertools
import re

import numpy as np
import pytest

from heronry.bench.peers import Peers
from heronry.bench.replay import MEASUREMENTS, peer
from heronry.bench.replay.client_process import measure
from heronry.bench.replay.counting import MiscountError, check_full, check_inserts
from heronry.bench.replay.load import Load, Window
from heronry.bench.replay.payloads import SPECS, blocks_of, columns_of, step_bytes, steps_of
from heronry.bench.replay.rate_cases import RATE_GROUPS
from heronry.bench.replay.rig import Figures
from heronry.bench.replay.tables import PATTERNS, definition_of
from heronry.bench.replay.tasks import calls_over
from heronry.replay.core.signature import check_definition
from heronry.types.columns import column_specs

GROUPED = [(group, case) for group in RATE_GROUPS for case in group.cases]
# The whole goals; half of each rate is what closes.
GOALS = {
    "replay.insert.small.step.w1": 250e3,
    "replay.insert.small.step.w4": 300e3,
    "replay.insert.small.vector64.w1": 1e6,
    "replay.insert.mujoco.w1": 150e3,
    "replay.insert.mujoco.w4": 200e3,
    "replay.insert.atari.nstep3.w1": 25e3,
    "replay.insert.atari.nstep3.w4": 35e3,
    "replay.sample.small.b256.uniform.c1": 1e6,
    "replay.sample.small.b256.uniform.c4": 1.2e6,
    "replay.sample.small.b256.prioritized.c1": 800e3,
    "replay.sample.small.b256.prioritized.c4": 800e3,
    "replay.sample.mujoco.b256.uniform.c1": 250e3,
    "replay.sample.mujoco.b256.uniform.c4": 250e3,
    "replay.sample.atari.nstep3.b32.tcp.c1": 25e3,
    "replay.sample.atari.nstep3.b32.tcp.c4": 25e3,
    "replay.sample.atari.seq20.b32.shm.c1": 6e3,
    "replay.sample.atari.seq20.b32.shm.c4": 6e3,
    "replay.priorities.b256.c1": 1.5e6,
    "replay.priorities.b256.c4": 2e6,
}
LEVELS = ("memory", "process")
SNAPSHOT_FIGURES = ("save_s", "load_s", "stall_ms", "reader_gap_ms", "writer_gap_ms")


class Countdown:
    """A task of three items a call."""

    def __init__(self) -> None:
        self.has_finished = False

    async def call(self) -> int:
        return 3

    async def finish(self) -> None:
        self.has_finished = True


def test_the_goals_are_the_whole_ones() -> None:
    assert {case.case: case.goal for _, case in GROUPED if case.goal is not None} == GOALS


def test_the_figures_that_are_no_rates_have_cases_too() -> None:
    cases = {case for measurement in MEASUREMENTS for case in measurement.cases}

    assert cases >= {
        "replay.sample.small.b256.p99_ms",
        "replay.mixed.mujoco.insert",
        "replay.mixed.mujoco.sample",
        "replay.memory.small.bytes_per_item",
        "replay.memory.idle_bytes",
        *(f"replay.snapshot.1gb.{level}.{figure}" for level in LEVELS for figure in SNAPSHOT_FIGURES),
        *(f"replay.log.{p}.{level}.share" for p in ("small", "mujoco", "atari") for level in ("process", "disk")),
        "replay.scaling.prioritized.sample_10k_to_10m",
        "replay.insert.atari.nstep3.w1.stored_bytes",
    }


@pytest.mark.parametrize(("group", "case"), GROUPED, ids=lambda value: getattr(value, "case", ""))
def test_a_case_names_its_clients_and_its_table_can_be_made(group, case) -> None:
    definition = definition_of("bench", group.payload, group.items, group.num_items, sampler=case.sampler)

    check_definition(definition)
    assert case.num_clients == int(re.findall(r"\.[wc](\d)", case.case)[-1])


def test_over_tcp_no_batch_comes_by_shared_memory_and_what_is_named_after_a_transport_uses_it() -> None:
    named = [(case.case.split(".")[-2], case.load.transport) for _, case in GROUPED]

    assert {name: transport for name, transport in named if name in ("tcp", "unix", "shm")} == {
        "tcp": "tcp",
        "unix": "unix",
        "shm": "shm",
    }
    assert {transport for name, transport in named if name not in ("tcp", "unix", "shm")} == {"tcp"}


def test_a_group_is_narrowed_to_the_cases_of_which_a_row_is_wanted() -> None:
    group = RATE_GROUPS[0]

    narrow = group.only("*.step.w1.server_cpu_us")

    assert [case.case for case in narrow.cases] == ["replay.insert.small.step.w1"]
    assert narrow.measurement.seconds < group.measurement.seconds
    assert group.measurement.only("*.w1").cases == narrow.measurement.cases + tuple(
        name for name in group.measurement.cases if ".vector64." in name
    )


def test_the_whole_suite_is_estimated_to_take_six_minutes_and_twelve_with_the_peer() -> None:
    ours = sum(m.seconds for m in MEASUREMENTS)

    assert ours <= 6 * 60
    assert ours + sum(m.peer_seconds for m in MEASUREMENTS) <= 12 * 60


COUNTERS = {"num_inserts": 100, "num_deletes": 40, "num_items": 60}


def test_inserts_are_those_of_the_table_less_the_first_steps_of_each_lane() -> None:
    after = {"num_inserts": 294, "num_deletes": 234, "num_items": 60}

    check_inserts(COUNTERS, after, items="nstep3", num_steps=200, num_lanes=2)
    check_full(after, 60)


@pytest.mark.parametrize(
    "after",
    [
        {"num_inserts": 293, "num_deletes": 233, "num_items": 60},
        {"num_inserts": 294, "num_deletes": 233, "num_items": 60},
        {"num_inserts": 294, "num_deletes": 235, "num_items": 59},
    ],
    ids=["an item is missing", "nothing was put out for one", "the table shrank"],
)
def test_a_table_that_counted_otherwise_gives_no_figure(after: dict[str, float]) -> None:
    with pytest.raises(MiscountError):
        check_inserts(COUNTERS, after, items="nstep3", num_steps=200, num_lanes=2)


def test_a_table_that_is_not_full_gives_no_figure() -> None:
    with pytest.raises(MiscountError, match="60"):
        check_full(COUNTERS, 61)


def test_priority_updates_go_over_the_whole_table_before_a_key_comes_again() -> None:
    keys = np.arange(1_000, dtype=np.uint64)

    calls = calls_over(keys, 256, np.random.default_rng(0))

    passes = [np.concatenate([some for some, _ in calls[i : i + 4]]) for i in range(0, len(calls), 4)]
    assert {(len(some), len(priorities)) for some, priorities in calls} == {(256, 256)}
    assert all(len(np.unique(one[:768])) == 768 for one in passes)
    assert all(np.array_equal(np.unique(one), keys) for one in passes)
    assert not np.array_equal(passes[0], passes[1])


@pytest.mark.parametrize(("payload", "num_bytes"), [("small", 25), ("mujoco", 1_577), ("atari", 7_065)])
def test_payloads_have_the_sizes_of_their_columns_and_come_again_alike(payload: str, num_bytes: int) -> None:
    columns = columns_of(payload, 8, seed=3)

    assert step_bytes(payload) == num_bytes
    assert column_specs(columns, num_leading=1) == SPECS[payload]
    np.testing.assert_equal(columns_of(payload, 8, seed=3), columns)


def test_steps_are_new_ones_with_the_columns_values_in_their_order_over_and_over() -> None:
    columns = columns_of("small", 16, seed=0)

    steps = list(itertools.islice(steps_of(columns), 32))

    assert [float(step["reward"]) for step in steps] == columns["reward"].tolist() * 2
    assert len({id(step) for step in steps}) == 32
    assert all(set(step) == {"obs", "action", "reward", "done"} for step in steps)


def test_blocks_hold_the_columns_values_in_their_order() -> None:
    columns = columns_of("small", 16, seed=0)

    blocks = blocks_of(columns, 2, 4)

    assert [block["obs"].shape for block in blocks] == [(2, 4, 4)] * 2
    np.testing.assert_array_equal(np.concatenate([b["action"].ravel() for b in blocks]), columns["action"])


def test_stacked_observations_are_stored_as_single_frames() -> None:
    stacks = [column.stack for column in PATTERNS["nstep3"].columns if column.column == "obs"]

    assert stacks == [4, 4]
    assert {s.path: s.shape for s in SPECS["atari"]}["obs"] == (84, 84)


def test_windows_of_several_clients_add_up() -> None:
    windows = [Window(100, 2.0, 0.5, 1.0, 3.0, 4.0), Window(300, 2.0, 0.7, 2.0, 5.0, 9.0)]

    figures = Figures.of(windows, server_cpu_s=0.2)

    assert figures.num_items == 400
    assert (figures.rate, figures.p50_ms, figures.p99_ms) == (200.0, 1.5, 5.0)
    assert (figures.server_cpu_us, figures.clients_cpu_us) == pytest.approx((500.0, 3000.0))


def test_what_processes_tell_each_other_comes_back_equal() -> None:
    window, load = Window(7, 0.5, 0.1, 1.0, 2.0, 3.0), Load("sample", "t", credits=8)

    assert Window.from_fields(window.fields()) == window
    assert Load(**load.fields()) == load


async def test_a_window_ends_at_its_number_of_items_and_finishes_the_work() -> None:
    task = Countdown()

    window = await measure(task, seconds=5.0, max_items=10)

    assert window.num_items == 12
    assert task.has_finished


def test_a_peer_that_is_not_installed_leaves_the_reference_empty() -> None:
    theirs = peer.run(Peers(None), peer.memory("small", 1_000))

    assert peer.reference(theirs, "items_s") == {}
    assert peer.run_clients(Peers(None), peer.priorities(256, 1_000), (1, 4)) == {}


def test_every_case_that_the_peer_has_is_paired_with_it() -> None:
    alone = {case.case for group, case in GROUPED if group.peer_arguments is None or not case.has_peer}

    assert fnmatch.filter(alone, "*vector64*")
    assert alone - set(GOALS) == {case.case for _, case in GROUPED if case.goal is None}
    assert alone & set(GOALS) == {"replay.insert.small.vector64.w1"}
