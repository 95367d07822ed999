"""What happens between an assignment and the first update."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from heronry.algorithms import AlgorithmContext, load
from heronry.learner.core.checkpoint import Checkpoint
from heronry.learner.core.checkpoint_store import CheckpointStore
from heronry.learner.core.counters import Counters
from heronry.learner.core.device import choose_device, prepare_thread
from heronry.learner.core.learning import Learning
from heronry.learner.plan import RunPlan
from heronry.maths.networks import NetworkSpec
from heronry.runtime.clock import Clock
from heronry.types.tensors import Array
from heronry.types.version import ParameterVersion

_log = structlog.get_logger("heronry.learner")


@dataclass(frozen=True)
class Beginning:
    """Where the run goes on from; made without torch.

    Attributes:
      network: its shape.
      fingerprint: of what a checkpoint must fit.
      checkpoint: this learner's own, None for a run that begins.
      weights: the checkpoint's, or the run's first.
    """

    network: NetworkSpec
    fingerprint: str
    checkpoint: Checkpoint | None
    weights: Mapping[str, Array]

    def num_missed(self, newest: ParameterVersion) -> int:
        """Return how many updates params is ahead: each published one version.

        Versions of another epoch tell nothing, params was restored since: what this learner has is
        at least as new.
        """
        if self.checkpoint is None:
            return max(0, newest.number - 1)
        known = self.checkpoint.version
        if known is None or known.epoch != newest.epoch:
            return 0
        return max(0, newest.number - known.number)


def begin(plan: RunPlan, store: CheckpointStore) -> Beginning:
    """Return where the run goes on from; slow, for a thread.

    Raises:
      HeronryError: the environment cannot be made, or no checkpoint that is there can be used.
    """
    network = plan.network()
    fingerprint = plan.fingerprint(network)
    found = store.newest(fingerprint)
    for reason in found.refused:
        _log.warning("checkpoint_refused", reason=reason)
    if found.checkpoint is None:
        return Beginning(network, fingerprint, None, plan.first_weights(network))
    saved = found.checkpoint.weights()
    network.check(saved)
    # Files sort their tensors by name; a model's schema has them in the network's order.
    return Beginning(network, fingerprint, found.checkpoint, {name: saved[name] for name in network.shapes()})


def make_learning(plan: RunPlan, beginning: Beginning, clock: Clock) -> tuple[Learning, str]:
    """Return the algorithm at work and its device; imports torch, for the thread that will compute.

    Raises:
      ConfigurationError: the device is not there.
    """
    settings = plan.spec.learner
    num_parameters = sum(array.size for array in beginning.weights.values())
    device = choose_device(settings.device, num_parameters)
    prepare_thread(settings.threads)
    context = AlgorithmContext(
        network=beginning.network,
        tensors=beginning.weights,
        device=device,
        seed=plan.algorithm_seed,
        max_env_steps=plan.spec.max_env_steps,
    )
    algorithm = load(plan.spec.algorithm.name)(plan.spec.algorithm, context)
    learning = Learning(algorithm, Counters(), beginning.fingerprint, clock.now)
    if beginning.checkpoint is not None:
        learning.restore(beginning.checkpoint)
    return learning, device


def store_of(data_dir: Path, run_id: str, num_kept: int) -> CheckpointStore:
    """Return the store of a run's learner."""
    return CheckpointStore(data_dir / run_id / "checkpoints" / "learner", num_kept)
