"""Whatever happened before a crash: what is restored equals what was, bit for bit."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heronry.params.core.durability.state_folder import StateFolder
from heronry.params.core.model_update import ModelUpdate
from heronry.types.aggregation import (
    Aggregation,
    FederatedMean,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NormBoundedMean,
    Sum,
    TrimmedMean,
    WeightedMean,
)
from heronry.types.blocking import WouldBlock
from heronry.types.consistency import Asynchronous, BufferedAsynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ContributionLimits
from heronry.types.optimizers import AdamOptimizer, SgdOptimizer, YogiOptimizer

WORKERS = "abcde"
# One byte may be held: robust rules put every contribution into their file.
SPILLED = {"max_held_bytes": 1}
BUFFERED = BufferedAsynchronous(5, max_staleness=2, staleness_exponent=0.5)
SYNCHRONOUS = SynchronousRounds(5, quorum=5, deadline_s=5.0)
CASES = {
    "mean": {"aggregation": Aggregation(Mean()), "consistency": replace(BUFFERED, num_contributions=3)},
    "asynchronous": {"consistency": Asynchronous(2, 0.5), "optimizer": YogiOptimizer(0.1)},
    "sum": {"aggregation": Aggregation(Sum()), "consistency": BUFFERED, "optimizer": SgdOptimizer(0.5, 0.9, True)},
    "weighted": {"aggregation": Aggregation(WeightedMean()), "consistency": BUFFERED, "optimizer": AdamOptimizer(0.1)},
    "federated grid": {"aggregation": Aggregation(FederatedMean(7), grid_step=2.0**-20), "consistency": BUFFERED},
    "norm bounded": {"aggregation": Aggregation(NormBoundedMean(1.0)), "consistency": BUFFERED},
    "median": {"aggregation": Aggregation(Median(), **SPILLED), "consistency": BUFFERED},
    "trimmed": {"aggregation": Aggregation(TrimmedMean(1), **SPILLED), "consistency": BUFFERED},
    "krum": {"aggregation": Aggregation(Krum(1, 2), **SPILLED), "consistency": BUFFERED},
    "geometric": {"aggregation": Aggregation(GeometricMedian(), **SPILLED), "consistency": BUFFERED},
    "synchronous": {"consistency": SYNCHRONOUS, "optimizer": AdamOptimizer(0.1)},
}

numbers = st.floats(-4, 4, width=32)
pushes = st.tuples(
    st.just("push"),
    st.sampled_from(WORKERS),
    st.sampled_from(list(ContributionKind)),
    st.tuples(numbers, numbers),
    st.integers(0, 2),
    st.integers(1, 4),
)
others = st.sampled_from([("rollback",), ("update",), ("tag",), ("due",)])
steps = st.lists(pushes | pushes | pushes | others, min_size=1, max_size=24)


def do(bench, step: tuple, index: int) -> None:
    """Do one step; what a model does not take at this point is the same refusal wherever it is tried."""
    kind, *details = step
    if kind == "push":
        push(bench, *details, request_id=str(index))
    elif kind == "rollback":
        bench.models.rollback("policy", bench.version.number, None, str(index), float(index))
        bench.close_due()
    elif kind == "update":
        limits = ContributionLimits(max_norm=100.0 + index)
        bench.models.update("policy", ModelUpdate(limits=limits, num_versions_kept=1 + index % 3))
    elif kind == "tag":
        bench.models.tag("policy", 0, f"tag{index % 2}")
    else:
        bench.now_s += 5.0
        bench.join(*WORKERS)
        bench.close_due()


def push(bench, client_id, kind, values, num_behind: int, weight: int, request_id: str) -> None:
    base = replace(bench.version, number=max(1, bench.model.oldest_base, bench.version.number - num_behind))
    rule = bench.model.settings.aggregation.rule
    is_synchronous = isinstance(bench.model.settings.consistency, SynchronousRounds)
    if is_synchronous and client_id in bench.model.round.contributors:
        return
    bench.push(
        *values,
        client_id=client_id,
        kind=kind,
        request_id=request_id,
        base_version=bench.version if is_synchronous else replace(base, content_hash=b""),
        weight=float(weight) if isinstance(rule, WeightedMean) else 1.0,
        sample_count=weight,
    )


def state(bench) -> dict[str, object]:
    """Return all of a model that must outlive its process; epochs rise, so they are left out."""
    model = bench.model
    return {
        "version": (bench.version.number, bench.version.content_hash, bench.version.parent_hash),
        "values": bench.values.tobytes(),
        "tags": {t: model.history.select(tag=t).version.content_hash for t in model.history.tags},
        "steps": model.optimizer_state.num_steps,
        "slots": {name: slot.tobytes() for name, slot in model.optimizer_state.slots.items()},
        "round": (model.round.round_id, tuple(model.round.contributions), frozenset(model.round.contributors)),
        "requests": [(key, a.round_id, a.closed_round, a.version.number) for key, a in model.requests.entries()],
        "rollbacks": [(key, a.version.number) for key, a in model.rollbacks.entries()],
        "settings": model.settings,
        "oldest_base": model.oldest_base,
    }


def mean_of(bench) -> bytes:
    """Return what the open round would make of what it has counted."""
    model = bench.model
    if model.round.num_contributions < model.settings.aggregation.fewest_contributions():
        return b""
    mean = model.round.accumulator.mean(model.newest.vector)
    return mean.values.tobytes() + f"{mean.anchor} {mean.scale}".encode()


@contextmanager
def folders(make_bench) -> Iterator[tuple[Path, Callable[..., object]]]:
    """Give a folder, and what opens it as after a crash."""
    opened: list[StateFolder] = []

    def open_at(path: Path):
        while opened:
            opened.pop().close()
        folder = StateFolder(path)
        opened.append(folder)
        recovered = folder.recover()
        folder.enter(recovered.epoch + 1)
        bench = make_bench(folder, recovered.epoch + 1)
        assert bench.models.restore(recovered) == []
        bench.folder = folder
        if recovered.is_empty:
            folder.rotate()
        else:
            folder.write(bench.models.begin_checkpoint())
        return bench

    with tempfile.TemporaryDirectory() as path:
        yield Path(path) / "params", open_at
        while opened:
            opened.pop().close()


def begun(bench, case: str):
    bench.register(0.5, -0.5, **CASES[case])
    bench.join(*WORKERS)
    return bench


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps, crashes=st.sets(st.integers(0, 23), max_size=3), checkpoints=st.sets(st.integers(0, 23)))
def test_a_model_that_crashed_is_the_one_that_did_not(make_bench, case: str, steps, crashes, checkpoints) -> None:
    with folders(make_bench) as (path, open_at):
        steady, crashing = begun(make_bench(), case), begun(open_at(path), case)

        for index, step in enumerate(steps):
            if min(crashes, default=index) < index and step[0] == "push":
                # Only the newest base outlives a crash.
                step = (*step[:4], 0, step[5])
            do(steady, step, index)
            do(crashing, step, index)
            if index in checkpoints:
                crashing.folder.write(crashing.models.begin_checkpoint())
            if index in crashes:
                now_s = crashing.now_s
                crashing = open_at(path)
                crashing.now_s = now_s
                crashing.join(*WORKERS)

            assert state(crashing) == state(steady)
            assert mean_of(crashing) == mean_of(steady)


@pytest.mark.parametrize("case", ["weighted", "krum", "synchronous"])
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
def test_a_crash_after_any_record_restores_what_was_then(make_bench, case: str, steps) -> None:
    with folders(make_bench) as (path, open_at):
        bench = begun(open_at(path), case)
        moments = [(bench.folder.journal_bytes, state(bench), mean_of(bench))]
        for index, step in enumerate(steps[:8]):
            do(bench, step, index)
            moments.append((bench.folder.journal_bytes, state(bench), mean_of(bench)))
        bench.folder.close()

        for number, (num_bytes, expected, mean) in enumerate(moments):
            copy = path.with_name(f"copy{number}")
            shutil.copytree(path, copy)
            with (copy / "journal-00000000.log").open("r+b") as journal:
                journal.truncate(num_bytes)

            again = open_at(copy)
            assert state(again) == expected
            assert mean_of(again) == mean


def test_contributions_to_an_open_round_are_counted_again_over_many_checkpoints(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, consistency=BufferedAsynchronous(4))
    bench.push(1.0, request_id="first")
    for _ in range(5):
        folder.write(bench.models.begin_checkpoint())
    bench.push(2.0)
    bench, folder = open_folder()
    for _ in range(5):
        folder.write(bench.models.begin_checkpoint())
    bench, folder = open_folder()

    assert not bench.push(1.0, request_id="first").counted
    for value in (3.0, 6.0):
        bench.push(value)

    assert bench.values[0] == 3.0
    assert not bench.problems


def test_journals_are_dropped_once_no_open_round_began_in_them(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, consistency=BufferedAsynchronous(2))
    bench.push(1.0)
    for _ in range(5):
        folder.write(bench.models.begin_checkpoint())
    kept = (folder.path / "journal-00000000.log").exists()
    bench.push(2.0)
    for _ in range(3):
        folder.write(bench.models.begin_checkpoint())

    assert kept
    assert not (folder.path / "journal-00000000.log").exists()


def test_a_journal_that_is_missing_is_told_and_the_senders_can_repeat(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, consistency=BufferedAsynchronous(2))
    bench.push(1.0, request_id="lost")
    folder.write(bench.models.begin_checkpoint())
    (folder.path / "journal-00000000.log").unlink()

    bench, _ = open_folder()

    assert "1 contributions to the open round are missing" in str(bench.problems[0])
    assert bench.push(1.0, request_id="lost").counted


def test_open_rounds_of_level_memory_are_lost_with_the_process_and_repeats_are_counted_anew(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, consistency=BufferedAsynchronous(2), acknowledgement=AcknowledgementLevel.MEMORY)
    for value in (1.0, 3.0):
        bench.push(value, request_id=f"closed {value}")
    bench.push(4.0, request_id="open")
    folder.write(bench.models.begin_checkpoint())

    bench, _ = open_folder()

    assert (bench.version.number, bench.values[0], bench.info().num_pending) == (2, 2.0, 0)
    assert not bench.push(1.0, request_id="closed 1.0").counted
    assert bench.push(4.0, request_id="open").counted
    assert not bench.problems


def test_a_round_that_closed_early_is_closed_alike_by_a_replay(open_folder) -> None:
    bench, _ = open_folder()
    bench.register(0.0, consistency=SynchronousRounds(3, quorum=2, deadline_s=5.0))
    bench.join("a", "b", "c")
    for client_id, value in (("a", 1.0), ("b", 2.0)):
        bench.push(value, client_id=client_id)
    bench.now_s = 5.0
    bench.close_due()

    bench, _ = open_folder()

    assert (bench.version.number, bench.values[0], bench.info().round_id) == (2, 1.5, 2)
    assert not bench.problems


def test_workers_of_an_open_round_are_not_drawn_for_it_again_after_a_restart(open_folder) -> None:
    bench, _ = open_folder()
    bench.register(0.0, consistency=SynchronousRounds(2))
    bench.join("a", "b")
    bench.push(1.0, client_id="a")

    bench, _ = open_folder()
    tokens = bench.join("a", "b")

    with pytest.raises(WouldBlock):
        bench.models.next_invitation("policy", "a", tokens[0], 0, 0.0)
    assert bench.models.next_invitation("policy", "b", tokens[1], 0, 0.0).round_id == 1
    assert bench.push(3.0, client_id="b").closed_round
    assert bench.values[0] == 2.0
