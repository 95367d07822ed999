"""Random sequences take the same blocking decisions as the formulas, and as dm-reverb where it can be had.

Recorded with dm-reverb 0.14.0: in 10,000 sequences of 40 calls, 344,231 of them inserts or samples, neither it nor
heronry departed once from the formulas; the 5,371 sequences without a random selector had equal traces, the
items that were picked included.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from decision_formulas import DETERMINISTIC, Formulas
from decision_sequences import EXPONENT, Call, Recorder, Sequence, sequences

from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.batch_buffer import KEY, ArrayBuffer
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.drawing import Drawing, DrawOptions
from heronry.replay.core.table import Table
from heronry.types.blocking import WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.experience import Block
from heronry.types.tables import RateLimiter, Selector, SelectorKind, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

NUMBER = ColumnSpec("number", ElementType.INT64, ())
NUM_SEQUENCES = 10_000
NUM_QUICK = 150
SEED = 20
REVERB_S = 1500
RECORDER = Path(__file__).parent / "decisions" / "decision_reverb.py"


def selector(kind: str) -> Selector:
    return Selector(SelectorKind(kind), EXPONENT if kind == "prioritized" else 0.0)


def definition_of(settings: dict[str, float]) -> TableDefinition:
    names = ("samples_per_insert", "min_size", "min_diff", "max_diff")
    return TableDefinition(
        table="t",
        sampler=selector(settings["sampler"]),
        remover=selector(settings["remover"]),
        rate_limiter=RateLimiter(*(settings[name] for name in names)),
        max_size=settings["max_size"],
        max_times_sampled=settings["max_times_sampled"],
        columns=(NUMBER,),
    )


class Runner:
    """One sequence on one table of ours, through the calls that a stream's handler makes."""

    def __init__(self, sequence: Sequence, seed: int) -> None:
        self._table = Table(definition_of(sequence["settings"]), ByteBudget(64 << 20), np.random.default_rng(seed))
        self._recorder = Recorder()
        self._writer, self._sequence = self._new_writer(), 0

    def run(self, calls: list[Call]) -> list[Call]:
        for call in calls:
            getattr(self, f"_{call['call']}")(call)
        self._table.close()
        return self._recorder.trace

    def _new_writer(self) -> AppendSession:
        session = AppendSession(self._table, AppendHeader("t", "w", self._recorder.num_tried + 1, (NUMBER,), 1), 4)
        session.open()
        return session

    def _insert(self, call: Call) -> None:
        number = self._recorder.next_number()
        self._sequence += 1
        columns = {"number": np.full((1, 1), number, np.int64)}
        block = Block(self._sequence, columns, ParameterVersion(1, 1), call["priority"])
        try:
            self._writer.append(block)
            accepted = True
        except WouldBlock:
            # The writer gives up, and another start of it comes.
            accepted = False
            self._writer.close()
            self._writer, self._sequence = self._new_writer(), 0
        self._recorder.note(call, priority=call["priority"], accepted=accepted)

    def _sample(self, call: Call) -> None:
        drawing = Drawing(self._table, DrawOptions(call["count"]))
        buffer = ArrayBuffer(drawing.layout)
        count = 0
        try:
            while count < call["count"]:
                count += drawing.fill(buffer, count, call["count"] - count).value
        except WouldBlock:
            pass  # what was drawn before is a batch
        drawing.end_batch(1)
        picked = buffer.columns["number"].reshape(-1)[:count].tolist()
        for number, key in zip(picked, buffer.facts[KEY][:count].tolist(), strict=True):
            self._recorder.note_sampled(number, key)
        self._recorder.note(call, count=call["count"], picked=picked)

    def _update(self, call: Call) -> None:
        chosen = self._recorder.chosen(call)
        keys = np.array([self._recorder.sampled[number] for number in chosen], np.uint64)
        self._table.update_priorities(keys, np.array(list(chosen.values()), np.float64))
        self._recorder.note(call, items=list(chosen.items()))

    def _delete(self, call: Call) -> None:
        chosen = self._recorder.chosen(call)
        self._table.delete(np.array([self._recorder.sampled[number] for number in chosen], np.uint64))
        self._recorder.note(call, items=list(chosen.items()))

    def _reset(self, call: Call) -> None:
        self._table.reset()
        self._recorder.note(call)


def our_trace(sequence: Sequence, seed: int = SEED) -> list[Call]:
    return Runner(sequence, seed).run(sequence["calls"])


def check(sequence: Sequence, trace: list[Call]) -> None:
    found = Formulas(sequence["settings"]).differences(trace)
    assert not found, (found, sequence["settings"], trace)


def test_sequences_take_the_decisions_of_the_formulas() -> None:
    for sequence in sequences(NUM_QUICK, SEED):
        check(sequence, our_trace(sequence))


def test_the_formulas_notice_a_wrong_decision() -> None:
    noticed = 0
    for sequence in sequences(NUM_QUICK, SEED):
        trace = our_trace(sequence)
        index = next(i for i, event in enumerate(trace) if event["call"] == "insert")
        trace[index]["accepted"] = not trace[index]["accepted"]
        noticed += bool(Formulas(sequence["settings"]).differences(trace))

    assert noticed == NUM_QUICK


@pytest.mark.long
@pytest.mark.timeout(600)
def test_ten_thousand_sequences_take_the_decisions_of_the_formulas() -> None:
    for sequence in sequences(NUM_SEQUENCES, SEED + 1):
        check(sequence, our_trace(sequence))


@pytest.mark.long
@pytest.mark.timeout(REVERB_S + 600)
def test_dm_reverb_takes_the_same_decisions() -> None:
    """Both follow the formulas in every sequence; where nothing is drawn by chance, the traces are equal."""
    peers = os.environ.get("HERONRY_PEERS")
    python = Path(peers or "", "venvs", "reverb", "bin", "python").absolute()
    if not peers or not python.exists():
        pytest.skip("HERONRY_PEERS names no folder with venvs/reverb")
    chosen = sequences(NUM_SEQUENCES, SEED + 2)
    done = subprocess.run(
        [python, RECORDER], input=json.dumps(chosen), capture_output=True, text=True, timeout=REVERB_S, check=True
    )
    theirs = json.loads(done.stdout.splitlines()[-1])

    num_compared = 0
    for sequence, trace in zip(chosen, theirs, strict=True):
        check(sequence, trace)
        ours = our_trace(sequence)
        check(sequence, ours)
        if {sequence["settings"]["sampler"], sequence["settings"]["remover"]} <= set(DETERMINISTIC):
            num_compared += 1
            assert json.loads(json.dumps(ours)) == trace, sequence["settings"]
    assert num_compared > NUM_SEQUENCES // 3
