"""A Minari dataset holds a table's episodes, and gives back their steps with items made anew."""

from dataclasses import replace
from pathlib import Path

import minari
import numpy as np
import pytest

from heronry.datasets.minari import open_writer, read_definition, read_runs
from heronry.types.errors import DataLossError, InvalidArgumentError
from heronry.types.patterns import Pattern


def write(path: Path, definition, runs) -> None:
    with open_writer(path, definition) as writer:
        for run in runs:
            writer.write(run)


def test_minari_reads_the_episodes(tmp_path: Path, definition, make_run) -> None:
    run = make_run(5, ends=(2,))

    write(tmp_path / "d", definition, [run])

    dataset = minari.MinariDataset(tmp_path / "d")
    assert dataset.total_episodes == 2
    assert dataset.total_steps == 5
    first, second = dataset[0], dataset[1]
    np.testing.assert_array_equal(first.observations[:3], run.columns["observation"][:3])
    np.testing.assert_array_equal(first.actions, run.columns["action"][:3])
    np.testing.assert_array_equal(first.rewards, run.columns["reward"][:3])
    assert first.terminations.tolist() == [False, False, True]
    assert first.truncations.tolist() == [False, False, False]
    # Nobody watched the second episode any further.
    assert second.terminations.tolist() == [False, False]
    assert second.truncations.tolist() == [False, True]


def test_the_last_observation_is_the_next_one_where_the_table_has_it(tmp_path: Path, definition, make_run) -> None:
    observation = next(spec for spec in definition.columns if spec.path == "observation")
    following = replace(observation, path="next_observation")
    run = make_run(4, ends=(3,))
    run.columns["next_observation"] = run.columns["observation"] + 1000

    write(tmp_path / "with", replace(definition, columns=(*definition.columns, following)), [run])
    write(tmp_path / "without", definition, [make_run(4, ends=(3,))])

    last = minari.MinariDataset(tmp_path / "with")[0].observations[-1]
    np.testing.assert_array_equal(last, run.columns["next_observation"][-1])
    twice = minari.MinariDataset(tmp_path / "without")[0].observations
    np.testing.assert_array_equal(twice[-1], twice[-2])


def test_steps_that_are_masked_out_are_left_out(tmp_path: Path, definition, make_run) -> None:
    run = make_run(6, ends=(2,))
    run.columns["mask"] = np.array([1, 1, 1, 0, 1, 1], np.bool_)

    write(tmp_path / "d", definition, [run])

    dataset = minari.MinariDataset(tmp_path / "d")
    assert [len(episode.rewards) for episode in dataset.iterate_episodes()] == [3, 2]


def test_all_columns_come_back_step_by_step(tmp_path: Path, definition, make_run) -> None:
    runs = [make_run(5, ends=(4,)), make_run(7, lane=1, ends=(6,), seed=1)]

    write(tmp_path / "d", definition, runs)

    assert read_definition(tmp_path / "d") == definition
    read = list(read_runs(tmp_path / "d", definition))
    assert [r.num_steps for r in read] == [5, 7]
    for left, right in zip(read, runs, strict=True):
        for spec in definition.columns:
            assert left.columns[spec.path].dtype == spec.element_type.dtype, spec.path
            np.testing.assert_array_equal(left.columns[spec.path], right.columns[spec.path])


def test_items_are_made_by_the_table_s_pattern(tmp_path: Path, definition, make_run) -> None:
    write(tmp_path / "d", definition, [make_run(7, ends=(6,))])
    n_step = replace(definition, pattern=Pattern.n_step(2))

    (read,) = read_runs(tmp_path / "d", n_step)

    # Windows of three steps begin at every step; the last two end with the episode.
    assert read.items.starts.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert read.items.lengths.tolist() == [3, 3, 3, 3, 3, 2, 1]
    assert read.items.priorities.tolist() == [1.0] * 7


def test_a_table_whose_items_writers_name_is_refused(tmp_path: Path, definition, make_run) -> None:
    write(tmp_path / "d", definition, [make_run(7, ends=(6,))])
    explicit = replace(definition, pattern=Pattern(num_steps=4, period=0))

    with pytest.raises(InvalidArgumentError, match=r"pattern\.period: got 0"):
        list(read_runs(tmp_path / "d", explicit))


def test_a_dataset_of_somebody_else_gets_a_table_over_its_columns(tmp_path: Path, definition, make_run) -> None:
    import json

    write(tmp_path / "d", definition, [make_run(4, ends=(3,))])
    metadata = json.loads((tmp_path / "d" / "metadata.json").read_text())
    del metadata["heronry_table"]
    (tmp_path / "d" / "metadata.json").write_text(json.dumps(metadata))

    found = read_definition(tmp_path / "d")

    assert {"observation", "next_observation", "action", "reward"} <= {spec.path for spec in found.columns}
    assert found.max_size == 4
    (run,) = read_runs(tmp_path / "d", found)
    assert run.num_steps == 4


def test_what_cannot_be_read_or_written_is_named(tmp_path: Path, definition, make_run) -> None:
    with pytest.raises(InvalidArgumentError, match="a folder with a Minari dataset"):
        read_definition(tmp_path / "nowhere")
    with pytest.raises(InvalidArgumentError, match="also reward"):
        open_writer(tmp_path / "d", replace(definition, columns=definition.columns[:3]))

    write(tmp_path / "d", definition, [make_run(4, ends=(3,))])

    with pytest.raises(InvalidArgumentError, match="does not exist yet"):
        open_writer(tmp_path / "d", definition)
    extra = replace(definition.columns[0], path="velocity")
    with pytest.raises(DataLossError, match="has no velocity"):
        list(read_runs(tmp_path / "d", replace(definition, columns=(*definition.columns, extra))))
