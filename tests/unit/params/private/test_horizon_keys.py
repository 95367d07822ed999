"""A horizon's noise across restarts: no row twice with other data, and one matrix to its end."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from heronry.params.core.private import guard as guard_module
from heronry.privacy.factorisation import BufferedToeplitz, noise_deviation, strategy_from_document, strategy_of
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.privacy import BandedFactorisation, BufferedFactorisation, CorrelatedNoise, TreeFactorisation

BUFFERED = {"consistency": BufferedAsynchronous(1)}
FACTORISATIONS = [BandedFactorisation(3), BufferedFactorisation(2), TreeFactorisation()]


def open_horizon(open_private, claim, factorisation):
    bench = open_private()
    noise = CorrelatedNoise(2.0, 12, 1, 1, factorisation)
    bench.register(*np.zeros(256), privacy=claim(noise=noise), **BUFFERED)
    for client_id in "ab":
        bench.push_delta(client_id, *np.zeros(256))
    return bench


@pytest.mark.parametrize("factorisation", FACTORISATIONS)
def test_a_copy_of_the_folder_draws_other_rows(open_private, claim, tmp_path, factorisation) -> None:
    bench = open_horizon(open_private, claim, factorisation)
    bench.models.close()
    shutil.copytree(bench.log.path, tmp_path / "copy")
    published = []

    for name in ("params", "copy"):
        bench = open_private(name)
        horizon, release = bench.state.horizon, bench.state.release
        before = bench.values.astype(np.float64)
        bench.push_delta("c", *np.zeros(256))
        published.append(bench.values.astype(np.float64) - before)
        assert (bench.state.horizon, bench.state.release, release) == (horizon, 3, 2)

    # The row has what earlier rows left in common; were it one row, the difference would be 0.
    assert np.std(published[0] - published[1]) > 0.5


@pytest.mark.parametrize("checkpoint", [True, False])
def test_rows_go_on_from_the_keys_that_they_were_drawn_from(open_private, claim, checkpoint) -> None:
    bench = open_horizon(open_private, claim, BandedFactorisation(3))

    for client_id in "cde":
        bench = open_private(checkpoint=checkpoint)
        bench.push_delta(client_id, *np.zeros(256))

    keys = bench.model.privacy.guard._source._keys
    assert [first_row for first_row, _ in keys] == [0, 2, 3, 4]
    assert len({key.secret for _, key in keys}) == 4
    bench = open_private()
    assert bench.model.privacy.guard._source._keys[:4] == keys


def test_a_restart_without_a_release_adds_no_key(open_private, claim) -> None:
    open_horizon(open_private, claim, BandedFactorisation(3))

    for _ in range(3):
        bench = open_private()

    assert [first_row for first_row, _ in bench.state.sealed_keys] == [0, 2]


def test_a_horizon_goes_on_with_the_matrix_that_it_was_begun_with(open_private, claim, monkeypatch) -> None:
    bench = open_horizon(open_private, claim, BufferedFactorisation(2))
    begun = bench.model.privacy.guard._source._strategy
    other = replace(begun, rates=tuple(rate * 0.999 for rate in begun.rates))
    assert isinstance(begun, BufferedToeplitz)

    with monkeypatch.context() as patched:
        patched.setattr(guard_module, "strategy_of", lambda _: other)
        bench = open_private()
        bench.push_delta("c", *np.zeros(256))

    noise = bench.model.settings.privacy.noise
    assert strategy_from_document(bench.state.strategy) == begun == strategy_of(noise)
    source = bench.model.privacy.guard._source
    assert source._strategy == begun
    assert source._sensitivity == noise_deviation(noise, begun) / noise.noise_multiplier
