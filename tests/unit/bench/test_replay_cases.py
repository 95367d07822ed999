"""The replay suite's cases, goals and arithmetic; nothing is timed here."""

import re

import numpy as np
import pytest

from heronry.bench.peers import Peers
from heronry.bench.replay import MEASUREMENTS, peer
from heronry.bench.replay.client_process import measure
from heronry.bench.replay.load import Load, Window
from heronry.bench.replay.payloads import SPECS, blocks_of, columns_of, step_bytes, steps_of
from heronry.bench.replay.rate_cases import RATE_CASES
from heronry.bench.replay.rig import Figures
from heronry.bench.replay.tables import PATTERNS, definition_of
from heronry.replay.core.signature import check_definition
from heronry.types.columns import column_specs

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
    "replay.sample.atari.nstep3.b32.shm.c1": 30e3,
    "replay.sample.atari.seq20.b32.shm.c1": 6e3,
    "replay.sample.atari.seq20.b32.shm.c4": 6e3,
    "replay.priorities.b256.c1": 1.5e6,
    "replay.priorities.b256.c4": 2e6,
}


class Countdown:
    """A task of three items a call."""

    def __init__(self) -> None:
        self.has_finished = False

    async def call(self) -> int:
        return 3

    async def finish(self) -> None:
        self.has_finished = True


def test_the_goals_are_the_whole_ones() -> None:
    assert {case.case: case.goal for case in RATE_CASES if case.goal is not None} == GOALS


def test_the_figures_that_are_no_rates_have_cases_too() -> None:
    cases = {case for measurement in MEASUREMENTS for case in measurement.cases}

    assert cases >= {
        "replay.sample.small.b256.p99_ms",
        "replay.mixed.mujoco.insert",
        "replay.mixed.mujoco.sample",
        "replay.memory.small.bytes_per_item",
        "replay.memory.idle_bytes",
        "replay.snapshot.1gb.save_s",
        "replay.snapshot.1gb.load_s",
        "replay.snapshot.1gb.stall_ms",
        "replay.log.process.share",
        "replay.log.disk.share",
        "replay.scaling.sample_10k_to_10m",
        "replay.insert.atari.nstep3.w1.stored_bytes",
    }


@pytest.mark.parametrize("case", RATE_CASES, ids=lambda case: case.case)
def test_a_case_names_its_clients_and_its_table_can_be_made(case) -> None:
    definition = definition_of("bench", case.payload, case.items, case.num_items, sampler=case.sampler)

    check_definition(definition)
    assert case.num_clients == int(re.findall(r"\.[wc](\d)", case.case)[-1])
    assert case.peer == () or str(case.num_clients) in case.peer


@pytest.mark.parametrize(("payload", "num_bytes"), [("small", 25), ("mujoco", 1_577), ("atari", 7_065)])
def test_payloads_have_the_sizes_of_their_columns_and_come_again_alike(payload: str, num_bytes: int) -> None:
    columns = columns_of(payload, 8, seed=3)

    assert step_bytes(payload) == num_bytes
    assert column_specs(columns, num_leading=1) == SPECS[payload]
    np.testing.assert_equal(columns_of(payload, 8, seed=3), columns)


def test_steps_and_blocks_hold_the_columns_values_in_their_order() -> None:
    columns = columns_of("small", 16, seed=0)

    steps, blocks = steps_of(columns), blocks_of(columns, 2, 4)

    assert [float(step["reward"]) for step in steps] == columns["reward"].tolist()
    assert [block["obs"].shape for block in blocks] == [(2, 4, 4)] * 2
    np.testing.assert_array_equal(np.concatenate([b["action"].ravel() for b in blocks]), columns["action"])


def test_stacked_observations_are_stored_as_single_frames() -> None:
    stacks = [column.stack for column in PATTERNS["nstep3"].columns if column.column == "obs"]

    assert stacks == [4, 4]
    assert {s.path: s.shape for s in SPECS["atari"]}["obs"] == (84, 84)


def test_windows_of_several_clients_add_up() -> None:
    windows = [Window(100, 2.0, 0.5, 1.0, 3.0, 4.0), Window(300, 2.0, 0.7, 2.0, 5.0, 9.0)]

    figures = Figures.of(windows, server_cpu_s=0.2)

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
    theirs = peer.run(Peers(None), peer.priorities(1, 256, 1_000))

    assert peer.reference(theirs, "items_s") == {}
