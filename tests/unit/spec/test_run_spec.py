"""Run specs: what they hold, what they refuse, and the tables they imply."""

import pytest

from heronry.spec import DqnSettings, ExternalSettings, PpoSettings, RunSpec
from heronry.types.errors import ConfigurationError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import Delivery, RateLimiter, SelectorKind


def minimal(**sections: object) -> dict[str, object]:
    return {"environment": {"id": "CartPole-v1"}, **sections}


def test_a_spec_survives_its_own_dictionary() -> None:
    spec = RunSpec.from_dict(minimal(algorithm={"name": "dqn"}, target_return=475, seed=3))

    assert RunSpec.from_dict(spec.to_dict()) == spec


def test_integral_floats_as_a_struct_makes_them_are_taken_for_integers() -> None:
    values = minimal(fleet={"num_envs": 16.0}, network={"hidden": [32.0, 32.0]}, max_env_steps=1e6)

    spec = RunSpec.from_dict(values)

    assert spec.fleet.num_envs == 16
    assert spec.network.hidden == (32, 32)
    assert isinstance(spec.max_env_steps, int)


def test_a_fraction_is_no_count() -> None:
    with pytest.raises(ConfigurationError, match=r"fleet\.num_envs: got 1\.5"):
        RunSpec.from_dict(minimal(fleet={"num_envs": 1.5}))


def test_a_setting_of_another_algorithm_names_that_one() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown key 'algorithm\.table', which is of algorithm external"):
        RunSpec.from_dict(minimal(algorithm={"name": "ppo", "table": "replay"}))


def test_a_misspelt_key_names_the_nearest_one_and_its_siblings() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RunSpec.from_dict(minimal(fleet={"num_env": 3}))

    assert caught.value.details["field"] == "fleet.num_env"
    assert caught.value.details["nearest"] == "fleet.num_envs"
    assert "unroll_length" in caught.value.details["allowed"]


def test_a_key_at_the_wrong_level_is_found_in_its_section() -> None:
    with pytest.raises(ConfigurationError, match=r"nearest: 'algorithm\.learning_rate'"):
        RunSpec.from_dict(minimal(learning_rate=1e-3))


def test_keys_of_another_algorithm_are_unknown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RunSpec.from_dict(minimal(algorithm={"name": "ppo", "replay_size": 10}))

    assert "replay_size" in str(caught.value)
    assert "minibatch_size" in caught.value.details["allowed"]
    assert "target_update_period" not in caught.value.details["allowed"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (minimal(algorithm={"name": "pp"}), ["algorithm.name", "'pp'", "ppo", "dqn", "nearest: 'ppo'"]),
        (minimal(network={"activation": "tahn"}), ["network.activation", "'tahn'", "nearest: 'tanh'"]),
        (minimal(seed=-1), ["seed", "-1", "greater than or equal to 0"]),
        (minimal(fleet=3), ["fleet", "3", "a mapping"]),
        (minimal(algorithm={"name": "ppo", "learning_rate": float("nan")}), ["algorithm.learning_rate", "nan"]),
        (minimal(learner={"device": "gpu"}), ["learner.device", "'gpu'"]),
        (minimal(fleet={"device": "gpu"}), ["fleet.device", "'gpu'", "a text that matches", "cuda"]),
        ({"environment": {"id": "CartPole-v1", "wrappers": "a:b"}}, ["environment.wrappers", "'a:b'", "a list"]),
        ({}, ["environment", "no default"]),
    ],
)
def test_a_value_that_is_not_allowed_is_told_with_its_field_and_what_is(
    values: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RunSpec.from_dict(values)

    for word in words:
        assert word in str(caught.value)


def test_a_minibatch_larger_than_the_batch_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"minibatch_size: got 257, allowed: 1 to 256"):
        RunSpec.from_dict(minimal(algorithm={"name": "ppo", "minibatch_size": 257}))


def test_the_table_of_ppo_is_a_queue_of_two_batches_served_once() -> None:
    spec = RunSpec.from_dict(minimal(algorithm={"name": "ppo", "batch_size": 8}, fleet={"unroll_length": 32}))

    (table,) = spec.tables()

    assert (table.sampler.kind, table.remover.kind) == (SelectorKind.FIFO, SelectorKind.FIFO)
    assert (table.max_size, table.rate_limiter.min_diff, table.rate_limiter.max_diff) == (16, 0, 16)
    assert (table.max_times_sampled, table.max_lag) == (1, 4)
    assert (table.pattern.num_steps, table.pattern.period) == (32, 32)
    assert table.acknowledgement is AcknowledgementLevel.MEMORY


def test_a_queue_has_room_for_a_whole_block_beside_an_almost_full_batch() -> None:
    spec = RunSpec.from_dict(minimal(fleet={"num_envs": 32}, algorithm={"name": "external", "batch_size": 8}))

    # 7 unrolls are one short of a batch; a block of 32 lanes must still fit.
    assert spec.tables()[0].max_size == 39


def test_a_queue_that_could_lock_both_sides_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"replay\.queue_size: got 8, allowed: at least 15"):
        RunSpec.from_dict(minimal(replay={"queue_size": 8}))


def test_the_table_of_dqn_holds_the_ratio_between_sampling_and_inserting() -> None:
    algorithm = {"name": "dqn", "samples_per_insert": 8, "min_replay_size": 1000, "num_steps": 3, "batch_size": 64}
    spec = RunSpec.from_dict(minimal(algorithm=algorithm))

    (table,) = spec.tables()

    assert table.sampler.kind is SelectorKind.PRIORITIZED
    assert table.rate_limiter.samples_per_insert == 8
    middle = (table.rate_limiter.min_diff + table.rate_limiter.max_diff) / 2
    assert middle == 8 * 1000
    assert (table.pattern.num_steps, table.pattern.period) == (3, 1)
    assert table.acknowledgement is AcknowledgementLevel.PROCESS


def test_a_program_of_ones_own_may_sample_transitions_from_replay() -> None:
    algorithm = {"name": "external", "table": "replay", "replay_size": 5000, "num_steps": 3}

    (table,) = RunSpec.from_dict(minimal(algorithm=algorithm)).tables()

    assert table.sampler.kind is SelectorKind.UNIFORM
    assert (table.max_size, table.max_times_sampled) == (5000, 0)
    assert (table.pattern.num_steps, table.pattern.period) == (3, 1)
    assert table.rate_limiter == RateLimiter.of_min_size(1000)


def test_priorities_and_a_ratio_are_held_for_a_program_of_ones_own() -> None:
    algorithm = {"name": "external", "table": "replay", "samples_per_insert": 4, "priority_exponent": 0.6}

    (table,) = RunSpec.from_dict(minimal(algorithm=algorithm)).tables()

    assert (table.sampler.kind, table.sampler.priority_exponent) == (SelectorKind.PRIORITIZED, 0.6)
    assert table.rate_limiter.samples_per_insert == 4
    assert (table.rate_limiter.min_diff + table.rate_limiter.max_diff) / 2 == 4 * 1000


@pytest.mark.parametrize("name", ["dqn", "external"])
def test_replay_that_would_never_be_sampled_is_refused(name: str) -> None:
    algorithm = {"name": name, "replay_size": 10} | ({"table": "replay"} if name == "external" else {})

    with pytest.raises(ConfigurationError, match=r"algorithm\.min_replay_size: got 1000, allowed: at most 10"):
        RunSpec.from_dict(minimal(algorithm=algorithm))


def test_what_a_queue_has_not_is_refused_for_it() -> None:
    with pytest.raises(ConfigurationError, match=r"algorithm\.num_steps: got 3, allowed: unset unless"):
        RunSpec.from_dict(minimal(algorithm={"name": "external", "num_steps": 3}))


def test_only_a_run_with_an_external_learner_does_without_the_service() -> None:
    needs = {
        cls: RunSpec.from_dict(minimal(algorithm={"name": cls.model_fields["name"].default})).needs_learner
        for cls in (PpoSettings, DqnSettings, ExternalSettings)
    }

    assert needs == {PpoSettings: True, DqnSettings: True, ExternalSettings: False}


@pytest.mark.parametrize(("name", "reason"), [("dqn", "no schedule fixes"), ("external", "your own program")])
def test_lockstep_with_an_algorithm_that_cannot_keep_it_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"lockstep: got true, allowed: false with .*'{name}' .*{reason}"):
        RunSpec.from_dict(minimal(algorithm={"name": name}, lockstep=True))


def test_a_barrier_in_the_middle_of_a_block_is_refused() -> None:
    values = minimal(
        lockstep=True, algorithm={"name": "ppo", "batch_size": 4, "minibatch_size": 8}, fleet={"num_envs": 6}
    )

    with pytest.raises(ConfigurationError, match=r"checkpoint\.every_updates: got 16, .* multiple of .* \(6\)"):
        RunSpec.from_dict(values)
    assert RunSpec.from_dict({**values, "checkpoint": {"every_updates": 3}}).lockstep


def test_in_lockstep_no_unroll_is_dropped_and_none_is_lost_with_its_reader() -> None:
    (table,) = RunSpec.from_dict(minimal(lockstep=True)).tables()

    assert table.max_lag is None
    assert table.delivery is Delivery.AT_LEAST_ONCE


@pytest.mark.parametrize(("max_env_steps", "updates"), [(1, 1), (256, 1), (257, 2), (2560, 10)])
def test_the_steps_of_a_run_of_unrolls_are_used_by_whole_updates(max_env_steps: int, updates: int) -> None:
    values = minimal(fleet={"unroll_length": 32}, max_env_steps=max_env_steps)

    assert RunSpec.from_dict(values).max_updates == updates
