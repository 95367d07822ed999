"""Pictures of an evaluation: the histogram of its returns, a film of an episode."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from heronry.cli.picture_files import film_format
from heronry.cli.policy_file import PolicyFile
from heronry.environments.making import make_one
from heronry.environments.vector import VectorEnvironment
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.films import encode_film
from heronry.fleet.core.recording import film_episode
from heronry.maths.networks import Layers
from heronry.types.errors import ConfigurationError, HeronryError

MAX_FRAMES = 1_000
FRAMES_PER_SECOND = 25


def draw_histogram(path: Path, environment: str, returns: Sequence[float]) -> None:
    """Write a PNG of the returns."""
    import matplotlib as mpl  # half a second that only this picture needs

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # after the choice of backend

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.hist(returns, bins=30)
    axes.axvline(float(np.mean(returns)), color="black", linestyle="--", label=f"mean {np.mean(returns):.1f}")
    axes.set(title=f"{environment}, {len(returns)} episodes", xlabel="return", ylabel="episodes")
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def film_policy(path: Path, policy: PolicyFile, seed: int) -> None:
    """Write a film of one greedy episode, at most MAX_FRAMES long.

    Raises:
      ConfigurationError: its name tells no format, or the environment cannot be drawn here.
    """
    picture_format = film_format("--video", path)
    try:
        environment = make_one(policy.environment, with_pictures=True)
        try:
            filmed = film_episode(environment, _actor(policy, environment), seed, MAX_FRAMES)
        finally:
            environment.close()
    except (HeronryError, ImportError) as error:
        allowed = f"an environment that can be drawn here ({error})"
        raise ConfigurationError.of("--video", policy.environment.id, allowed) from error
    path.write_bytes(encode_film(filmed.frames, FRAMES_PER_SECOND, picture_format))


def _actor(policy: PolicyFile, environment: VectorEnvironment) -> BehaviourPolicy:
    spaces = environment.observation_space, environment.action_space
    actor = BehaviourPolicy.of_spaces(policy.algorithm, Layers.of_dict(policy.network), spaces, greedy=True)
    actor.load(policy.tensors)
    return actor
