"""Federated averaging of four processes that each see other digits: `python federated_averaging.py [--address ...]`.

Every worker holds images of two or three of the ten digits, drawn here, and nobody shares any. In each round a worker
takes the newest version, trains on its own images and hands in its weights with the number of its images; the service
waits for its cohort of four, or for three at the deadline, and publishes the mean by sample counts (McMahan et al.
2017, Algorithm 1). The table shows the accuracy of every version on images of all digits, beside what each worker
reaches alone with as much training.
"""

import argparse
import multiprocessing
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from arguments import whole_number
from local_service import params_service, patient

from heronry.client import (
    Aggregation,
    ContributionKind,
    FailedPreconditionError,
    FederatedMean,
    HeronryError,
    ModelSettings,
    SynchronousRounds,
)
from heronry.client.sync import ParamsClient

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]

MODEL, DEADLINE_S, MAX_ROUNDS = "digits", 10.0, 1000
SIDE, NUM_DIGITS, HIDDEN, NOISE = 8, 10, 32, 0.6
# Which digits each worker sees, and how many images of each.
SHARES = (((0, 1, 2), 150), ((3, 4), 150), ((5, 6, 7), 300), ((8, 9), 200))
LOCAL_EPOCHS, BATCH, LEARNING_RATE = 2, 32, 0.1


@dataclass(frozen=True)
class Images:
    """Images `[N, SIDE * SIDE]` and the digits they show `[N]`."""

    pixels: Array
    digits: npt.NDArray[np.int64]

    @classmethod
    def drawn(cls, digits: tuple[int, ...], num_each: int, seed: int) -> "Images":
        """Draw noisy images of digits, each moved by up to a pixel in both directions."""
        rng = np.random.default_rng(seed)
        shapes = np.random.default_rng(0).standard_normal((NUM_DIGITS, SIDE, SIDE))
        labels = np.repeat(np.array(digits), num_each)
        moved = [np.roll(shapes[label], rng.integers(-1, 2, 2), (0, 1)) for label in labels]
        pixels = np.stack(moved) + NOISE * rng.standard_normal((len(labels), SIDE, SIDE))
        return cls(pixels.reshape(len(labels), -1).astype(np.float32), labels)


def initial_weights() -> Weights:
    """Return a network of one hidden layer."""
    rng, inputs = np.random.default_rng(1), SIDE * SIDE
    return {
        "hidden/weight": (rng.standard_normal((inputs, HIDDEN)) / np.sqrt(inputs)).astype(np.float32),
        "hidden/bias": np.zeros(HIDDEN, np.float32),
        "head/weight": (rng.standard_normal((HIDDEN, NUM_DIGITS)) / np.sqrt(HIDDEN)).astype(np.float32),
        "head/bias": np.zeros(NUM_DIGITS, np.float32),
    }


def trained(weights: Weights, images: Images, rng: np.random.Generator) -> Weights:
    """Return the weights after some epochs of gradient descent on these images."""
    weights = {name: value.copy() for name, value in weights.items()}
    for _ in range(LOCAL_EPOCHS):
        for rows in np.array_split(rng.permutation(len(images.digits)), len(images.digits) // BATCH):
            pixels = images.pixels[rows]
            hidden, scores = outputs(weights, pixels)
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            slope = odds / odds.sum(axis=1, keepdims=True)
            slope[np.arange(len(rows)), images.digits[rows]] -= 1
            slope *= LEARNING_RATE / len(rows)
            inner = slope @ weights["head/weight"].T * (hidden > 0)
            weights["head/weight"] -= hidden.T @ slope
            weights["head/bias"] -= slope.sum(axis=0)
            weights["hidden/weight"] -= pixels.T @ inner
            weights["hidden/bias"] -= inner.sum(axis=0)
    return weights


def outputs(weights: Weights, pixels: Array) -> tuple[Array, Array]:
    """Return the hidden layer and the scores of the digits."""
    hidden = np.maximum(pixels @ weights["hidden/weight"] + weights["hidden/bias"], 0)
    return hidden, hidden @ weights["head/weight"] + weights["head/bias"]


def accuracy(weights: Weights, images: Images) -> float:
    """Return the share of images that are told right."""
    return float((outputs(weights, images.pixels)[1].argmax(axis=1) == images.digits).mean())


def work(address: str, index: int, num_rounds: int) -> None:
    """Take part in the rounds this worker is drawn for; one process."""
    images = Images.drawn(*SHARES[index], seed=100 + index)
    rng = np.random.default_rng(index)
    with ParamsClient(address, patient(f"worker-{index}")) as params, params.worker(MODEL) as worker:
        for invitation in worker.rounds():
            base = invitation.base_version
            if base.number > num_rounds:
                return
            better = trained(dict(params.pull(MODEL, number=base.number)), images, rng)
            try:
                worker.push(
                    better,
                    kind=ContributionKind.WEIGHTS,
                    base_version=base,
                    sample_count=len(images.digits),
                    round_id=invitation.round_id,
                )
            except FailedPreconditionError:
                # The round was closed, or the service restarted: the next invitation is for what is there now.
                continue


def federate(address: str, num_rounds: int, judged_on: Images) -> float:
    """Have the workers train one model; print a line a round and return the last accuracy."""
    settings = ModelSettings(
        consistency=SynchronousRounds(cohort_size=len(SHARES), quorum=len(SHARES) - 1, deadline_s=DEADLINE_S),
        aggregation=Aggregation(FederatedMean(max_samples=1000)),
        num_versions_kept=num_rounds + 1,
    )
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(address, i, num_rounds)) for i in range(len(SHARES))]
    reached, start = 0.0, time.monotonic()
    with ParamsClient(address, patient("judge")) as params:
        params.register_model(MODEL, initial_weights(), settings)
        for process in workers:
            process.start()
        try:
            print(f"{'round':>5} {'accuracy':>9} {'seconds':>8}")
            for number in range(1, num_rounds + 2):
                reached = accuracy(dict(params.pull(MODEL, number=number, wait_s=3 * DEADLINE_S)), judged_on)
                print(f"{number - 1:5} {reached:9.1%} {time.monotonic() - start:8.1f}", flush=True)
        except BaseException:
            for process in workers:
                process.terminate()
            raise
        finally:
            for process in workers:
                process.join()
        info = params.get_model(MODEL)
        print(f"{info.num_accepted} contributions, {info.num_bytes_received / 1e6:.1f} MB received")
    return reached


def alone(index: int, num_rounds: int, judged_on: Images) -> float:
    """Return the accuracy that a worker reaches with its own images and as much training."""
    images, rng, weights = (
        Images.drawn(*SHARES[index], seed=100 + index),
        np.random.default_rng(index),
        initial_weights(),
    )
    for _ in range(num_rounds):
        weights = trained(weights, images, rng)
    return accuracy(weights, judged_on)


def main() -> int:
    """Federate, compare; return 0 when together they know more than the best does alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="", help="a parameter service; otherwise one is started")
    parser.add_argument(
        "--rounds", type=whole_number(1, MAX_ROUNDS), default=30, help=f"1 to {MAX_ROUNDS}; otherwise 30"
    )
    arguments = parser.parse_args()
    judged_on = Images.drawn(tuple(range(NUM_DIGITS)), num_each=100, seed=99)
    with params_service(arguments.address) as address:
        together = federate(address, arguments.rounds, judged_on)
    apart = [alone(index, arguments.rounds, judged_on) for index in range(len(SHARES))]
    for (digits, num_each), reached in zip(SHARES, apart, strict=True):
        print(f"alone, {num_each} images each of {digits}: {reached:.1%}")
    is_met = together > max(apart)
    print(f"together, to know more than the best, {'reached' if is_met else 'missed'}: {together:.1%}")
    return 0 if is_met else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except HeronryError as error:
        raise SystemExit(f"error: {error}") from error
