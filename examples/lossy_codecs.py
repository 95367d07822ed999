"""What lossy codecs cost in return and save in bytes, on CartPole: `python lossy_codecs.py [--cases ...]`.

Two learners improve one policy by PPO. What a codec loses of a contribution its sender adds to the next one (error
feedback). Delta pulls are packed differences to a version that the reader holds exactly: every eighth pull is a whole
one. Bytes are those that the service counted; evaluations are left out.
"""

import argparse
import time
from dataclasses import dataclass

from arguments import names_of, whole_number
from local_service import params_service, patient
from numpy_ppo import TARGET_RETURN, Learner, Selection, initial_weights, judged_return

from heronry.client import (
    AcknowledgementLevel,
    BufferedAsynchronous,
    ContributionKind,
    ErrorFeedback,
    HeronryError,
    ModelSettings,
    ParameterCodec,
    Parameters,
)
from heronry.client.sync import ParamsClient

NUM_LEARNERS, TOP_K_SHARE, WHOLE_EVERY, ROUND_S = 2, 0.1, 8, 60.0
# Rounding is drawn anew in every run: with twice the rate one run of eight never settled, and a policy that has just
# met the target by 20 episodes may miss it by the 100 that judge.
LEARNING_RATE, MARGIN = 1.5e-3, 10.0


@dataclass(frozen=True)
class Case:
    """Codecs of both directions."""

    push: ParameterCodec
    pull: ParameterCodec
    has_feedback: bool = True
    has_base: bool = False


CASES = {
    "f32": Case(ParameterCodec.F32, ParameterCodec.F32),
    "bf16": Case(ParameterCodec.BF16, ParameterCodec.BF16),
    "f16": Case(ParameterCodec.F16, ParameterCodec.F16),
    "int8": Case(ParameterCodec.INT8, ParameterCodec.INT8),
    "int8-delta": Case(ParameterCodec.INT8, ParameterCodec.INT8, has_base=True),
    "top-k": Case(ParameterCodec.TOP_K, ParameterCodec.BF16),
    "top-k-delta": Case(ParameterCodec.TOP_K, ParameterCodec.INT8, has_base=True),
    "top-k-forgetful": Case(ParameterCodec.TOP_K, ParameterCodec.BF16, has_feedback=False),
}


FORGETFUL = {name for name, case in CASES.items() if not case.has_feedback}


@dataclass(frozen=True)
class Outcome:
    """How a case did: kB a round, rounds it took, mean return over judging episodes, seconds."""

    name: str
    pushed: float
    pulled: float
    rounds: int
    judged: float
    seconds: float

    @property
    def is_met(self) -> bool:
        """Whether the target was reached."""
        return self.judged >= TARGET_RETURN

    @property
    def line(self) -> str:
        """The case's line of the table."""
        met = "reached" if self.is_met else "missed"
        figures = f"{self.pushed:11.2f} {self.pulled:11.2f} {self.rounds:6} {self.judged:13.1f}"
        return f"{self.name:<15} {figures} {met:>7} {self.seconds:7.1f}"


class Peer:
    """One learner with its client, its residual and the version it holds exactly."""

    def __init__(self, address: str, model: str, index: int, case: Case) -> None:
        self._params = ParamsClient(address, patient(f"learner-{index}"))
        self._model, self._case = model, case
        self._learner = Learner(seed=index, learning_rate=LEARNING_RATE)
        self._feedback = ErrorFeedback() if case.has_feedback and case.push is not ParameterCodec.F32 else None
        self._num_pulls = 0
        self._base: Parameters | None = None

    def take_turn(self) -> None:
        """Pull, learn, push."""
        current = self._pulled()
        better = self._learner.improve(dict(current))
        self._params.push(
            self._model,
            {name: better[name] - value for name, value in current.items()},
            kind=ContributionKind.DELTA,
            base_version=current.version,
            codec=self._case.push,
            top_k_share=TOP_K_SHARE,
            feedback=self._feedback,
        )

    def close(self) -> None:
        """Close the client and the environments."""
        self._learner.close()
        self._params.close()

    def _pulled(self) -> Parameters:
        is_whole = self._num_pulls % WHOLE_EVERY == 0
        self._num_pulls += 1
        if not self._case.has_base:
            return self._params.pull(self._model, codec=self._case.pull)
        if is_whole:
            self._base = self._params.pull(self._model)
            return self._base
        return self._params.pull(self._model, codec=self._case.pull, base=self._base)


def measure(address: str, name: str, max_rounds: int) -> Outcome:
    """Train with one case's codecs; return how it did."""
    start, model, case = time.monotonic(), f"policy-{name}", CASES[name]
    settings = ModelSettings(
        consistency=BufferedAsynchronous(num_contributions=NUM_LEARNERS, max_staleness=0),
        acknowledgement=AcknowledgementLevel.MEMORY,
        num_versions_kept=2 * WHOLE_EVERY,
    )
    selection, num_rounds, num_pulled = Selection(margin=MARGIN), 0, 0
    with ParamsClient(address, patient("leader")) as params:
        params.register_model(model, initial_weights(), settings)
        peers = [Peer(address, model, index, case) for index in range(NUM_LEARNERS)]
        newest = params.pull(model)
        while num_rounds < max_rounds and not selection.is_met(dict(newest), num_rounds):
            before = params.get_model(model).num_bytes_sent
            for peer in peers:
                peer.take_turn()
            info = params.get_model(model)
            num_pulled += info.num_bytes_sent - before
            num_rounds += 1
            newest = params.pull(model)
        for peer in peers:
            peer.close()
    pushed, pulled = info.num_bytes_received / num_rounds / 1e3, num_pulled / num_rounds / 1e3
    return Outcome(name, pushed, pulled, num_rounds, judged_return(dict(newest)), time.monotonic() - start)


def main() -> int:
    """Measure the cases one after the other; return 0 when all that forget nothing reached the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="", help="a parameter service; otherwise one is started")
    parser.add_argument("--cases", type=names_of(CASES), default=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--max-rounds", type=whole_number(1, 100_000), default=1000, help="1 to 100000; otherwise 1000")
    arguments = parser.parse_args()
    is_as_expected = True
    with params_service(arguments.address) as address:
        columns = (
            f"{'kB pushed':>11} {'kB pulled':>11} {'rounds':>6} {'judged return':>13} {'target':>7} {'seconds':>7}"
        )
        print(f"{'codecs':<15} {columns}   (kB a round)", flush=True)
        for name in arguments.cases:
            outcome = measure(address, name, arguments.max_rounds)
            print(outcome.line, flush=True)
            # Without its residual a lossy codec owes nothing: it is there to be compared with.
            is_as_expected &= outcome.is_met or name in FORGETFUL
    return 0 if is_as_expected else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except HeronryError as error:
        raise SystemExit(f"error: {error}") from error
