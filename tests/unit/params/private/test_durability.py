"""Private models across crashes, restores and lost files: noise goes on, and no budget begins anew."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from heronry.types.consistency import BufferedAsynchronous
from heronry.types.errors import (
    BudgetExhaustedError,
    DataLossError,
    FailedPreconditionError,
    LedgerRolledBackError,
    LedgerTamperedError,
    ResourceExhaustedError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.privacy import (
    BandedFactorisation,
    BufferedFactorisation,
    CorrelatedNoise,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    QuantileClipping,
    TreeFactorisation,
)

ONE, TWO = 1.9931, 2.9432
BUFFERED = {"consistency": BufferedAsynchronous(1)}
ZERO_OUT = {"relation": NeighbourRelation.ZERO_OUT_ONE}
NOISES = {
    "independent": {},
    "discrete": {"noise": IndependentNoise(2.0, NoiseSampler.DISCRETE_GAUSSIAN, is_amplified=False)},
    "banded": {"noise": CorrelatedNoise(2.0, 12, 1, 1, BandedFactorisation(3))},
    "buffered": {"noise": CorrelatedNoise(2.0, 12, 1, 1, BufferedFactorisation(2))},
    "tree": {"noise": CorrelatedNoise(2.0, 12, 1, 1, TreeFactorisation()), **ZERO_OUT},
    "quantile": {"clip": QuantileClipping(5.0, 0.5, 0.2, 3.0)},
}
BANDED = NOISES["banded"]


def released(bench, first: int, last: int) -> np.ndarray:
    """Push one contribution a release, each of another client; return the values published."""
    published = []
    for index in range(first, last):
        bench.push_delta(f"c{index}", 0.25, -0.5, 3.0)
        published.append(bench.values.copy())
    return np.array(published)


@pytest.mark.parametrize("changes", NOISES.values(), ids=NOISES)
@pytest.mark.parametrize("checkpoint", [True, False])
def test_a_restarted_model_goes_on_with_the_same_noise(open_private, private_bench, claim, changes, checkpoint) -> None:
    steady, crashing = private_bench(seed=3), open_private(seed=3)
    for bench in (steady, crashing):
        bench.register(0.0, 0.0, 0.0, privacy=claim(**changes), **BUFFERED)
    whole = released(steady, 0, 9)

    parts = [released(crashing, 0, 4)]
    for first, last in [(4, 5), (5, 9)]:
        crashing = open_private(seed=3, checkpoint=checkpoint)
        assert crashing.problems == []
        parts.append(released(crashing, first, last))

    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert crashing.status.epsilon_spent == steady.status.epsilon_spent
    assert crashing.status.num_releases == steady.num_releases == 9


def test_half_a_round_survives_a_restart_with_the_noise_it_was_to_get(open_private, private_bench, claim) -> None:
    steady, crashing = private_bench(seed=3), open_private(seed=3)
    for bench in (steady, crashing):
        bench.register(0.0, 0.0, privacy=claim(**BANDED), consistency=BufferedAsynchronous(2))
        for client_id in "abc":
            bench.push_delta(client_id, 0.5, 0.5)

    crashing = open_private(seed=3)
    for bench in (steady, crashing):
        bench.push_delta("d", 0.5, 0.5)

    assert crashing.version.number == 3
    assert crashing.values.tobytes() == steady.values.tobytes()


def test_rows_that_have_left_are_of_the_same_key_after_a_restart(open_private, claim) -> None:
    # Without the test mode: the key lies sealed in the journal, and the first row of a horizon is drawn from it again.
    bench = open_private()
    bench.register(*np.zeros(64), privacy=claim(**BANDED), **BUFFERED)
    bench.push_delta("a", *np.zeros(64))
    ((_, key),) = bench.model.privacy.guard._source._keys
    horizon = bench.state.horizon

    bench = open_private()

    assert bench.model.privacy.guard._source._keys[0] == (0, key)
    assert (bench.state.horizon, bench.state.release) == (horizon, 1)
    assert key.secret not in b"".join(path.read_bytes() for path in bench.log.path.rglob("*") if path.is_file())
    assert (bench.log.path / "noise.key").stat().st_mode & 0o077 == 0


def test_the_pattern_holds_across_a_restart(open_private, claim) -> None:
    noise = CorrelatedNoise(2.0, 12, 2, 3, BandedFactorisation(3))
    bench = open_private()
    bench.register(0.0, privacy=claim(noise=noise), **BUFFERED)
    bench.push_delta("a", 1.0)

    bench = open_private()
    with pytest.raises(FailedPreconditionError, match="from release 4 of the horizon"):
        bench.push_delta("a", 1.0)
    for client_id in "bca":
        bench.push_delta(client_id, 1.0)

    with pytest.raises(ResourceExhaustedError, match="at most 2 contributions"):
        bench.push_delta("a", 1.0)


@pytest.mark.parametrize("loss", ["gone", "another", "cut"])
def test_a_horizon_whose_key_is_lost_is_spent_and_the_next_is_paid_for(open_private, claim, loss) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(**BANDED), **BUFFERED)
    bench.push_delta("a", 1.0)
    path = bench.log.path / "noise.key"
    content = path.read_bytes()
    path.unlink()
    if loss == "another":
        path.write_bytes(content[::-1])
    elif loss == "cut":
        path.write_bytes(content[:5])

    bench = open_private()
    before = bench.status.epsilon_spent
    bench.push_delta("b", 1.0)

    assert before == pytest.approx(ONE, abs=1e-3)
    assert bench.status.epsilon_spent == pytest.approx(TWO, abs=1e-3)
    assert (bench.state.release, bench.version.number) == (1, 3)


def test_a_lost_key_with_no_budget_left_ends_the_model(open_private, claim) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(**BANDED, epsilon_limit=2.5), **BUFFERED)
    bench.push_delta("a", 1.0)
    (bench.log.path / "noise.key").unlink()

    bench = open_private()

    with pytest.raises(BudgetExhaustedError):
        bench.push_delta("b", 1.0)


def test_the_bound_that_follows_a_quantile_survives(open_private, claim) -> None:
    bench = open_private()
    bench.register(0.0, 0.0, 0.0, privacy=claim(**NOISES["quantile"]), **BUFFERED)
    released(bench, 0, 5)
    norm = bench.state.clipping_norm

    bench = open_private()

    assert norm != 5.0
    assert bench.state.clipping_norm == bench.status.clipping_norm == norm


@pytest.mark.parametrize("changes", [{}, BANDED], ids=["independent", "banded"])
def test_deleting_and_registering_a_model_anew_does_not_reset_its_budget(open_private, claim, changes) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(**changes), **BUFFERED)
    bench.push_delta("a", 1.0)
    bench.models.delete("policy")

    for _ in range(2):
        bench.register(0.0, privacy=claim(**changes), **BUFFERED)
        assert bench.status.epsilon_spent == pytest.approx(ONE, abs=1e-3)
        bench.models.delete("policy")
        bench = open_private()

    bench.register(0.0, privacy=claim(**changes, epsilon_limit=2.5), **BUFFERED)
    with pytest.raises(BudgetExhaustedError):
        bench.push_delta("a", 1.0)


def test_a_claim_with_other_figures_pays_for_the_dearest(open_private, claim) -> None:
    bench = open_private()
    cheap = IndependentNoise(20.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False)
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.push_delta("a", 1.0)
    bench.models.delete("policy")

    bench.register(0.0, privacy=claim(noise=cheap), **BUFFERED)

    assert bench.status.epsilon_spent == pytest.approx(ONE, abs=1e-3)


def test_a_rollback_drops_a_release_and_its_noise_is_never_used(open_private, private_bench, claim) -> None:
    rolled, steady = open_private(seed=3), private_bench(seed=3)
    for bench in (rolled, steady):
        bench.register(0.0, 0.0, privacy=claim(**BANDED), consistency=BufferedAsynchronous(2))
        for client_id in "abc":
            bench.push_delta(client_id, 0.0, 0.0)
    base = rolled.values.copy()

    rolled.models.rollback("policy", 2, None, "back", 100.0)
    steady.push_delta("d", 0.0, 0.0)

    assert rolled.state.release == steady.state.release == 2
    assert rolled.num_releases >= 1
    # Both release row 3 next: it is the same noise, and row 2 was not used.
    expected = steady.values.astype(np.float64)
    for bench in (rolled, steady):
        for client_id in "ef":
            bench.push_delta(client_id, 0.0, 0.0)
    np.testing.assert_allclose(rolled.values - base, steady.values - expected, atol=1e-5)
    # Nobody of the round that was dropped has contributed.
    assert set(rolled.ledger.participations(f"policy/horizon-{rolled.state.horizon}")) == {"a", "b", "e", "f"}


def test_a_rollback_survives_a_restart(open_private, claim) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(**BANDED), consistency=BufferedAsynchronous(2))
    for client_id in "abc":
        bench.push_delta(client_id, 0.0)
    bench.models.rollback("policy", 2, None, "back", 100.0)

    bench = open_private()

    assert (bench.version.number, bench.state.release, bench.problems) == (3, 2, [])


def test_a_rollback_that_cannot_be_written_leaves_the_round_as_it_was(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(**BANDED), consistency=BufferedAsynchronous(2))
    for client_id in "abc":
        bench.push_delta(client_id, 0.0)
    before = bench.state

    bench.log.error = ResourceExhaustedError("no room")
    with pytest.raises(ResourceExhaustedError, match="no room"):
        bench.models.rollback("policy", 1, None, "back", 100.0)

    # The row that the round's noise was drawn from is still the open one.
    assert bench.state == before
    assert bench.model.round.num_contributions == 1


@pytest.mark.parametrize("changes", NOISES.values(), ids=NOISES)
def test_noise_that_is_drawn_ahead_is_the_noise_of_its_release(private_bench, claim, monkeypatch, changes) -> None:
    published = []
    for fewest in (1, 1 << 40):
        monkeypatch.setattr("heronry.params.core.private.private_sum._FEWEST_AHEAD", fewest)
        bench = private_bench(seed=3)
        bench.register(0.0, 0.0, 0.0, privacy=claim(**changes), **BUFFERED)
        before = released(bench, 0, 3)
        bench.models.rollback("policy", 2, None, "back", 100.0)
        published.append(np.concatenate([before, released(bench, 3, 6)]))

    assert published[0].tobytes() == published[1].tobytes()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("privacy.sqlite*"))


def test_a_restored_older_ledger_is_refused_against_what_the_models_know(open_private, claim, tmp_path) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.push_delta("a", 1.0)
    bench.models.close()
    for path in _files(bench.log.path):
        shutil.copy(path, tmp_path)
    bench = open_private()
    bench.push_delta("b", 1.0)
    bench.models.close()
    for path in _files(bench.log.path):
        path.unlink()
    for path in _files(tmp_path):
        shutil.copy(path, bench.log.path)

    with pytest.raises(LedgerRolledBackError):
        open_private()


def test_a_ledger_that_is_gone_is_refused(open_private, claim) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.push_delta("a", 1.0)
    bench.models.close()
    for path in _files(bench.log.path):
        path.unlink()

    with pytest.raises(LedgerRolledBackError):
        open_private()


def test_a_changed_byte_in_the_ledger_is_refused(open_private, claim) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.push_delta("a", 1.0)
    bench.models.close()
    path = bench.log.path / "privacy.sqlite"
    path.write_bytes(path.read_bytes().replace(b'"noise_multiplier":2.0', b'"noise_multiplier":9.0'))

    with pytest.raises(LedgerTamperedError):
        open_private()


@pytest.mark.parametrize("changes", [{}, BANDED], ids=["independent", "banded"])
def test_a_restored_older_checkpoint_goes_on_under_the_newer_ledger(open_private, claim, tmp_path, changes) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(**changes), **BUFFERED)
    bench.push_delta("a", 1.0)
    bench = open_private()
    older = tmp_path / "older"
    bench.models.close()
    shutil.copytree(bench.log.path, older)
    bench = open_private()
    for client_id in "bc":
        bench.push_delta(client_id, 1.0)
    spent = bench.status.epsilon_spent
    bench.models.close()
    for path in _files(older):
        path.unlink()
    for path in _files(bench.log.path):
        shutil.copy(path, older)

    bench = open_private("older")

    assert bench.version.number == 2
    assert (bench.status.epsilon_spent, bench.num_releases) == (spent, 3)
    # The rows that the ledger knows of are of a key that the older state lacks: that horizon is spent.
    assert bench.state.horizon == 0
    bench.push_delta("d", 1.0)


@pytest.mark.parametrize("changes", [{}, BANDED], ids=["independent", "banded"])
def test_what_is_kept_in_memory_alone_is_charged_for_all_the_same(open_private, claim, changes) -> None:
    bench = open_private()
    level = AcknowledgementLevel.MEMORY
    bench.register(0.0, privacy=claim(**changes), acknowledgement=level, **BUFFERED)
    bench.log.write(bench.models.begin_checkpoint())
    bench.push_delta("a", 1.0)
    bench.log.write(bench.models.begin_checkpoint())
    for client_id in "bc":
        bench.push_delta(client_id, 1.0)
    spent, release = bench.status.epsilon_spent, bench.state.release

    bench = open_private()

    assert bench.version.number == 2
    assert (bench.status.epsilon_spent, bench.num_releases) == (spent, 3)
    assert bench.state.release == release


def test_a_model_whose_release_does_not_lead_where_it_did_is_told(open_private, claim, monkeypatch) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.push_delta("a", 1.0)
    path = max(bench.log.path.glob("journal-*.log"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    bench.models.close()
    path.write_bytes(bytes(content))

    bench = open_private()

    # The release is not there any more; its charge is.
    assert any(isinstance(problem, DataLossError) for problem in bench.problems)
    assert (bench.version.number, bench.num_releases) == (1, 1)
