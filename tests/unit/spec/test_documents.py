"""Bundled specs, YAML files, algorithms to choose from, and `--set`."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.spec import DqnSettings, PpoSettings, bundled_names, parse_overrides, resolve
from heronry.spec.overrides import apply_overrides, merge
from heronry.types.errors import ConfigurationError

PPO_ALONE = {"minatar_breakout", "pendulum"}


@pytest.mark.parametrize("name", bundled_names())
def test_every_bundled_spec_resolves_for_each_of_its_algorithms(name: str) -> None:
    for algorithm in (None, "ppo", *([] if name in PPO_ALONE else ["dqn"])):
        spec = resolve(name, algorithm)

        assert spec.algorithm.name == (algorithm or "ppo")
        assert spec.target_return is not None


def test_an_unknown_name_lists_the_bundled_ones() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve("cartpol")

    for name in (*bundled_names(), "nearest: 'cartpole'", "YAML file"):
        assert name in str(caught.value)


def test_the_chosen_algorithms_settings_lie_over_the_common_ones(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "environment: {id: CartPole-v1}\nmax_env_steps: 10\nalgorithms:\n"
        "  dqn: {algorithm: {batch_size: 32}}\n  ppo: {max_env_steps: 20}\n",
    )

    first, chosen = resolve(path), resolve(path, "ppo")

    assert (first.algorithm, first.max_env_steps) == (DqnSettings(batch_size=32), 10)
    assert (chosen.algorithm, chosen.max_env_steps) == (PpoSettings(), 20)


def test_another_algorithm_drops_the_settings_of_the_files_own(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("environment: {id: CartPole-v1}\nalgorithm: {name: ppo, epochs: 3}\n")

    assert resolve(path).algorithm == PpoSettings(epochs=3)
    assert resolve(path, "dqn").algorithm == DqnSettings()


def test_an_algorithm_without_settings_in_the_document_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"algorithm\.name: got 'dqn', allowed: ppo"):
        resolve("pendulum", "dqn")


def test_overrides_win_over_everything_but_the_seed() -> None:
    spec = resolve("cartpole", overrides=["algorithm.learning_rate=1e-4", "network.hidden=[8]", "seed=1"], seed=7)

    assert spec.algorithm == resolve("cartpole").algorithm.model_copy(update={"learning_rate": 1e-4})
    assert spec.network.hidden == (8,)
    assert spec.seed == 7


def test_null_unsets_the_target() -> None:
    assert resolve("cartpole", overrides={"target_return": "null"}).target_return is None


@pytest.mark.parametrize("assignment", ["fleet", "=3", "a..b=1", ".a=1"])
def test_an_assignment_without_key_and_value_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--set.*section\.key=value"):
        parse_overrides([assignment])


def test_a_misspelt_override_names_the_nearest_key() -> None:
    with pytest.raises(ConfigurationError, match=r"nearest: 'fleet\.num_envs'"):
        resolve("cartpole", overrides=["fleet.num_env=3"])


@pytest.mark.parametrize("text", ["environment: [", "- a\n- b\n", "seed: 1\nseed: 2\n"])
def test_a_file_that_is_no_mapping_of_settings_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError):
        resolve(path)


def test_a_file_that_does_not_exist_is_told_as_such() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml.*existing file"):
        resolve("nowhere.yaml")


keys = st.sampled_from(["a", "b", "c"])
trees = st.recursive(st.integers(), lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8)


@given(below=st.dictionaries(keys, trees, max_size=3), above=st.dictionaries(keys, trees, max_size=3))
def test_merging_keeps_what_is_above_and_changes_neither(below: dict[str, object], above: dict[str, object]) -> None:
    before = repr((below, above))

    merged = merge(below, above)

    assert merge(merged, above) == merged
    assert set(merged) == set(below) | set(above)
    assert repr((below, above)) == before


def test_an_override_goes_to_its_place_only() -> None:
    values = {"fleet": {"num_envs": 8, "unroll_length": 32}, "seed": 0}

    changed = apply_overrides(values, {"fleet.num_envs": 16})

    assert changed == {"fleet": {"num_envs": 16, "unroll_length": 32}, "seed": 0}
    assert values["fleet"] == {"num_envs": 8, "unroll_length": 32}
