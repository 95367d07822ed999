"""Contributions whose release left are not released again, though the journal lost the release."""

import pytest

from heronry.params.core.durability.records import RELEASED
from heronry.params.core.durability.state_folder import StateFolder
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.privacy import BandedFactorisation, CorrelatedNoise


@pytest.mark.parametrize("correlated", [True, False])
def test_a_contribution_whose_release_left_is_not_released_again(open_private, claim, monkeypatch, correlated) -> None:
    noise = {"noise": CorrelatedNoise(2.0, 12, 1, 1, BandedFactorisation(2))} if correlated else {"epsilon_limit": 2.5}
    bench = open_private()
    bench.register(0.0, privacy=claim(**noise), consistency=BufferedAsynchronous(1))
    bench.push_delta("b", 1.0)
    append = StateFolder.append

    def lost(self, record, level):  # a power failure: the record was in the page cache alone
        return None if record.kind == RELEASED else append(self, record, level)

    with monkeypatch.context() as patched:
        patched.setattr(StateFolder, "append", lost)
        bench.push_delta("a", 1.0)
    assert bench.version.number == 3  # published, and committed in the ledger
    bench = open_private()
    bench.close_due()

    runs = [r for r in bench.ledger.runs() if "claim" not in r]
    assert max(bench.ledger.participation(r, "a").count for r in runs) == 1
