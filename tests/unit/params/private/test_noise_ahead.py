"""Noise that is drawn while contributions come in: the same sums, whoever draws."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from heronry.native import measure
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import Difference
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout
from heronry.params.core.private.private_sum import PrivateSum
from heronry.params.core.private.terms import ReleaseTerms
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.contribution import ContributionHeader, ContributionKind
from heronry.types.privacy import BufferedFactorisation, CorrelatedNoise
from heronry.types.tensors import ModelSchema

# The fewest that a thread is begun for.
NUM_PARAMETERS = 1 << 18
NEWEST = np.zeros(NUM_PARAMETERS, np.float32)
LAYOUT = ParameterLayout(ModelSchema.of({"weight": NEWEST}))


@dataclass
class Release:
    """Noise of `value` steps everywhere; says who drew it, and fails so often."""

    value: int = 3
    is_paid: bool = True
    num_failures: int = 0
    drawn_by: list[threading.Thread] = field(default_factory=list)
    terms: ReleaseTerms = field(default_factory=lambda: ReleaseTerms.of(1.0, 1.0, NUM_PARAMETERS, 4.0, 1.0))

    def add_noise(self, total: np.ndarray) -> None:
        self.drawn_by.append(threading.current_thread())
        if len(self.drawn_by) <= self.num_failures:
            raise MemoryError
        total += self.value

    @property
    def noise_ahead(self) -> Callable[[np.ndarray], None] | None:
        return self.add_noise if self.is_paid else None


def contribution(value: float) -> Contribution:
    values = np.full(NUM_PARAMETERS, value, np.float32)
    return Contribution(Difference(values), 1.0, 1.0, *measure(values))


def released(private_sum: PrivateSum, values: list[float]) -> np.ndarray:
    for value in values:
        private_sum.add(private_sum.prepare(contribution(value), NEWEST))
    return private_sum.mean(NEWEST).values


@pytest.mark.parametrize("num_contributions", [0, 1, 4, 9])
def test_a_release_is_the_same_whoever_draws_its_noise(num_contributions: int) -> None:
    ahead, late = (Release(), Release())
    sums = [PrivateSum(LAYOUT, 16, BufferPool(1 << 24), release) for release in (ahead, late)]
    values = [1e-4 * (1 + i) for i in range(num_contributions)]

    sums[0].begin()
    sums[0].begin()
    outcomes = [released(private_sum, values) for private_sum in sums]

    np.testing.assert_array_equal(outcomes[0], outcomes[1])
    assert [thread is threading.current_thread() for thread in (*ahead.drawn_by, *late.drawn_by)] == [False, True]


def test_noise_that_could_not_be_drawn_ahead_is_drawn_anew_and_once() -> None:
    release = Release(num_failures=1)
    private_sum = PrivateSum(LAYOUT, 16, BufferPool(1 << 24), release)

    private_sum.begin()
    noised = released(private_sum, [0.0, 0.0])

    assert noised[0] == np.float32(3 * release.terms.step / 4)
    assert len(release.drawn_by) == 2


def test_nothing_is_drawn_ahead_that_has_to_be_paid_for_first() -> None:
    release = Release(is_paid=False)
    private_sum = PrivateSum(LAYOUT, 16, BufferPool(1 << 24), release)

    private_sum.begin()

    assert not release.drawn_by


def test_a_round_that_is_dropped_waits_for_its_noise_and_gives_all_buffers_back() -> None:
    release, pool = Release(), BufferPool(1 << 24)
    private_sum = PrivateSum(LAYOUT, 16, pool, release)

    private_sum.begin()
    private_sum.clear()

    assert [thread.is_alive() for thread in release.drawn_by] == [False]
    assert pool.num_idle_bytes == 8 * NUM_PARAMETERS


def test_releases_one_after_the_other_use_the_same_buffers() -> None:
    pool = BufferPool(1 << 24)
    private_sum = PrivateSum(LAYOUT, 16, pool, Release())

    idle = []
    for _ in range(3):
        private_sum.begin()
        released(private_sum, [1e-4] * 5)
        private_sum.clear()
        idle.append(pool.num_idle_bytes)

    # The sum of 8 bytes a parameter, and the mean of 4.
    assert idle == [12 * NUM_PARAMETERS] * 3


def test_the_first_release_of_a_horizon_is_drawn_once_the_horizon_is_on_record(
    private_bench, claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heronry.params.core.private.private_sum._FEWEST_AHEAD", 1)
    bench = private_bench()
    noise = CorrelatedNoise(2.0, 4, 4, 1, BufferedFactorisation(2))
    bench.register(0.0, privacy=claim(noise=noise), consistency=BufferedAsynchronous(1))
    threads_at_first, threads_later = (_threads_of_an_admission(bench, name) for name in ("first", "second"))

    assert (threads_at_first, threads_later) == (0, 1)


def _threads_of_an_admission(bench, client_id: str) -> int:
    """Return how many vectors are being drawn once a contribution was admitted, which then comes."""
    header = ContributionHeader(
        model="policy",
        client_id=client_id,
        request_id=f"of-{client_id}",
        base_version=bench.version,
        kind=ContributionKind.DELTA,
    )
    bench.models.admit(header, 4, client_id, bench.now_s)
    num_drawing = int(bench.model.round.accumulator._drawing is not None)
    bench.push_delta(client_id, 0.0)
    return num_drawing
