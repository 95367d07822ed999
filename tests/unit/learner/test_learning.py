"""Counting around an algorithm, plans and the meeting with params."""

import itertools

import numpy as np
import pytest

from heronry.algorithms import AlgorithmState, UpdateResult
from heronry.learner.core.checkpoint import Checkpoint
from heronry.learner.core.counters import Counters
from heronry.learner.core.device import choose_device
from heronry.learner.core.learning import Learning
from heronry.learner.plan import RunPlan
from heronry.learner.preparation import Beginning
from heronry.types.consistency import round_size
from heronry.types.errors import ConfigurationError
from heronry.types.experience import Batch
from heronry.types.version import ParameterVersion

SPEC = {"environment": {"id": "CartPole-v1"}, "algorithm": {"name": "ppo"}, "seed": 4}
NONE = np.empty(0)
BATCH = Batch({}, NONE, NONE, NONE, NONE, NONE, NONE, 0)


class Doubling:
    """Each update doubles its one weight."""

    batch_size = 3

    def __init__(self) -> None:
        self.weight = 1.0

    def update(self, batch):
        self.weight *= 2
        return UpdateResult({"loss": self.weight}, num_gradient_steps=5, num_steps=7)

    def weights(self):
        return {"w": np.array([self.weight], np.float32)}

    def adopt(self, tensors):
        self.weight = float(tensors["w"][0])

    def state(self):
        return AlgorithmState({"weights/w": self.weights()["w"]}, {})

    def load_state(self, state):
        self.adopt(state.under("weights"))


@pytest.fixture
def learning():
    ticks = itertools.count()
    return Learning(Doubling(), Counters(), "f", lambda: float(next(ticks)))


def test_an_update_counts_and_hands_on_the_weights(learning) -> None:
    update = learning.update(BATCH, waited_s=0.25)
    learning.update(BATCH, waited_s=0.25)

    assert update.tensors["w"].tolist() == [2.0]
    assert learning.counters == Counters(2, 10, 14, 2.0, 0.5, {"loss": 4.0})
    assert learning.counters.figures()["updates"] == 2.0
    # Figures of one name are averaged over services, and `samples` are the replay service's items.
    assert learning.counters.figures()["learnt_steps"] == 14.0
    assert "samples" not in learning.counters.figures()


def test_a_snapshot_restores_weights_and_counts(learning) -> None:
    learning.update(BATCH, 0.0)
    snapshot = learning.snapshot(ParameterVersion(1, 2))
    learning.update(BATCH, 0.0)

    learning.restore(snapshot)

    assert learning.weights()["w"].tolist() == [2.0]
    assert learning.counters.num_updates == 1


def test_adopted_weights_count_the_updates_behind_them(learning) -> None:
    learning.adopt({"w": np.array([9.0], np.float32)}, num_missed=4)

    assert learning.weights()["w"].tolist() == [9.0]
    assert learning.counters.num_updates == 4


@pytest.mark.parametrize(
    ("known", "newest", "num_missed"),
    [
        (None, (1, 1), 0),
        (None, (1, 8), 7),
        ((1, 5), (1, 8), 3),
        ((1, 5), (1, 5), 0),
        ((1, 5), (2, 8), 0),
        ((2, 5), (2, 3), 0),
    ],
)
def test_params_is_ahead_only_within_an_epoch(known, newest, num_missed) -> None:
    state = AlgorithmState({}, {})
    checkpoint = None if known is None else Checkpoint(state, Counters(), ParameterVersion(*known), "f")
    beginning = Beginning(None, "f", checkpoint, {})

    assert beginning.num_missed(ParameterVersion(*newest)) == num_missed


def test_the_first_weights_follow_the_seed() -> None:
    plan, other = RunPlan.from_spec(SPEC), RunPlan.from_spec({**SPEC, "seed": 5})
    network = plan.network()

    first, again = plan.first_weights(network), plan.first_weights(network)

    np.testing.assert_array_equal(first["policy/0/weight"], again["policy/0/weight"])
    assert (first["policy/0/weight"] != other.first_weights(network)["policy/0/weight"]).any()
    assert plan.algorithm_seed != other.algorithm_seed


def test_checkpoints_fit_runs_of_the_same_algorithm_network_and_environment() -> None:
    plan = RunPlan.from_spec(SPEC)
    longer = RunPlan.from_spec({**SPEC, "max_env_steps": 17, "seed": 9})
    wider = RunPlan.from_spec({**SPEC, "network": {"hidden": [8]}})

    assert plan.fingerprint(plan.network()) == longer.fingerprint(longer.network())
    assert plan.fingerprint(plan.network()) != wider.fingerprint(wider.network())


def test_a_run_without_a_learner_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="external"):
        RunPlan.from_spec({**SPEC, "algorithm": {"name": "external"}})


def test_pushes_replace_the_policy_as_they_are() -> None:
    settings = RunPlan.from_spec(SPEC).model_settings()

    assert (round_size(settings.consistency), settings.optimizer.learning_rate) == (1, 1.0)


def test_small_networks_learn_on_the_cpu_unless_told_otherwise() -> None:
    assert choose_device("auto", num_parameters=9_000) == "cpu"
    assert choose_device("cpu", num_parameters=10**9) == "cpu"


def test_a_cuda_device_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"learner.device: got 'cuda:99'"):
        choose_device("cuda:99", num_parameters=9_000)
