"""Runs ⇄ Minari datasets: episodes of observations, actions, rewards, terminations and truncations.

Other columns travel in `infos` as `column/NAME`. What Minari has no place for is lost: items and their bounds,
priorities, times sampled, keys, behaviour versions, lanes. An import makes items anew, by the pattern of the
table it goes to, each at priority 1.

Minari keeps the observation after an episode's last step. It is taken from the column `next_observation`
where there is one; otherwise the last observation stands twice.
"""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import minari
import numpy as np
from minari.data_collector.episode_buffer import EpisodeBuffer
from minari.dataset._storages.arrow_storage import ArrowStorage
from minari.dataset.minari_storage import MinariStorage

from heronry.datasets.definition_text import definition_from_text, definition_to_text
from heronry.datasets.episodes import end_columns_of
from heronry.datasets.spaces import space_of
from heronry.datasets.whole_episodes import EpisodeJoiner, runs_of_episode
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError, InvalidArgumentError
from heronry.types.experience import Run
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import Array, ElementType

OBSERVATION: Final = "observation"
NEXT_OBSERVATION: Final = "next_observation"
ACTION: Final = "action"
REWARD: Final = "reward"
TERMINATED: Final = "terminated"
TRUNCATED: Final = "truncated"
MASK: Final = "mask"
_NEEDED: Final = (OBSERVATION, ACTION, REWARD, TERMINATED, TRUNCATED)
_INFO: Final = "column/"
_DEFINITION: Final = "heronry_table"


class _Storage(ArrowStorage):  # type: ignore[misc]  # Minari is not typed
    """Measures the folder once, at the end: Minari does so at every episode, and would take time by its square."""

    is_complete = False

    def get_size(self) -> float:
        """Return the bytes of the data, in MB."""
        return float(super().get_size()) if self.is_complete else 0.0

    def finish(self) -> None:
        """Write down the size of what was stored."""
        self.is_complete = True
        self.update_metadata({"dataset_size": self.get_size()})


class MinariWriter(AbstractContextManager["MinariWriter"]):
    """Writes the episodes of runs to a folder that Minari reads; what was begun goes with an exception.

    Steps that the column `mask` rules out are left out. Holds the open episodes, at most 256 MiB.
    """

    def __init__(self, path: Path, definition: TableDefinition) -> None:
        """Make the folder.

        Raises:
          InvalidArgumentError: a column that Minari needs is missing, or the folder is there.
        """
        specs = {spec.path: spec for spec in definition.columns}
        missing = [name for name in _NEEDED if name not in specs]
        if missing:
            raise InvalidArgumentError.of("definition.columns", sorted(specs), f"also {', '.join(missing)}")
        if path.exists():
            raise InvalidArgumentError.of("path", str(path), "a folder that does not exist yet")
        # Minari joins relative paths twice.
        self._path = path.resolve()
        self._storage = _new_storage(self._path, definition, specs)
        self._joiner = EpisodeJoiner(end_columns_of(definition))
        self.num_steps = self.num_items = self.num_episodes = 0

    def write(self, run: Run) -> None:
        """Add a run."""
        self.num_items += len(run.items)
        self._store(self._joiner.add(run))

    def close(self) -> None:
        """Write the episodes that have not ended."""
        self._store(self._joiner.finish())
        self._storage.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            shutil.rmtree(self._path, ignore_errors=True)

    def _store(self, episodes: Iterator[dict[str, Array]]) -> None:
        for columns in episodes:
            kept = columns
            if MASK in columns:
                kept = {path: values[columns[MASK].astype(np.bool_)] for path, values in columns.items()}
            if len(kept[REWARD]):
                self._storage.update_episodes([_buffer_of(kept, self.num_episodes)])
                self.num_episodes += 1
                self.num_steps += len(kept[REWARD])


def open_writer(path: Path, definition: TableDefinition) -> MinariWriter:
    """Return a writer of a table's runs."""
    return MinariWriter(path, definition)


def read_definition(path: Path) -> TableDefinition:
    """Return the definition of the table that a dataset came from, or a uniform one over its columns.

    Raises:
      InvalidArgumentError: no Minari dataset is there.
    """
    storage = _open(path)
    text = storage.metadata.get(_DEFINITION)
    if text is not None:
        return definition_from_text(text)
    episode = next(iter(storage.get_episodes([0])), None)
    if episode is None:
        raise InvalidArgumentError.of("path", str(path), "a dataset with at least one episode")
    columns = _columns_of(episode)
    specs = tuple(ColumnSpec(p, ElementType.of(a.dtype), tuple(a.shape[1:])) for p, a in columns.items())
    size = max(1, int(storage.total_steps))
    return TableDefinition(
        path.name, Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(1), size, columns=specs
    )


def read_runs(path: Path, definition: TableDefinition) -> Iterator[Run]:
    """Yield the episodes as runs, with the items that the table's pattern makes of them; holds one episode.

    Raises:
      InvalidArgumentError: no Minari dataset is there, or the table's pattern makes no items.
      DataLossError: an episode cannot be read, or lacks a column of the table.
    """
    storage = _open(path)
    for number in range(int(storage.total_episodes)):
        try:
            (episode,) = storage.get_episodes([number])
        except (OSError, ValueError, KeyError) as error:
            raise DataLossError(f"{path}: episode {number} cannot be read: {error}") from error
        columns = _columns_of(episode)
        missing = [spec.path for spec in definition.columns if spec.path not in columns]
        if missing:
            raise DataLossError(f"{path}: episode {number} has no {', '.join(missing)}")
        wanted = definition.columns or tuple(
            ColumnSpec(p, ElementType.of(a.dtype), tuple(a.shape[1:])) for p, a in columns.items()
        )
        typed = {s.path: np.asarray(columns[s.path], s.element_type.dtype).reshape(-1, *s.shape) for s in wanted}
        yield from runs_of_episode(typed, definition.pattern, number)


def _new_storage(path: Path, definition: TableDefinition, specs: dict[str, ColumnSpec]) -> _Storage:
    path.parent.mkdir(parents=True, exist_ok=True)
    spaces = space_of(specs[OBSERVATION]), space_of(specs[ACTION])
    MinariStorage.new(
        path, observation_space=spaces[0], action_space=spaces[1], data_format=_Storage.FORMAT, jpeg_encoding=False
    )
    storage = _Storage(path, *spaces, jpeg_encoding=False)
    name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in definition.table)
    version = str(minari.__version__)
    text = definition_to_text(definition)
    storage.update_metadata({"dataset_id": f"{name}-v0", "minari_version": version, _DEFINITION: text})
    return storage


def _buffer_of(columns: dict[str, Array], number: int) -> EpisodeBuffer:
    observations = columns[OBSERVATION]
    last = columns[NEXT_OBSERVATION][-1:] if NEXT_OBSERVATION in columns else observations[-1:]
    truncations = columns[TRUNCATED].astype(np.bool_)
    # What ends without having terminated was cut off: nobody watched any further.
    truncations[-1] |= not columns[TERMINATED][-1]
    infos = {_INFO + path: _info(columns[path]) for path in columns if path not in (*_NEEDED, MASK)}
    infos[_INFO + TRUNCATED] = _info(columns[TRUNCATED])
    return EpisodeBuffer(
        id=number,
        observations=np.concatenate([observations, last]),
        actions=columns[ACTION],
        rewards=columns[REWARD],
        terminations=columns[TERMINATED].astype(np.bool_),
        truncations=truncations,
        infos=infos,
    )


def _info(values: Array) -> "Array | list[np.generic]":
    """Return one entry a step and one for the observation after the last, in the form that Minari reads back."""
    padded = np.concatenate([values, np.zeros_like(values[:1])])
    return padded if padded.ndim > 1 else list(padded)


def _columns_of(episode: dict[str, Any]) -> dict[str, Array]:
    num_steps = len(episode["rewards"])
    observations = np.asarray(episode["observations"])
    columns: dict[str, Array] = {
        OBSERVATION: observations[:num_steps],
        ACTION: np.asarray(episode["actions"]),
        REWARD: np.asarray(episode["rewards"]),
        TERMINATED: np.asarray(episode["terminations"], np.bool_),
        TRUNCATED: np.asarray(episode["truncations"], np.bool_),
        NEXT_OBSERVATION: observations[1:],
        MASK: np.ones(num_steps, np.bool_),
    }
    infos = {name.removeprefix(_INFO): v for name, v in episode["infos"].items() if name.startswith(_INFO)}
    return {**columns, **{name: np.asarray(values)[:num_steps] for name, values in infos.items()}}


def _open(path: Path) -> MinariStorage:
    try:
        return MinariStorage.read(path.resolve())
    except (ValueError, AssertionError, KeyError, OSError) as error:
        raise InvalidArgumentError.of("path", str(path), f"a folder with a Minari dataset ({error})") from error
