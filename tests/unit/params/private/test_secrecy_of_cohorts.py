"""What is published, written or copied of a model with secret cohorts is the same whoever was drawn.

Whoever knows all other clients must not learn from it whether one client took part.
"""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from heronry.params.core.private.guards import LEDGER
from heronry.params.metrics import ModelMetrics
from heronry.privacy.ledger import export
from heronry.privacy.ledger.rows import cohort_bytes, cohort_digest
from heronry.types.consistency import BufferedAsynchronous, SampledRounds
from heronry.types.errors import FailedPreconditionError
from heronry.types.privacy import IndependentNoise, NoiseSampler

NOISE = IndependentNoise(2.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=True)


def sampled(claim, rate: float = 1.0) -> dict[str, object]:
    rounds = SampledRounds(2, deadline_s=5.0, sampling_rate=rate)
    return {"privacy": claim(population=2, noise=NOISE), "consistency": rounds}


def end_round(bench) -> None:
    bench.now_s += 5.0
    bench.close_due()


def lines_of(folder: Path) -> list[dict[str, object]]:
    out = io.StringIO()
    export(folder / LEDGER, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_ledger_and_its_export_hold_no_secret_cohort(open_private, claim, tmp_path: Path) -> None:
    bench = open_private()
    bench.register(0.0, **sampled(claim))
    bench.join("a", "b")
    bench.push_delta("a", 1.0)
    end_round(bench)

    reserved = [line for line in lines_of(tmp_path / "params") if line["row"]["kind"] == "reserve"]

    assert bench.num_releases == 1
    assert [line["participants"] for line in reserved] == [[]] * len(reserved)
    assert {line["row"]["num_participants"] for line in reserved} == {0}
    assert {line["cohort_digest"] for line in reserved} == {bytes(32).hex()}


def test_no_guess_at_a_cohort_can_be_compared_with_the_published_digest(open_private, claim, tmp_path: Path) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(1))
    bench.push_delta("a", 1.0)
    bench.push_delta("b", 1.0)

    reserved = [line for line in lines_of(tmp_path / "params") if line["row"]["kind"] == "reserve"]

    # The cohort of a claim that pays by participation is in the ledger, under 32 bytes that nobody can guess.
    assert reserved[-1]["cohort_digest"] == cohort_digest(cohort_bytes(["b"])).hex()
    salts = [bytes.fromhex(line["row"]["salt"]) for line in reserved]
    assert {len(salt) for salt in salts} == {32}
    assert len(set(salts)) == len(salts) >= 2


def test_a_checkpoint_tells_nothing_of_secret_cohorts(open_private, claim) -> None:
    bench = open_private()
    bench.register(0.0, **sampled(claim))
    bench.join("a", "b")
    bench.push_delta("a", 1.0)
    end_round(bench)
    bench.push_delta("b", 1.0)

    (snapshot,) = bench.models.begin_checkpoint().models

    assert (bench.model.round.num_contributions, len(bench.model.requests.entries())) == (1, 2)
    assert snapshot.requests == ()
    assert (snapshot.round.began, snapshot.round.num_contributions) == (None, 0)


def test_refusals_and_bytes_sent_tell_nothing(private_bench, claim) -> None:
    refused, quiet = private_bench(), private_bench()
    for bench in (refused, quiet):
        bench.register(0.0, **sampled(claim, rate=1e-9))
        bench.join("a", "b")
    with pytest.raises(FailedPreconditionError):
        refused.push_delta("a", 1.0)
    refused.models.count_refused("policy", "a", "FailedPreconditionError")
    refused.models.count_sent("policy", 400)

    told = [(b.info(), b.models.worker_infos("policy", 0.0), b.models.figures()) for b in (refused, quiet)]

    assert told[0][1:] == told[1][1:]
    for info, _, _ in told:
        assert (info.num_refused, info.refusals, info.num_bytes_sent) == (0, {}, 0)


@pytest.mark.parametrize("keeps_cohorts", [True, False])
def test_figures_that_grow_with_contributions_are_withheld_where_cohorts_are_secret(
    open_private, claim, keeps_cohorts: bool
) -> None:
    settings = sampled(claim) if keeps_cohorts else {"consistency": BufferedAsynchronous(2)}
    bench = open_private()
    bench.register(0.0, **settings)
    counted = SimpleNamespace(num_open=0, num_bytes=0, num_idle_bytes=0, num_loans=0)
    transfers = SimpleNamespace(staging=counted, pool=counted, frames=counted, buffers=counted, loans=counted)
    owner = SimpleNamespace(attempt=lambda read, *arguments: read(*arguments))
    state = SimpleNamespace(models=bench.models, owner=owner, journal_bytes=bench.log.journal_bytes)

    names = {
        family.name for family in ModelMetrics(lambda: state, transfers, SimpleNamespace(now=lambda: 0.0)).collect()
    }

    grows = {"journal_bytes", "open_uploads", "staging_bytes", "idle_bytes", "frame_bytes", "shared_bytes", "loans"}
    found = {name.removeprefix("heronry_params_") for name in names}
    assert grows & found == (set() if keeps_cohorts else grows)
    assert "version" in found


def test_the_noise_of_a_count_lies_on_a_grid(open_private, claim) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(1))
    guard = bench.model.privacy.guard

    drawn = [guard.draw_count_noise(0.3) * 2.0**20 for _ in range(200)]

    assert all(steps == round(steps) for steps in drawn)
    # 200 normals: beyond 1.4 or below 0.7 of the deviation in less than 1e-9 of runs.
    deviation = (sum(steps**2 for steps in drawn) / 200) ** 0.5 / 2.0**20
    assert 0.7 * 0.3 < deviation < 1.4 * 0.3
