"""An environment that breaks its contract is named: which, begun from which seed, in which episode and step."""

import sys

import numpy as np
import pytest

from heronry.environments.making import make_environment
from heronry.environments.settings import EnvironmentSettings
from heronry.types.errors import EnvironmentFaultError, InvalidArgumentError

FAULTS = {
    "raise": "raised ValueError in step(): the simulator fell over",
    "exit": "called exit(3) in step()",
    "old_api": "raised ValueError in step(): not enough values to unpack",
    "nan_reward": "returned the reward nan",
    "infinite_reward": "returned the reward -inf",
    "text_reward": "raised ValueError in step(): could not convert",
    "nan": "showed nan at position 1 of its observation",
    "shape": "float32 of shape (4,)",
    "type": "str",
    "nothing": "object of shape ()",
}


def play(environment, seeds, num_steps):
    environment.reset(seeds)
    for _ in range(num_steps):
        environment.step(np.zeros(environment.num_envs, np.int64))


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_names_environment_index_seed_episode_and_step(fault, toys):
    # Seed 7 begins with an episode of 2 + 7 % 5 = 4 steps; the second one goes wrong in its second step.
    environment = make_environment(toys("Faulty", fault=fault), 3)

    with pytest.raises(EnvironmentFaultError) as caught:
        play(environment, [5, 7, 6], 6)

    assert FAULTS[fault] in caught.value.message
    details = caught.value.details
    named = {name: details[name] for name in ("environment", "index", "seed", "episode", "step")}
    assert named == {
        "environment": "toy_environments:Faulty", "index": "1", "seed": "7", "episode": "1", "step": "2"
    }  # fmt: skip


def test_until_the_fault_the_steps_are_good(toys):
    environment = make_environment(toys("Faulty", fault="raise"), 3)

    play(environment, [5, 7, 6], 5)

    assert environment.num_envs == 3


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP", "DISABLED"])
def test_a_vector_environments_fault_names_the_step(mode, toys, toy_module, monkeypatch):
    monkeypatch.setattr(toy_module.Counting, "reward", lambda self, action: np.nan if self.is_bad() else 0.0)
    monkeypatch.setattr(
        toy_module.Counting, "is_bad", lambda self: (self._seed, self._episode, self._step) == (7, 1, 2), raising=False
    )
    environment = make_environment(toys("vector", mode=mode), 2)

    with pytest.raises(EnvironmentFaultError) as caught:
        play(environment, [5, 7], 9)

    assert [caught.value.details[n] for n in ("index", "seed", "episode", "step")] == ["1", "7", "1", "2"]


def test_spaces_that_change_are_a_fault(toys):
    environment = make_environment(toys("Shifting"), 1)

    with pytest.raises(EnvironmentFaultError, match="changed its observation_space"):
        play(environment, [0], 3)


def test_a_fault_in_the_reset_that_follows_an_episode_is_named(toys, toy_module, monkeypatch):
    def reset(self, *, seed=None, options=None):
        if seed is None:
            raise OSError("no display")
        self._seed, self._episode, self._step = seed, 0, 0
        return self.observation(), {}

    monkeypatch.setattr(toy_module.Counting, "reset", reset)
    environment = make_environment(toys("Counting"), 2)

    with pytest.raises(EnvironmentFaultError, match=r"index 0, seed 0.*raised OSError in reset\(\): no display"):
        play(environment, [0, 1], 3)


def test_an_interrupt_in_the_main_thread_is_nobodys_fault(toys, toy_module, monkeypatch):
    def interrupt(self, action):
        raise KeyboardInterrupt

    monkeypatch.setattr(toy_module.Counting, "reward", interrupt)
    environment = make_environment(toys("Counting"), 1)

    with pytest.raises(KeyboardInterrupt):
        play(environment, [0], 1)


def test_a_policy_that_does_not_fit_is_not_the_environments_fault(toys):
    environment = make_environment(toys("Counting"), 2)
    environment.reset([1, 2])

    with pytest.raises(InvalidArgumentError, match="action"):
        environment.step(np.array([0, 3]))


def test_after_a_fault_a_reset_begins_anew(toys):
    environment = make_environment(toys("Faulty", fault="raise"), 1)

    with pytest.raises(EnvironmentFaultError):
        play(environment, [7], 9)

    play(environment, [8], 4)
    assert sys.modules["toy_environments"].Faulty is not None


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError("no display"), "raised OSError in its constructor: no display"), (SystemExit(2), "exit")],
)
def test_a_constructor_that_raises_is_the_environments_fault(error, told, toys, toy_module, monkeypatch):
    def fail(self, render_mode=None):
        raise error

    monkeypatch.setattr(toy_module.Counting, "__init__", fail)

    with pytest.raises(EnvironmentFaultError, match=f"'toy_environments:Counting' could not be made: .*{told}"):
        make_environment(toys("Counting"), 1)


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Speechless(), "raised Speechless in step(): (it does not say why)"),
        (ValueError("half a \ud800 pair"), "raised ValueError in step(): half a ? pair"),
        (ValueError("x" * 10_000_000), "raised ValueError in step(): xxx"),
    ],
)
def test_whatever_an_environment_raises_can_be_sent(error, words, toys, toy_module, monkeypatch):
    def fall(self, action):
        raise error

    monkeypatch.setattr(toy_module.Counting, "reward", fall)
    environment = make_environment(toys("Counting"), 1)

    with pytest.raises(EnvironmentFaultError) as caught:
        play(environment, [1], 1)

    assert words in caught.value.message
    assert len(caught.value.message.encode()) < 10_000


@pytest.mark.parametrize("final", [None, {}, [None, None], np.zeros((2, 4), np.float32), np.zeros((1, 3), np.float32)])
def test_final_observations_of_no_use_are_a_fault(final, toys, toy_module, monkeypatch):
    environment = make_environment(toys("vector"), 2)
    environment.reset([0, 0])
    step = environment.engine.engine.step
    broken = lambda actions: (*(outcome := step(actions))[:4], {**outcome[4], "final_obs": final})  # noqa: E731
    monkeypatch.setattr(environment.engine.engine, "step", broken)

    # Episodes of seed 0 begin with one of two steps.
    environment.step(np.zeros(2, np.int64))

    with pytest.raises(EnvironmentFaultError, match="`final_obs` that its space does not hold"):
        environment.step(np.zeros(2, np.int64))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('no licence')", "raised RuntimeError in its import: no licence"),
        ("exit(3)", "called exit(3)"),
    ],
)
@pytest.mark.parametrize("engine", ["auto", "pettingzoo"])
def test_a_module_that_cannot_be_imported_is_named(source, words, engine, tmp_path, monkeypatch):
    (tmp_path / "unlicensed.py").write_text(f"import sys\nexit = sys.exit\n{source}\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(EnvironmentFaultError) as caught:
        make_environment(EnvironmentSettings("unlicensed:Env", engine=engine, isolation="none"), 1)

    assert "'unlicensed:Env' could not be made" in caught.value.message
    assert words in caught.value.message


def test_all_environments_are_closed_where_one_raises(toys, toy_module, monkeypatch):
    closed = []

    def close(self):
        closed.append(self)
        raise RuntimeError("no window")

    monkeypatch.setattr(toy_module.Counting, "close", close)
    environment = make_environment(toys("Counting"), 3)

    with pytest.raises(RuntimeError, match="no window"):
        environment.close()

    assert len(closed) == 3
