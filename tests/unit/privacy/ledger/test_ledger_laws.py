"""Laws: whatever is reserved, committed, reopened or lost in a crash, spending never falls and equals a model's."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.privacy.ledger import Ledger, Participation, Reservation, verify

CLIENTS = ("ada", "bob", "cid", "Ωdile\x00", "1:x")
RUNS = ("walk", "run")
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None

reserve = st.tuples(
    st.just("reserve"),
    st.sampled_from(RUNS),
    st.sampled_from([None, 0.5, 1.0]),
    st.lists(st.sampled_from(CLIENTS), unique=True),
    st.booleans(),
)
steps = st.lists(st.one_of(reserve, st.tuples(st.sampled_from(["commit", "reopen", "crash"]))), max_size=20)


class Model:
    """The ledger in plain Python."""

    def __init__(self):
        self.charges = {run: Counter() for run in RUNS}
        self.clients = {run: {} for run in RUNS}
        self.releases = dict.fromkeys(RUNS, 0)
        self.is_void = dict.fromkeys(RUNS, False)
        self.open = {}

    def reserve(self, sequence, run, z, clients, is_void):
        self.releases[run] += 1
        self.is_void[run] |= is_void
        self.open[sequence] = run
        self.charges[run].update([] if z is None else [z])
        for client in clients:
            count = self.clients[run].get(client, Participation()).count
            self.clients[run][client] = Participation(count + 1, self.releases[run])


def abandoned(ledger: Ledger, path: Path) -> Ledger:
    """Open again over what a killed process leaves: no close, only the kernel letting go of the lock."""
    ledger._owner_lock.close()
    return Ledger.open(path, owner="after the crash", expected=ledger.head)


def assert_equal_to(model: Model, ledger: Ledger) -> None:
    for run in RUNS:
        assert {c.event["z"]: c.count for c in ledger.charges(run)} == model.charges[run]
        assert ledger.participations(run) == model.clients[run]
        figures = ledger.run(run)
        assert (figures.num_releases, figures.is_void) == (model.releases[run], model.is_void[run])
    assert {u.sequence: u.run for u in ledger.uncommitted()} == model.open


@settings(max_examples=60)
@given(steps)
def test_any_history_equals_the_model_and_spending_never_falls(history) -> None:
    model, spent, owners = Model(), 0, 1
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        path = Path(folder) / "ledger"
        ledger = Ledger.open(path, owner="first")
        for step, *values in history:
            if step == "reserve":
                run, z, clients, is_void = values
                event = None if z is None else {"z": z}
                row = Reservation(len(history), event, 1.0, 1.0, 4.0, len(clients), "m", clients, is_void)
                model.reserve(ledger.reserve(run, row, 0.0), *values)
            elif step == "commit" and model.open:
                sequence = min(model.open)
                ledger.commit(sequence, 0.0)
                del model.open[sequence]
            elif step == "reopen":
                ledger.close()
                ledger, owners = Ledger.open(path, owner="next", expected=ledger.head), owners + 1
            elif step == "crash":
                ledger, owners = abandoned(ledger, path), owners + 1
            now = sum(charge.count for run in RUNS for charge in ledger.charges(run))
            assert now >= spent
            spent = now
        assert_equal_to(model, ledger)
        report = verify(path, ledger.head)
        ledger.close()

    assert report.is_sound
    assert report.num_owners == owners
    assert sum(run.num_releases for run in report.runs.values()) == sum(model.releases.values())
