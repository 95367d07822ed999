"""Values that a private model refuses: counted as zeros, once, so that nobody else takes their client's place."""

import numpy as np
import pytest

from heronry.params.core.decoding import decode_packed
from heronry.types.consistency import Asynchronous, BufferedAsynchronous, SampledRounds, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    BudgetExhaustedError,
    FailedPreconditionError,
    InvalidArgumentError,
    InvalidContributionError,
    ResourceExhaustedError,
    StaleContributionError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.optimizers import SgdOptimizer, YogiOptimizer
from heronry.types.privacy import (
    BandedFactorisation,
    CorrelatedNoise,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacyUnit,
    QuantileClipping,
)

NAN = float("nan")
BUFFERED = {"consistency": BufferedAsynchronous(2), "optimizer": SgdOptimizer(learning_rate=1.0)}
BANDED = {"noise": CorrelatedNoise(2.0, 12, 2, 1, BandedFactorisation(3))}
AMPLIFIED = {
    "noise": IndependentNoise(2.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=True),
    "relation": NeighbourRelation.ADD_OR_REMOVE_ONE,
}


def refused(bench, client_id: str, *values: float, **fields: object) -> Exception:
    """Push values as the service does: what cannot be decoded is handed to the models with its reason."""
    fields = {"kind": ContributionKind.DELTA, "client_id": client_id, **fields}
    header, flat = bench.header(**fields), np.array(values, np.float32).view(np.uint8)
    try:
        decode_packed(bench.model.layout, header.codec, flat, bench.pool)
    except InvalidContributionError as error:
        arguments = header, error, flat.nbytes, client_id, bench.now_s, 100.0
    with pytest.raises(InvalidContributionError) as caught:
        bench._noted(bench.models.refuse(*arguments))
    return caught.value


@pytest.mark.parametrize("value", [NAN, float("inf"), -float("inf")])
@pytest.mark.parametrize("changes", [{}, BANDED], ids=["independent", "correlated"])
def test_values_that_are_not_finite_are_zeros_of_their_client(private_bench, claim, value, changes) -> None:
    told, zeros = private_bench(seed=3), private_bench(seed=3)
    for bench in (told, zeros):
        bench.register(0.0, 0.0, privacy=claim(**changes), **BUFFERED)
        bench.push_delta("a", 0.5, -0.25)

    error = refused(told, "b", 0.0, value)
    zeros.push_delta("b", 0.0, 0.0)

    assert error.details["field"] == "weight[1]"
    # The release left, with the same noise: nobody else's contribution was in it.
    assert told.version == zeros.version
    assert told.values.tobytes() == zeros.values.tobytes()
    assert told.version.number == 2
    assert told.status.epsilon_spent == zeros.status.epsilon_spent > 0
    spent = {c.client_id: c.num_participations for c in told.model.privacy.guard.clients()}
    assert spent == {c.client_id: c.num_participations for c in zeros.model.privacy.guard.clients()}


def test_a_client_whose_values_were_refused_has_had_its_turn(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    refused(bench, "a", NAN, request_id="first")

    # The same request is told the same, and counts no more.
    refused(bench, "a", NAN, request_id="first")
    again = bench.push_delta("a", 1.0, request_id="first")
    with pytest.raises(FailedPreconditionError, match="one contribution a client and release: round 1"):
        bench.push_delta("a", 1.0, request_id="second")

    assert not again.counted
    assert bench.model.round.num_contributions == 1
    assert bench.model.round.contributors == {"a"}


def test_refused_values_are_paid_for_until_the_budget_is_spent(private_bench, claim) -> None:
    # One Gaussian of 2 at delta 1e-5 costs 2.0, two cost 2.9.
    bench = private_bench()
    bench.register(0.0, privacy=claim(epsilon_limit=2.5), consistency=BufferedAsynchronous(1))
    refused(bench, "a", NAN)

    with pytest.raises(BudgetExhaustedError):
        bench.models.refuse(bench.header(client_id="a"), InvalidContributionError("nan"), 4, "a", 0.0, 100.0)

    assert (bench.version.number, bench.status.epsilon_spent) == (2, pytest.approx(1.9931, abs=1e-3))


def test_what_is_validated_only_counts_nothing(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)

    refused(bench, "a", NAN, validate_only=True)

    assert bench.model.round.num_contributions == 0
    bench.push_delta("a", 1.0)


def test_a_header_that_is_refused_counts_nothing(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)

    header, error = bench.header(weight=2.0, client_id="a"), InvalidContributionError("nan")
    with pytest.raises(InvalidArgumentError, match="weight: got 2"):
        bench.models.refuse(header, error, 4, "a", 0.0, 100.0)

    assert bench.model.round.num_contributions == 0


def test_zeros_that_cannot_be_written_are_not_counted(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.log.error = ResourceExhaustedError("no room")

    with pytest.raises(ResourceExhaustedError, match="no room"):
        bench.models.refuse(bench.header(client_id="a"), InvalidContributionError("nan"), 4, "a", 0.0, 100.0)

    assert bench.model.round.num_contributions == 0


def test_finite_values_that_no_optimiser_can_take_are_zeros_too(private_bench, claim) -> None:
    # Yogi sums squares in float32; two such make one that is not finite.
    bench = private_bench()
    bench.register(0.0, 0.0, privacy=claim(), consistency=BufferedAsynchronous(2), optimizer=YogiOptimizer(0.1))

    with pytest.raises(InvalidContributionError, match="the optimiser sums their squares"):
        bench.push_delta("a", 3e38, 0.0)

    assert bench.model.round.contributors == {"a"}
    assert (bench.info().num_accepted, bench.model.round.num_contributions) == (1, 1)


def test_values_of_a_norm_beyond_float64_are_zeros_too(private_bench, claim, monkeypatch) -> None:
    # No float32 model reaches it: 2^31 values of 3e38 have a norm of 1e43.
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    factor = "heronry.params.core.private.private_sum.NormBound.factor_of"

    def beyond(_, contribution, newest):
        if contribution.squared_norm:
            raise InvalidContributionError.of("contribution", float("inf"), "a finite L2 norm")
        return 1.0

    monkeypatch.setattr(factor, beyond)
    with pytest.raises(InvalidContributionError, match="finite L2 norm"):
        bench.push_delta("a", 1.0)

    assert bench.model.round.contributors == {"a"}


@pytest.mark.parametrize("mode", [Asynchronous(), SynchronousRounds(50), SampledRounds(50, sampling_rate=1.0)])
def test_they_are_zeros_in_every_kind_of_round(private_bench, claim, mode) -> None:
    bench = private_bench()
    changes = AMPLIFIED if isinstance(mode, SampledRounds) else {}
    bench.register(0.0, privacy=claim(**changes), consistency=mode)
    bench.join(*(f"c{n:02}" for n in range(50)))
    bench.close_due()

    refused(bench, "c07", NAN)

    assert bench.model.figures.num_accepted == 1


def test_an_episode_whose_values_are_refused_is_one(private_bench, claim) -> None:
    bench = private_bench()
    level = AcknowledgementLevel.DISK
    bench.register(0.0, privacy=claim(unit=PrivacyUnit.EPISODE), acknowledgement=level, **BUFFERED)

    refused(bench, "a", NAN)
    refused(bench, "a", NAN)

    assert bench.version.number == 2


@pytest.mark.parametrize("checkpoint", [True, False])
def test_zeros_are_replayed(open_private, private_bench, claim, checkpoint) -> None:
    steady, crashing = private_bench(seed=3), open_private(seed=3)
    for bench in (steady, crashing):
        bench.register(0.0, 0.0, privacy=claim(), **BUFFERED)
        refused(bench, "a", 0.0, NAN, request_id="first")

    crashing = open_private(seed=3, checkpoint=checkpoint)
    refused(crashing, "a", 0.0, NAN, request_id="first")
    with pytest.raises(FailedPreconditionError, match="one contribution a client and release"):
        crashing.push_delta("a", 0.0, 0.0, request_id="second")
    for bench in (steady, crashing):
        bench.push_delta("b", 0.5, 0.5)

    assert crashing.problems == []
    assert crashing.version.number == 2
    assert crashing.values.tobytes() == steady.values.tobytes()


def test_zeros_have_no_vote_on_the_bound(private_bench, claim) -> None:
    # Between a contribution and zeros in its place lies half a vote, which is what the noise is for.
    def votes(*values: float) -> int:
        bench = private_bench()
        clip = QuantileClipping(1.0, 0.5, 0.2, 5.0)
        bench.register(0.0, privacy=claim(clip=clip), **BUFFERED)
        if values == (NAN,):
            refused(bench, "a", NAN)
        else:
            bench.push_delta("a", *values)
        return bench.model.round.accumulator.num_unclipped_less_clipped

    assert [votes(v) for v in (NAN, 0.0, 0.5, 5.0)] == [0, 0, 1, -1]


def test_a_model_without_a_claim_counts_nothing_of_what_it_refuses(bench) -> None:
    bench.register(0.0, consistency=BufferedAsynchronous(2))

    refused(bench, "worker", NAN)

    assert bench.model.round.num_contributions == 0


def test_refused_values_of_an_outdated_base_are_outdated(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(1, max_staleness=0))
    header = bench.header(client_id="b")
    bench.push_delta("a", 1.0)

    with pytest.raises(StaleContributionError):
        bench.models.refuse(header, InvalidContributionError("nan"), 4, "b", 0.0, 100.0)
