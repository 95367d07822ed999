"""Pictures of an evaluation."""

import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from PIL import Image

from heronry.cli.evaluation import EvaluateRequest, run_evaluation
from heronry.cli.pictures import draw_histogram, film_policy
from heronry.cli.policy_file import PolicyFile
from heronry.environments.settings import EnvironmentSettings
from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import ConfigurationError


class Flicker(gymnasium.Env):
    """Five steps, then over; its picture gets brighter with each."""

    observation_space = gymnasium.spaces.Box(-1, 1, (3,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self._step = 0

    def reset(self, *, seed=None, options=None):
        self._step = 0
        return np.zeros(3, np.float32), {}

    def step(self, action):
        self._step += 1
        return np.zeros(3, np.float32), 1.0, self._step == 5, False, {}

    def render(self):
        return np.full((8, 8, 3), 40 * self._step, np.uint8)


class Blind(Flicker):
    """Draws nothing."""

    def render(self):
        return None


def policy_for(environment: str) -> PolicyFile:
    network = network_for("ppo", Layers((4,)), ObservationSpace((3,)), ActionSpace("discrete", num_actions=2))
    tensors = network.init(np.random.default_rng(0))
    settings = EnvironmentSettings(environment, isolation="none")
    return PolicyFile(Path("p"), settings, "ppo", {"hidden": [4], "activation": "tanh"}, "1.1", tensors)


@pytest.fixture
def environments(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(sys.modules, "pictured", sys.modules[__name__])
    return "pictured"


def test_a_film_has_a_frame_for_every_step(environments: str, tmp_path: Path) -> None:
    film_policy(tmp_path / "film.gif", policy_for(f"{environments}:Flicker"), seed=0)

    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 5


def test_a_film_named_png_is_an_animated_png(environments: str, tmp_path: Path) -> None:
    film_policy(tmp_path / "film.png", policy_for(f"{environments}:Flicker"), seed=0)

    with Image.open(tmp_path / "film.png") as film:
        assert (film.format, film.n_frames) == ("PNG", 5)


@pytest.mark.parametrize(
    ("option", "name", "allowed"),
    [
        ("video", "film.mp4", "a name that ends with .gif or .png"),
        ("video", "none/film.gif", "a file in a folder that is there"),
        ("histogram", "returns.foo", "a name that ends with .png"),
    ],
)
def test_pictures_of_other_names_are_refused_before_anything_is_played(option: str, name: str, allowed: str) -> None:
    pictures = {"histogram": None, "video": None, option: Path(name)}

    with pytest.raises(ConfigurationError, match=f"--{option}: got '{name}', allowed: {allowed}"):
        run_evaluation(EvaluateRequest(Path("no policy"), 1, 0, is_greedy=True, is_json=False, **pictures))


def test_an_environment_that_draws_nothing_is_named(environments: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--video: got 'pictured:Blind'"):
        film_policy(tmp_path / "film.gif", policy_for(f"{environments}:Blind"), seed=0)


def test_the_histogram_is_a_png(tmp_path: Path) -> None:
    draw_histogram(tmp_path / "returns.png", "CartPole-v1", [1.0, 2.0, 2.0])

    assert (tmp_path / "returns.png").read_bytes().startswith(b"\x89PNG")
