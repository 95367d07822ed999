"""Pictures of an evaluation: the histogram of its returns, a film of an episode."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from heronry.cli.policy_file import PolicyFile
from heronry.environments.codecs import ActionCodec, ObservationCodec
from heronry.environments.making import make_single
from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.seeds import evaluation_generator
from heronry.types.errors import ConfigurationError

MAX_FRAMES = 1_000
FRAMES_PER_SECOND = 25

Frame = npt.NDArray[np.uint8]


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


def film_episode(path: Path, policy: PolicyFile, seed: int) -> None:
    """Write a GIF of one greedy episode, at most MAX_FRAMES long.

    Raises:
      ConfigurationError: the environment cannot be drawn here.
    """
    from PIL import Image  # only films need it

    try:
        frames = [Image.fromarray(frame) for frame in _frames(policy, seed)]
    except Exception as error:
        allowed = f"an environment that renders rgb_array here ({type(error).__name__}: {error})"
        raise ConfigurationError.of("--video", policy.environment, allowed) from error
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=1000 // FRAMES_PER_SECOND, loop=0)


def _frames(policy: PolicyFile, seed: int) -> Iterator[Frame]:
    kwargs = {**policy.environment_kwargs, "render_mode": "rgb_array"}
    environment = make_single(EnvironmentSettings(policy.environment, kwargs))
    try:
        observations, actions = ObservationCodec(environment.observation_space), ActionCodec(environment.action_space)
        spaces = (observations.space, actions.space)
        actor = BehaviourPolicy.of_spaces(policy.algorithm, policy.hidden, policy.activation, spaces, greedy=True)
        actor.load(policy.tensors)
        rng = evaluation_generator(seed)
        action = np.empty((1, *actions.space.shape), np.float32 if actions.space.is_continuous else np.int64)
        observation, _ = environment.reset(seed=seed)
        for _ in range(MAX_FRAMES):
            yield _rendered(environment.render())
            actor.begin(1, 1, rng)
            actor.act(0, observations.encode(np.stack([observation])), action)
            observation, _, terminated, truncated, _ = environment.step(actions.encode(action)[0])
            if terminated or truncated:
                return
    finally:
        environment.close()


def _rendered(frame: Any) -> Frame:  # noqa: ANN401 - what an environment draws is its own affair
    picture = np.asarray(frame)
    if picture.dtype != np.uint8 or picture.ndim != 3:
        raise TypeError(f"render() gave {type(frame).__name__}, not an RGB picture")
    return picture
