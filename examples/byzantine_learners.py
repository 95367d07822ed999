"""Four learners share one CartPole policy, and one of them lies: `python byzantine_learners.py [--rules ...]`.

Each round a learner plays twice with the newest version and hands in, each time, what PPO made of it as a
difference to that version. The liar hands in the newest weights times -12, then times 4: in the mean of a round that
takes away all that was learnt. A round is eight contributions, two of them hostile (f = 2), and its rule makes the next
version of them. Krum asks for 2 f + 3 = 7 contributions: with
one contribution from each of four learners (f = 1, 5 needed) it could not be used at all.

Once three evaluations in a row meet the target, the last version is tagged and judged on episodes of its own.
"""

import argparse
import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Event

from arguments import names_of, whole_number
from local_service import params_service, patient
from numpy_ppo import TARGET_RETURN, Learner, Selection, Weights, initial_weights, judged_return

from heronry.client import (
    AcknowledgementLevel,
    Aggregation,
    BufferedAsynchronous,
    ContributionKind,
    GeometricMedian,
    HeronryError,
    Krum,
    Mean,
    Median,
    ModelSettings,
    Parameters,
    TrimmedMean,
)
from heronry.client.sync import ParamsClient

NUM_LEARNERS, TURNS, ROUND_S = 4, 2, 60.0
# On both sides of what the others say; over eight contributions they take the newest weights away.
LIES = (-12.0, 4.0)
RULES = {
    "mean": Mean(),
    "median": Median(),
    "trimmed": TrimmedMean(TURNS),
    "krum": Krum(num_byzantine=TURNS, num_selected=4),
    "geometric": GeometricMedian(),
}


@dataclass(frozen=True)
class Outcome:
    """How a rule did: rounds it took, mean return over judging episodes, seconds."""

    rule: str
    rounds: int
    judged: float
    seconds: float


def learn(address: str, model: str, index: int, is_liar: bool, is_over: Event) -> None:
    """Take part in rounds until it is over; one process."""
    learner = Learner(seed=index)
    with ParamsClient(address, patient(f"learner-{index}")) as params:
        current: Parameters | None = params.pull(model, wait_s=ROUND_S)
        while current is not None and not is_over.is_set():
            for turn in range(TURNS):
                difference = told(learner, current, LIES[turn] if is_liar else None)
                params.push(model, difference, kind=ContributionKind.DELTA, base_version=current.version)
            current = params.pull(model, newer_than=current.version, wait_s=ROUND_S)
    learner.close()


def told(learner: Learner, current: Parameters, lie: float | None) -> Weights:
    """Return what a learner hands in: what it learnt, or a lie."""
    if lie is not None:
        return {name: lie * value for name, value in current.items()}
    better = learner.improve(dict(current))
    return {name: better[name] - value for name, value in current.items()}


def lead(params: ParamsClient, model: str, max_rounds: int) -> int:
    """Follow the versions until they meet the target or the rounds are spent; tag the last, return its round."""
    selection, newest = Selection(), params.pull(model)
    while True:
        # A reader that is slower than the learners skips versions.
        num_rounds = newest.version.number - 1
        if num_rounds >= max_rounds or selection.is_met(dict(newest), num_rounds):
            params.tag_version(model, "judged", newest.version.number)
            return num_rounds
        newer = params.pull(model, newer_than=newest.version, wait_s=ROUND_S)
        if newer is None:
            raise SystemExit(f"error: no round of {model} closed for {ROUND_S:g} s")
        newest = newer


def race(address: str, rule: str, max_rounds: int) -> Outcome:
    """Train one model with one rule; the fourth learner lies."""
    start, model = time.monotonic(), f"policy-{rule}"
    settings = ModelSettings(
        # With no staleness allowed every learner has its two turns in every round.
        consistency=BufferedAsynchronous(num_contributions=NUM_LEARNERS * TURNS, max_staleness=0),
        aggregation=Aggregation(RULES[rule]),
        acknowledgement=AcknowledgementLevel.MEMORY,
        num_versions_kept=64,
    )
    context = multiprocessing.get_context("spawn")
    is_over = context.Event()
    with ParamsClient(address, patient("leader")) as params:
        params.register_model(model, initial_weights(), settings)
        learners = [
            context.Process(target=learn, args=(address, model, index, index == NUM_LEARNERS - 1, is_over))
            for index in range(NUM_LEARNERS)
        ]
        for process in learners:
            process.start()
        try:
            rounds = lead(params, model, max_rounds)
        finally:
            is_over.set()
            for process in learners:
                # One that waits for a round which the others have left would wait for long.
                process.terminate()
                process.join()
        judged: Weights = dict(params.pull(model, tag="judged"))
    return Outcome(rule, rounds, judged_return(judged), time.monotonic() - start)


def main() -> int:
    """Race the rules; return 0 when the robust ones reached the target and the mean did not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="", help="a parameter service; otherwise one is started")
    parser.add_argument("--rules", type=names_of(RULES), default=list(RULES), help=f"of {', '.join(RULES)}")
    parser.add_argument("--max-rounds", type=whole_number(1, 100_000), default=500, help="1 to 100000; otherwise 500")
    arguments = parser.parse_args()
    is_as_expected = True
    with params_service(arguments.address) as address:
        print(f"{'rule':<10} {'rounds':>6} {'judged return':>13} {'target':>7} {'seconds':>7}", flush=True)
        for rule in arguments.rules:
            outcome = race(address, rule, arguments.max_rounds)
            is_met = outcome.judged >= TARGET_RETURN
            is_as_expected &= is_met == (rule != "mean")
            met = "reached" if is_met else "missed"
            print(f"{rule:<10} {outcome.rounds:6} {outcome.judged:13.1f} {met:>7} {outcome.seconds:7.1f}", flush=True)
    return 0 if is_as_expected else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except HeronryError as error:
        raise SystemExit(f"error: {error}") from error
