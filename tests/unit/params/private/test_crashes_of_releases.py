"""What breaks between the steps of a release: the ledger never counts less than what was published.

reserve (ledger) -> noise and step -> journal -> publish -> commit (ledger)
"""

from collections.abc import Callable

import numpy as np
import pytest

from heronry.params.core import models as models_module
from heronry.params.core.durability.records import RELEASED
from heronry.params.core.durability.state_folder import StateFolder
from heronry.params.core.model import Model
from heronry.privacy.ledger import Ledger
from heronry.types.consistency import BufferedAsynchronous, SampledRounds, SynchronousRounds
from heronry.types.errors import FailedPreconditionError, ResourceExhaustedError, UnavailableError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.privacy import BandedFactorisation, CorrelatedNoise, IndependentNoise, NoiseSampler

ROUNDED = NoiseSampler.ROUNDED_GAUSSIAN
BUFFERED = {"consistency": BufferedAsynchronous(1)}
INDEPENDENT = ({}, BUFFERED)
HORIZON = ({"noise": CorrelatedNoise(2.0, 12, 4, 1, BandedFactorisation(3))}, BUFFERED)
COINS = (
    {"noise": IndependentNoise(2.0, ROUNDED, is_amplified=True), "population": 1},
    {"consistency": SampledRounds(1, deadline_s=5.0, sampling_rate=1.0, closes_early=True)},
)
MECHANISMS = {"independent": INDEPENDENT, "horizon": HORIZON, "coins": COINS}


class Crash(BaseException):
    """The end of the process, at a place."""


def crashing(call: Callable[..., object], *, after: bool, when: Callable[..., bool] = lambda *_: True):
    """Return a call that ends the process before or after it has done its work."""

    def ended(*arguments: object, **options: object) -> object:
        if not when(*arguments):
            return call(*arguments, **options)
        if after:
            call(*arguments, **options)
        raise Crash

    return ended


def is_release(*arguments: object) -> bool:
    return arguments[1].kind == RELEASED


# Where, the call, whether it has done its work, and which of its calls.
POINTS = {
    "before the ledger has it": (Ledger, "reserve", False, lambda *_: True),
    "before the noised mean is made": (models_module, "plan_release", False, lambda *_: True),
    "before the journal has it": (StateFolder, "append", False, is_release),
    "before it is published": (StateFolder, "append", True, is_release),
    "when it is published": (Model, "commit_release", True, lambda *_: True),
    "before the ledger knows that it left": (Ledger, "commit", False, lambda *_: True),
    "at the end": (Ledger, "commit", True, lambda *_: True),
}


def take_part(bench) -> None:
    """Contribute to a round, which is then released."""
    if isinstance(bench.model.settings.consistency, SampledRounds):
        bench.rejoin("a")
        bench.close_due()
    bench.push_delta("a", 0.5, 0.5)


@pytest.mark.parametrize("level", [AcknowledgementLevel.MEMORY, AcknowledgementLevel.PROCESS])
@pytest.mark.parametrize("mechanism", MECHANISMS.values(), ids=MECHANISMS)
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_the_ledger_counts_what_left_whenever_the_process_ends(
    open_private, claim, monkeypatch, point, mechanism, level
) -> None:
    holder, name, after, when = point
    changes, settings = mechanism
    bench = open_private()
    bench.register(0.0, 0.0, privacy=claim(**changes), acknowledgement=level, **settings)
    bench.log.write(bench.models.begin_checkpoint())
    take_part(bench)

    with monkeypatch.context() as patched:
        patched.setattr(holder, name, crashing(getattr(holder, name), after=after, when=when))
        with pytest.raises(Crash):
            take_part(bench)
    num_published = bench.version.number - 1
    bench = open_private()

    # What a release was reserved for and the journal does not know of is given up, and told.
    assert all("contributions to round 2 are given up" in str(problem) for problem in bench.problems)
    assert bench.num_releases >= num_published
    assert charged(bench) >= num_published
    for _ in range(2):
        bench.now_s += 5.0
        _join_again(bench)
        bench.close_due()
        if bench.model.mode.deadline_s is None and bench.model.round.num_contributions == 0:
            break
    before = bench.num_releases
    _join_again(bench)
    take_part(bench)
    assert bench.num_releases == before + 1
    assert charged(bench) >= num_published + 1


def _join_again(bench) -> None:
    if isinstance(bench.model.settings.consistency, SampledRounds):
        bench.rejoin("a")


def charged(bench) -> int:
    """Return how many releases the ledger has of the model, by what is charged for each."""
    if isinstance(bench.model.settings.privacy.noise, CorrelatedNoise):
        runs = [run for run in bench.ledger.runs() if "/horizon-" in run]
        return sum(bench.ledger.participation(run, "a").count for run in runs)
    return sum(charge.count for charge in bench.ledger.charges("policy"))


@pytest.mark.parametrize("mechanism", MECHANISMS.values(), ids=MECHANISMS)
def test_a_release_that_the_journal_refuses_is_reserved_once_and_made_later(private_bench, claim, mechanism) -> None:
    changes, settings = mechanism
    bench, steady = private_bench(seed=5), private_bench(seed=5)
    for each in (bench, steady):
        each.register(0.0, 0.0, privacy=claim(**changes), **settings)
    take_part(steady)
    append = bench.log.append

    def no_room(record, level):
        if record.kind == RELEASED:
            raise ResourceExhaustedError("no room")
        return append(record, level)

    bench.log.append = no_room
    take_part(bench)
    for _ in range(3):
        bench.now_s += 1.0
        bench.close_due()
    during = (bench.version.number, bench.num_releases, charged(bench))
    bench.log.append = append
    bench.now_s += 1.0
    bench.close_due()

    assert during == (1, 1, 1)
    assert (bench.version.number, bench.num_releases, charged(bench)) == (2, 1, 1)
    assert bench.status.epsilon_spent == steady.status.epsilon_spent
    # It was made of the noise that was drawn at first.
    assert bench.values.tobytes() == steady.values.tobytes()


def test_nobody_joins_a_release_that_is_reserved_and_not_written_yet(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    append = bench.log.append

    def no_room(record, level):
        if record.kind == RELEASED:
            raise ResourceExhaustedError("no room")
        return append(record, level)

    bench.log.append = no_room
    bench.push_delta("a", 1.0)

    with pytest.raises(UnavailableError, match="a release is being made"):
        bench.push_delta("b", 1.0)
    bench.log.append = append
    bench.now_s = 1.0
    bench.close_due()
    bench.push_delta("b", 1.0)

    assert [s.num_participations for s in bench.models.client_spendings("policy")] == [1, 1]


@pytest.mark.parametrize("mechanism", MECHANISMS.values(), ids=MECHANISMS)
def test_a_ledger_that_cannot_be_written_holds_the_release_back(private_bench, claim, monkeypatch, mechanism) -> None:
    changes, settings = mechanism
    bench = private_bench()
    bench.register(0.0, 0.0, privacy=claim(**changes), **settings)
    take_part(bench)
    spent = bench.status.epsilon_spent

    def no_room(*_: object) -> int:
        raise ResourceExhaustedError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "reserve", no_room)
        take_part(bench)
        problems: list[Exception] = []
        bench.now_s += 6.0
        bench.models.close_due(bench.now_s, 100.0, problems)
        held = (bench.version.number, bench.num_releases, bench.status.epsilon_spent)
    bench.now_s += 6.0
    _join_again(bench)
    bench.close_due()

    assert [str(problem) for problem in problems] == ["no room"]
    assert held == (2, 1, spent)
    assert (bench.version.number, bench.num_releases) == (3, 2)


def test_a_horizon_that_cannot_be_paid_for_refuses_the_contribution(private_bench, claim, monkeypatch) -> None:
    changes, settings = HORIZON
    bench = private_bench()
    bench.register(0.0, 0.0, privacy=claim(**changes), **settings)

    def no_room(*_: object) -> int:
        raise ResourceExhaustedError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "reserve", no_room)
        with pytest.raises(ResourceExhaustedError, match="no room"):
            take_part(bench)
    before = bench.status.epsilon_spent
    take_part(bench)

    assert before == 0.0
    assert [charge.count for charge in bench.ledger.charges("policy")] == [1]


def test_a_key_file_that_cannot_be_written_costs_no_horizon(private_bench, claim, monkeypatch) -> None:
    changes, settings = HORIZON
    bench = private_bench()
    bench.register(0.0, 0.0, privacy=claim(**changes), **settings)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("heronry.params.core.private.keys.os.fsync", full)
        for _ in range(3):
            with pytest.raises(ResourceExhaustedError, match="No space left"):
                take_part(bench)
    take_part(bench)

    assert [charge.count for charge in bench.ledger.charges("policy")] == [1]


def test_no_row_of_a_horizon_is_published_twice(open_private, claim, monkeypatch) -> None:
    # Every release is broken off once behind its reservation, and made after the restart with another row.
    noise = CorrelatedNoise(2.0, 12, 12, 1, BandedFactorisation(2))
    bench = open_private(seed=1)
    bench.register(*np.zeros(256), privacy=claim(noise=noise), **BUFFERED)
    rows, places = [], []

    for _ in range(4):
        before = bench.values.astype(np.float64)
        with monkeypatch.context() as patched:
            patched.setattr(StateFolder, "append", crashing(StateFolder.append, after=False, when=is_release))
            with pytest.raises(Crash):
                bench.push_delta("a", *np.zeros(256))
        bench = open_private(seed=1)
        bench.push_delta("b", *np.zeros(256))
        rows.append(bench.values.astype(np.float64) - before)
        places.append((bench.state.horizon, bench.state.release))

    # The first horizon was not known to the journal yet, and is lost with its row.
    assert [release for _, release in places] == [1, 3, 5, 7]
    assert len({horizon for horizon, _ in places}) == 1
    assert bench.ledger.run(f"policy/horizon-{bench.state.horizon}").num_releases == 7
    together = np.abs(np.corrcoef(rows)) - np.eye(4)
    # Of the same row it would be 1; of others below 0.9 in all but 1e-60 of runs.
    assert together.max() < 0.9


@pytest.mark.parametrize("loses_key", [False, True])
def test_half_a_round_that_is_restored_opens_its_horizon_before_it_is_reserved(open_private, claim, loses_key) -> None:
    noise = CorrelatedNoise(2.0, 12, 2, 2, BandedFactorisation(2))
    bench = open_private()
    bench.register(0.0, privacy=claim(noise=noise), consistency=SynchronousRounds(2, quorum=1, deadline_s=5.0))
    bench.join("a", "b")
    bench.push_delta("a", 1.0)
    if loses_key:
        (bench.log.path / "noise.key").unlink()

    bench = open_private()
    bench.join("a", "b")
    bench.now_s = 5.0
    bench.close_due()
    horizon = f"policy/horizon-{bench.state.horizon}"

    assert bench.version.number == 2
    assert (bench.state.release, bench.ledger.run(horizon).num_releases) == (1, 1)
    assert bench.ledger.participation(horizon, "a").last_release == 1
    with pytest.raises(FailedPreconditionError, match="from release 3"):
        bench.push_delta("a", 1.0)
