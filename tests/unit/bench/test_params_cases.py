"""The params suite's cases, goals, checks and references; nothing is timed here."""

import asyncio
import fnmatch
import mmap
import os

import numpy as np
import pytest

from heronry.bench.params import MEASUREMENTS, asynchronous, codecs, numpy_rules, transfers
from heronry.bench.params.aggregate_worker import rule_of
from heronry.bench.params.aggregates import CASES as RULE_CASES
from heronry.bench.params.bare_grpc import CHUNK_FLOATS, NUMBER
from heronry.bench.params.bare_server import SumServer
from heronry.bench.params.checks import MiscountError, check_round
from heronry.bench.params.command_loop import lies_in_shared_memory
from heronry.bench.params.models import contribution_of, samples_of, settings_of, tensors_of
from heronry.bench.params.processes import environment
from heronry.bench.params.rounds import CASES as ROUND_CASES
from heronry.bench.params.rounds import PROCESS_CASES
from heronry.launch.processes import MALLOC_VARIABLES
from heronry.native.parameter_packing import pack_parameters
from heronry.types.aggregation import Aggregation
from heronry.types.consistency import round_size
from heronry.types.contribution import ParameterCodec

ALL_CASES = [case for measurement in MEASUREMENTS for case in measurement.cases]
# Seconds a round, and the least that closes.
ROUND_GOALS = {"f32": (0.40, 0.45), "bf16": (0.28, 0.30), "int8": (0.20, 0.22), "shm": (0.10, 0.12)}
RULE_GOALS = {
    "params.aggregate.weighted_mean.32x10m": 0.15,
    "params.aggregate.weighted_mean.32x10m.one_pass": 0.15,
    "params.aggregate.median.8x1m": 8e-3,
    "params.aggregate.trimmed_mean.8x1m": 8e-3,
    "params.aggregate.krum.100x1m": 0.3,
}


def answers(pushed: list[list[float]], pulled: list[float], checksum: int = 7) -> list[dict[str, object]]:
    return [{"pushed": values, "pulled": pulled, "checksum": checksum} for values in pushed]


def test_every_case_is_named_once_and_after_the_suite() -> None:
    assert len(set(ALL_CASES)) == len(ALL_CASES)
    assert all(case.startswith("params.") for case in ALL_CASES)


def test_the_round_goals_are_the_issues() -> None:
    goals = {case.name: (case.goal, case.closes_at) for case in ROUND_CASES if case.goal is not None}

    assert goals == ROUND_GOALS
    assert [case.max_to_bare for case in ROUND_CASES if case.max_to_bare is not None] == [1.05]


def test_the_rule_goals_are_the_issues() -> None:
    goals = {case.case_of(way): way.goal for case in RULE_CASES for way in case.ways if way.goal is not None}

    assert goals == RULE_GOALS


def test_the_other_figures_have_cases_too() -> None:
    assert set(ALL_CASES) >= {
        "params.round.4x40mb.f32.process",
        "params.round.4x40mb.tls",
        "params.pull.40mb.tcp",
        "params.push.40mb.tcp.of_cpp",
        "params.pull.40mb.tcp.default_malloc",
        "params.pull.400mb.shm.in_place",
        "params.pull.40mb.shm.copied",
        "params.aggregate.weighted_mean.32x10m.grid",
        "params.memory.round_100",
        "params.small_calls",
        "params.async.64x1mb.p99_ms",
        "params.async.64x1mb.reader_age_ms",
        *(f"params.codecs.bytes.{codec.value}" for codec in ParameterCodec),
    }


def test_a_round_named_after_its_codec_level_or_transport_has_it() -> None:
    by_name = {case.name: case for case in (*ROUND_CASES, *PROCESS_CASES)}

    assert (by_name["bf16"].codec, by_name["int8"].codec) == ("bf16", "int8")
    assert (by_name["shm"].transport, by_name["tls"].transport) == ("unix", "tls")
    assert by_name["f32.process"].level == "process"
    assert {case.level for case in ROUND_CASES} == {"memory"}


def test_rounds_are_narrowed_to_the_cases_of_which_a_row_is_wanted() -> None:
    whole = next(m for m in MEASUREMENTS if m.has("params.round.4x40mb.bf16"))

    narrow = whole.only("*.bf16")

    assert narrow.cases == ("params.round.4x40mb.bf16",)
    assert narrow.seconds < whole.seconds
    assert narrow.peer_seconds == 0


def test_the_whole_suite_is_estimated_to_take_six_minutes_and_twelve_with_the_peers() -> None:
    ours = sum(m.seconds for m in MEASUREMENTS)

    assert ours <= 6 * 60
    assert ours + sum(m.peer_seconds for m in MEASUREMENTS) <= 12 * 60


def test_a_round_passes_when_all_pulled_the_mean_on_top_of_what_was_there() -> None:
    check_round(answers([[1.0, 2.0], [3.0, 4.0]], [12.0, 23.0]), [10.0, 20.0], is_sum=False)
    check_round(answers([[1.0, 2.0], [3.0, 4.0]], [4.0, 6.0]), [10.0, 20.0], is_sum=True)


@pytest.mark.parametrize("pulled", [[11.0, 23.0], [12.0, 22.0]])
def test_a_round_without_one_of_its_contributions_is_no_figure(pulled: list[float]) -> None:
    with pytest.raises(MiscountError):
        check_round(answers([[1.0, 2.0], [3.0, 4.0]], pulled), [10.0, 20.0], is_sum=False)


def test_workers_that_pulled_different_bytes_are_no_figure() -> None:
    told = answers([[1.0], [3.0]], [2.0])
    told[1]["checksum"] = 8

    with pytest.raises(MiscountError, match="checksum"):
        check_round(told, None, is_sum=False)


def test_the_bare_server_sends_each_rounds_sum_to_whoever_asks_for_it() -> None:
    num_floats = CHUNK_FLOATS + 5
    server = SumServer(num_floats, num_workers=2)
    vectors = [np.full(num_floats, value, np.float32) for value in (1.0, 2.0, 5.0, 7.0)]

    async def frames_of(vector: np.ndarray):
        for start in range(0, num_floats, CHUNK_FLOATS):
            yield vector[start : start + CHUNK_FLOATS].tobytes()

    async def sum_of(number: int) -> np.ndarray:
        frames = [frame async for frame in server.pull(NUMBER.pack(number), None)]
        return np.frombuffer(b"".join(frames), np.float32)

    async def two_rounds() -> list[np.ndarray]:
        sums = []
        for number in (1, 2):
            waiting = asyncio.create_task(sum_of(number))
            for vector in vectors[2 * number - 2 : 2 * number]:
                await server.push(frames_of(vector), None)
            sums.append(await waiting)
        return sums

    sums = asyncio.run(two_rounds())

    np.testing.assert_array_equal(sums, [np.full(num_floats, 3.0), np.full(num_floats, 12.0)])


def test_the_bare_server_refuses_a_push_that_is_cut_off() -> None:
    server = SumServer(CHUNK_FLOATS + 5, num_workers=2)

    async def first_chunk():
        yield bytes(4 * CHUNK_FLOATS)

    with pytest.raises(RuntimeError, match="1 chunks, not 2"):
        asyncio.run(server.push(first_chunk(), None))


def test_a_readers_age_is_that_of_the_version_it_let_go_of_last() -> None:
    due = {1: 10.0, 2: 11.0, 4: 12.5}

    age = asynchronous.oldest([(10.1, 1), (11.5, 2), (13.0, 4)], due, end=14.0)

    # Version 1 was there until 11.5, 2 until 13.0, 4 until the end.
    assert age == pytest.approx(2.0)


def test_a_reader_that_saw_nothing_is_no_figure() -> None:
    with pytest.raises(MiscountError):
        asynchronous.oldest([], {1: 0.0}, end=1.0)


def test_the_share_of_the_ceiling_pairs_the_turns() -> None:
    rows = {
        row.case: row for row in transfers.tcp_rows("pull", [1.0] * 5 + [2.0] * 5 + [3.0] * 5, [1.0], [2.0, 2.0, 3.0])
    }

    share = rows["params.pull.40mb.tcp.of_cpp"]

    assert (share.value, share.spread, share.goal) == (1.0, (0.5, 1.0), 0.85)
    assert rows["params.pull.40mb.tcp"].reference_value == 2.0


def test_without_the_ceiling_there_is_no_share() -> None:
    rows = list(transfers.tcp_rows("push", [1.0], [1.0], []))

    assert [row.case for row in rows] == ["params.push.40mb.tcp", "params.push.40mb.tcp.default_malloc"]
    assert all(row.reference is None for row in rows)


@pytest.mark.parametrize("codec", [codec for codec in ParameterCodec if codec is not ParameterCodec.F32])
def test_the_bytes_of_a_codec_are_those_that_are_packed(codec: ParameterCodec) -> None:
    values = contribution_of(1000, seed=1)

    packed = pack_parameters(codec, values, seed=0, k=10)

    assert packed.nbytes == codecs.packed_bytes(codec.value, 1000)


def test_numpys_rules_are_those_of_their_definitions() -> None:
    vectors = [np.array(values, np.float32) for values in ([1, 8], [2, 2], [4, 4], [9, 6], [3, 3])]

    np.testing.assert_allclose(numpy_rules.weighted_mean(vectors[:2], [1.0, 3.0]), [1.75, 3.5])
    np.testing.assert_allclose(numpy_rules.median(vectors, []), [3, 4])
    np.testing.assert_allclose(numpy_rules.trimmed_mean(vectors, []), [3, 13 / 3])


def test_numpys_krum_takes_one_of_the_crowd() -> None:
    crowd = [np.full(3, value, np.float32) for value in (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7)]

    chosen = numpy_rules.krum([*crowd, np.full(3, 50, np.float32), np.full(3, -50, np.float32)], [])

    assert 1.0 < chosen[0] < 1.7


@pytest.mark.parametrize("case", RULE_CASES, ids=lambda case: case.case)
def test_a_rule_can_be_had_with_so_many_contributions(case) -> None:
    aggregation = Aggregation(rule_of(case.rule, case.num_contributions))

    assert aggregation.fewest_contributions() <= case.num_contributions


def test_a_model_releases_a_version_every_so_many_contributions() -> None:
    settings = settings_of(4, "process", 3)

    assert (round_size(settings.consistency), settings.num_versions_kept) == (4, 3)


def test_a_model_has_so_many_zeros_and_its_samples_hold_the_first_and_the_last() -> None:
    values = np.arange(1000, dtype=np.float32)

    assert sum(tensor.size for tensor in tensors_of(1000).values()) == 1000
    assert samples_of(values)[0] == 0.0
    assert samples_of(values)[-1] == 999.0


def test_memory_that_came_by_its_descriptor_is_told_from_other_memory() -> None:
    descriptor = os.memfd_create("bench")
    os.ftruncate(descriptor, 4096)

    with mmap.mmap(descriptor, 4096) as memory:
        shared = np.frombuffer(memory, np.uint8)
        is_shared, is_other = lies_in_shared_memory(shared), lies_in_shared_memory(np.zeros(4096, np.uint8))
        del shared
    os.close(descriptor)

    assert (is_shared, is_other) == (True, False)


def test_children_have_the_malloc_settings_of_services_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "3")

    assert environment().items() >= MALLOC_VARIABLES.items()
    assert not fnmatch.filter(environment(has_malloc=False), "MALLOC_*_*")
