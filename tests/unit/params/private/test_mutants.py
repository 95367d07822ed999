"""Nine defects that a well-known framework had (`docs/privacy.md`): each is patched in, and its check must fail.

A check is a plain function of benches; it passes on the code as it is, and must fail under its defect.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

import heronry.privacy.accounting as accounting
from heronry.params.core import admission, decoding
from heronry.params.core.aggregation.norm_bound import NormBound
from heronry.params.core.durability.records import RELEASED
from heronry.params.core.private import noise_sources
from heronry.params.core.private.charging import CommonBudget
from heronry.params.core.private.guard import Guard
from heronry.params.core.private.private_sum import PrivateSum
from heronry.params.core.private.terms import ReleaseTerms
from heronry.privacy.accounting import Accountant
from heronry.privacy.ledger import Ledger
from heronry.types.aggregation import Aggregation, FederatedMean
from heronry.types.consistency import BufferedAsynchronous, SampledRounds, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import InvalidContributionError
from heronry.types.privacy import IndependentNoise, NoiseSampler, QuantileClipping

ROUNDED = NoiseSampler.ROUNDED_GAUSSIAN


@dataclass(frozen=True)
class Hands:
    """What a check may use: makers of benches and of settings."""

    bench: Callable[..., object]
    open: Callable[..., object]
    claim: Callable[..., object]


@pytest.fixture
def hands(private_bench, open_private, claim) -> Hands:
    return Hands(private_bench, open_private, claim)


def check_the_bound_follows_the_quantile(hands: Hands, start: float = 100.0) -> None:
    """From far off the bound comes within 10 % of the median of the norms in 60 releases."""
    # Norms 5 to 15, median 10. With a count noise of 2 over 40 the bound strays by 1.6 %: 10 % are 6 deviations.
    bench = hands.bench(seed=1)
    clip = QuantileClipping(start, 0.5, 0.2, 2.0)
    privacy = hands.claim(clip=clip, noise=IndependentNoise(1.0, ROUNDED, is_amplified=False))
    bench.register(0.0, privacy=privacy, consistency=BufferedAsynchronous(40))
    prepared = [norm * sign for norm, sign in zip(np.linspace(5, 15, 40), [1.0, -1.0] * 20, strict=True)]

    for _ in range(60):
        for index, value in enumerate(prepared):
            bench.push_delta(f"c{index}", value)

    assert bench.state.clipping_norm == pytest.approx(10.0, rel=0.1)


def check_noise_is_at_the_bound_of_its_own_release(hands: Hands) -> None:
    """The spread of each release's noise is that of the bound it was clipped with, though the bound moves."""
    zeros = np.zeros(20_000)
    bench = hands.bench(seed=1)
    clip = QuantileClipping(8.0, 0.5, 0.2, 5.0)
    privacy = hands.claim(clip=clip, noise=IndependentNoise(1.0, ROUNDED, is_amplified=False))
    bench.register(*zeros, privacy=privacy, consistency=BufferedAsynchronous(1))

    for client_id in "abc":
        norm, before = bench.state.clipping_norm, bench.values.astype(np.float64)
        bench.push_delta(client_id, *zeros)
        # z_delta for z 1 and sigma_b 5. 4 % are 8 deviations of the spread; a step of the bound is 10 %.
        assert np.std(bench.values - before) == pytest.approx(1.00504 * norm, rel=0.04)
        assert bench.ledger.head.sequence > 0


def check_reported_counts_do_not_raise_a_clients_share(hands: Hands) -> None:
    """A client that reports a million samples moves a release by no more than the bound over the denominator."""
    quiet, loud = (hands.bench(seed=1) for _ in range(2))
    for bench, samples in ((quiet, 1), (loud, 10**6)):
        federated = Aggregation(FederatedMean(32))
        bench.register(0.0, privacy=hands.claim(), aggregation=federated, consistency=BufferedAsynchronous(4))
        bench.push_delta("a", 5.0, sample_count=samples)
        for client_id in "bcd":
            bench.push_delta(client_id, 0.0, sample_count=1)

    moved = abs(float(loud.values[0]) - float(quiet.values[0]))
    assert moved <= 1.0 / 4 * (1 + 1e-5)


def check_values_that_are_not_finite_are_refused(hands: Hands) -> None:
    """NaN, infinities and differences that overflow are refused; the release that follows is finite."""
    largest = float(np.finfo(np.float32).max)
    bench = hands.bench()
    bench.register(-largest, 0.0, privacy=hands.claim(), consistency=BufferedAsynchronous(3))

    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(InvalidContributionError):
            bench.push_delta("a", value, 0.0)
    with pytest.raises(InvalidContributionError):
        bench.push(largest, 0.0, client_id="c", kind=ContributionKind.WEIGHTS)
    for client_id in "ab":
        bench.push_delta(client_id, 1.0, 0.0)

    assert bench.version.number == 2
    assert np.isfinite(bench.values).all()


def check_a_short_round_is_divided_by_the_public_denominator(hands: Hands) -> None:
    """Two of four clients answer: what each adds, and the noise, are over four."""
    zeros = np.zeros(4000)
    bench = hands.bench(seed=1)
    rounds = SynchronousRounds(4, quorum=1, deadline_s=5.0)
    bench.register(*zeros, privacy=hands.claim(), consistency=rounds)
    bench.join(*"abcd")
    for client_id in "ab":
        bench.push_delta(client_id, *zeros)

    bench.now_s = 5.0
    bench.close_due()

    # Noise 2 over 4: 5.6 % are 5 deviations of the spread of 4,000 draws.
    assert np.std(bench.values) == pytest.approx(0.5, rel=0.056)


def check_noise_does_not_follow_from_a_global_seed(hands: Hands) -> None:
    """Two services whose process-wide generators were seeded alike draw other noise."""
    published = []
    state, other_state = np.random.get_state(), random.getstate()  # noqa: NPY002 (what is tested is that it is unused)
    try:
        for _ in range(2):
            np.random.seed(7)  # noqa: NPY002
            random.seed(7)
            bench = hands.bench()
            bench.register(*np.zeros(16), privacy=hands.claim(), consistency=BufferedAsynchronous(1))
            bench.push_delta("a", *np.zeros(16))
            published.append(bench.values.copy())
    finally:
        np.random.set_state(state)  # noqa: NPY002
        random.setstate(other_state)

    assert not np.array_equal(*published)


def check_an_unchanged_model_is_counted(hands: Hands) -> None:
    """Zero updates, and weights equal to the base, are contributions like others."""
    bench = hands.bench()
    bench.register(1.0, 2.0, privacy=hands.claim(), consistency=BufferedAsynchronous(3))

    bench.push_delta("a", 0.0, 0.0)
    bench.push(1.0, 2.0, client_id="b", kind=ContributionKind.WEIGHTS)
    bench.push(0.0, 0.0, client_id="c", kind=ContributionKind.GRADIENT)

    assert bench.version.number == 2


def check_the_work_of_a_release_does_not_grow_with_the_history(hands: Hands) -> None:
    """Events composed for ten releases are as many after forty as at first."""
    composed: list[int] = []
    compose = Accountant.compose

    def counted(self, event, count=1):
        composed.append(1)
        return compose(self, event, count)

    privacy = hands.claim(population=1, noise=IndependentNoise(2.0, ROUNDED, is_amplified=True))
    bench = hands.bench(seed=1)
    rounds = SampledRounds(1, deadline_s=5.0, sampling_rate=1.0, closes_early=True)
    bench.register(0.0, privacy=privacy, consistency=rounds)
    bench.join("a")
    per_ten = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Accountant, "compose", counted)
        for _ in range(4):
            composed.clear()
            for _ in range(10):
                bench.push_delta("a", 0.0)
            per_ten.append(len(composed))

    assert max(per_ten[1:]) <= per_ten[0]


def check_what_was_published_is_still_charged_after_a_crash(hands: Hands) -> None:
    """When the process ends right after the noised values left, the next one knows of them."""
    bench = hands.open()
    bench.register(0.0, privacy=hands.claim(), consistency=BufferedAsynchronous(1))
    bench.push_delta("a", 1.0)
    append = bench.log.append

    def ends(record, level):
        written = append(record, level)
        if record.kind == RELEASED:
            raise KeyboardInterrupt
        return written

    bench.log.append = ends
    with pytest.raises(KeyboardInterrupt):
        bench.push_delta("a", 1.0)
    bench = hands.open()

    assert bench.version.number == 3
    assert bench.ledger.participation("policy", "a").count == 2


def check_the_noise_of_one_release_is_calibrated_exactly(hands: Hands) -> None:
    """The analytic Gaussian, as for local noise: 3.7306 at epsilon 1, and enough at epsilon 10."""
    # dp-accounting 0.6.0's get_sigma_gaussian at delta 1e-5. The classic formula gives 4.84, and 0.484: too little.
    expected = {1.0: 3.7306316, 10.0: 0.4999}

    for epsilon, multiplier in expected.items():
        found = accounting.gaussian_noise_multiplier(epsilon, 1, 1e-5)
        assert found == pytest.approx(multiplier, rel=2e-3)


def clips_backwards(patched: pytest.MonkeyPatch) -> None:
    whole = PrivateSum._is_whole
    patched.setattr(PrivateSum, "_is_whole", lambda self, prepared: not whole(self, prepared))


def noise_at_the_next_bound(patched: pytest.MonkeyPatch) -> None:
    add_noise = Guard.add_noise

    def late(self, state, terms: ReleaseTerms, total) -> None:
        # Nobody was clipped: the next bound is smaller by exp(-0.1).
        following = replace(terms, noise_std=terms.noise_std * math.exp(-0.1))
        add_noise(self, state, following, total)

    patched.setattr(Guard, "add_noise", late)


def weights_as_reported(patched: pytest.MonkeyPatch) -> None:
    prepare = PrivateSum.prepare

    def scaled(self, contribution, newest):
        prepared = prepare(self, replace(contribution, weight=1.0), newest)
        return replace(prepared, scale=prepared.scale * contribution.weight)

    patched.setattr(admission, "weight_of", lambda rule, header, limits: float(header.sample_count))
    patched.setattr(PrivateSum, "prepare", scaled)


def anything_is_finite(patched: pytest.MonkeyPatch) -> None:
    def factor(self, contribution, newest) -> float:
        return min(1.0, self._max_norm / math.sqrt(contribution.squared_norm))

    patched.setattr(decoding, "measure", lambda values: (1.0, float(np.sum(np.square(values.astype(np.float64))))))
    patched.setattr(NormBound, "factor_of", factor)


def mean_over_arrivals(patched: pytest.MonkeyPatch) -> None:
    mean = PrivateSum.mean

    def over_arrivals(self, newest, last=None):
        noised = mean(self, newest, last)
        factor = self._release.terms.denominator / max(1, self.num_contributions)
        return replace(noised, values=(noised.values * factor).astype(noised.values.dtype))

    patched.setattr(PrivateSum, "mean", over_arrivals)


def noise_of_the_process(patched: pytest.MonkeyPatch) -> None:
    def global_noise(key, index: int, sigma_steps: float, total) -> None:
        total += np.rint(sigma_steps * np.random.normal(size=len(total))).astype(np.int64)  # noqa: NPY002 (the defect)

    patched.setattr(noise_sources, "add_rounded_normals", global_noise)


def divides_by_the_norm(patched: pytest.MonkeyPatch) -> None:
    def factor(self, contribution, newest) -> float:
        squares = contribution.difference.measured(newest)[1]
        return min(1.0, self._max_norm / math.sqrt(squares))

    patched.setattr(NormBound, "factor_of", factor)


def replays_the_history(patched: pytest.MonkeyPatch) -> None:
    history: list[object] = []
    charge = CommonBudget.charge

    def replaying(self) -> None:
        history.append(self._event)
        charge(self)
        accountant = Accountant(self._budget.accountant.relation)
        for event in history:
            accountant.compose(event)

    patched.setattr(CommonBudget, "charge", replaying)


def ledger_in_memory(patched: pytest.MonkeyPatch) -> None:
    reserve, kept = Ledger.reserve, []

    def remembered(self, run, reservation, time_s) -> int:
        if run != "policy":
            return reserve(self, run, reservation, time_s)
        kept.append(reservation)
        return self.head.sequence

    patched.setattr(Ledger, "reserve", remembered)


def classic_formula(patched: pytest.MonkeyPatch) -> None:
    def classic(epsilon: float, num_releases: int, delta: float) -> float:
        return math.sqrt(num_releases * 2 * math.log(1.25 / delta)) / epsilon

    patched.setattr(accounting, "gaussian_noise_multiplier", classic)


Check = Callable[[Hands], None]
Defect = Callable[[pytest.MonkeyPatch], None]

DEFECTS: dict[str, tuple[Check, Defect]] = {
    "A: the bound runs backwards": (check_the_bound_follows_the_quantile, clips_backwards),
    "B: noise at the next bound": (check_noise_is_at_the_bound_of_its_own_release, noise_at_the_next_bound),
    "C: weights as clients report them": (check_reported_counts_do_not_raise_a_clients_share, weights_as_reported),
    "D: NaN passes the clip": (check_values_that_are_not_finite_are_refused, anything_is_finite),
    "E: a mean over arrivals": (check_a_short_round_is_divided_by_the_public_denominator, mean_over_arrivals),
    "F: noise of the process's generator": (check_noise_does_not_follow_from_a_global_seed, noise_of_the_process),
    "G: an unchanged model ends the round": (check_an_unchanged_model_is_counted, divides_by_the_norm),
    "H: the history is replayed": (check_the_work_of_a_release_does_not_grow_with_the_history, replays_the_history),
    "I: the ledger is lost with the process": (
        check_what_was_published_is_still_charged_after_a_crash,
        ledger_in_memory,
    ),
    "I: the classic formula": (check_the_noise_of_one_release_is_calibrated_exactly, classic_formula),
}


@pytest.mark.parametrize("check", [check for check, _ in DEFECTS.values()], ids=DEFECTS)
def test_the_code_has_not_got_the_defect(hands: Hands, check: Check) -> None:
    check(hands)


@pytest.mark.parametrize("check, defect", DEFECTS.values(), ids=DEFECTS)
def test_the_check_finds_the_defect(hands: Hands, check: Check, defect: Defect) -> None:
    with pytest.MonkeyPatch.context() as patched:
        defect(patched)
        with pytest.raises((AssertionError, ZeroDivisionError, pytest.fail.Exception)):
            check(hands)


def test_the_bound_comes_up_from_far_below(hands: Hands) -> None:
    check_the_bound_follows_the_quantile(hands, start=0.1)
