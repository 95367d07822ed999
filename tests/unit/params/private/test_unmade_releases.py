"""Releases that are checked only, given up, or cannot be made."""

import numpy as np
import pytest

from heronry.params.core.durability.records import RELEASED, ROLLED_BACK
from heronry.params.core.private import releasing
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.errors import InvalidContributionError, ResourceExhaustedError, UnavailableError
from heronry.types.privacy import BandedFactorisation, CorrelatedNoise

HORIZON = {"noise": CorrelatedNoise(2.0, 12, 4, 1, BandedFactorisation(3))}


@pytest.mark.parametrize("changes", [{}, HORIZON], ids=["independent", "horizon"])
def test_what_is_validated_only_draws_no_noise_and_costs_nothing(private_bench, claim, changes) -> None:
    bench = private_bench(seed=4)
    bench.register(0.0, privacy=claim(**changes), consistency=BufferedAsynchronous(2))
    head = bench.ledger.head

    assert not bench.push_delta("a", 1.0, validate_only=True).counted

    assert bench.ledger.head == head
    assert bench.status.epsilon_spent == 0.0
    assert bench.state.horizon == 0
    assert not bench.model.round.accumulator._is_noised


def test_a_round_that_was_validated_first_has_its_noise(private_bench, claim) -> None:
    benches = [private_bench(seed=4), private_bench(seed=4)]
    for bench in benches:
        bench.register(*np.zeros(64), privacy=claim(), consistency=BufferedAsynchronous(1))
    benches[0].push_delta("a", *np.zeros(64), validate_only=True)

    for bench in benches:
        bench.push_delta("a", *np.zeros(64))

    assert benches[0].values.tobytes() == benches[1].values.tobytes()
    assert np.count_nonzero(benches[0].values) == 64


def refuse(bench, *kinds: str) -> None:
    append = bench.log.append

    def no_room(record, level):
        if record.kind in kinds:
            raise ResourceExhaustedError("no room")
        return append(record, level)

    bench.log.append = no_room


@pytest.mark.parametrize("changes", [{}, HORIZON], ids=["independent", "horizon"])
def test_a_reserved_release_stays_so_when_its_rollback_is_not_written(private_bench, claim, changes) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(**changes), consistency=BufferedAsynchronous(1))
    append = bench.log.append
    refuse(bench, RELEASED, ROLLED_BACK)
    bench.push_delta("a", 1.0)

    with pytest.raises(ResourceExhaustedError, match="no room"):
        bench.models.rollback("policy", 1, None, "back", 100.0)

    with pytest.raises(UnavailableError, match="a release is being made"):
        bench.push_delta("b", 1.0)
    bench.log.append = append
    bench.models.rollback("policy", 1, None, "back", 100.0)
    bench.push_delta("b", 1.0)
    assert bench.version.number == 3
    assert bench.num_releases == 2


def test_a_step_that_is_not_finite_names_the_way_out(private_bench, claim, monkeypatch) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(1))
    bench.push_delta("a", 1.0)
    problems: list[Exception] = []

    def diverged(*_: object) -> None:
        raise InvalidContributionError("tensor 'weight'[0]: the update would make it inf, allowed: finite")

    with monkeypatch.context() as patched:
        patched.setattr(releasing, "closing_of", diverged)
        bench.push_delta("b", 1.0)
        bench.now_s = 10.0
        bench.models.close_due(bench.now_s, 100.0, problems)

    assert "would make it inf" in str(problems[0])
    assert "until a Rollback gives it up" in str(problems[0])
    bench.models.rollback("policy", 1, None, "back", 100.0)
    bench.push_delta("c", 1.0)
    assert bench.version.number == 4
