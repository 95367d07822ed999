"""Runs of steps, with the items that lie in them, as messages."""

from collections.abc import Mapping
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2
from heronry.types.errors import SchemaMismatchError
from heronry.types.experience import Run, RunItems
from heronry.types.tensors import Array
from heronry.wire.columns import columns_from_proto, columns_to_proto

_FACTS: Final[dict[str, type[np.generic]]] = {
    "@start": np.uint32,
    "@length": np.uint32,
    "@key": np.uint64,
    "@priority": np.float64,
    "@times_sampled": np.uint32,
    "@epoch": np.uint64,
    "@version": np.uint64,
}


def run_to_proto(run: Run) -> replay_pb2.Run:
    """Return the message of a run."""
    headers, data = columns_to_proto(run.columns)
    item_headers, item_data = columns_to_proto(_facts_of(run.items))
    return replay_pb2.Run(
        num_steps=run.num_steps,
        lane=run.lane,
        first_step=run.first_step,
        columns=headers,
        data=data,
        item_columns=item_headers,
        item_data=item_data,
        history=b"" if run.history is None else np.asarray(run.history, np.uint8).tobytes(),
    )


def run_from_proto(message: replay_pb2.Run) -> Run:
    """Return the run of a message; its arrays are read-only views.

    Raises:
      SchemaMismatchError: columns that are not `[T, ...]`, or items that lack a fact.
      DataLossError, UnimplementedError: as `columns_from_proto`.
    """
    num_steps = message.num_steps
    columns = columns_from_proto(message.columns, message.data)
    if not columns or num_steps == 0:
        raise SchemaMismatchError.of("run.columns", f"{len(columns)} of {num_steps} steps", "at least one of each")
    for path, array in columns.items():
        if array.shape[:1] != (num_steps,):
            raise SchemaMismatchError.of(f"run.columns.{path}.shape", array.shape, f"[{num_steps}, ...]")
    if len(message.history) not in (0, num_steps):
        raise SchemaMismatchError.of("run.history", f"{len(message.history)} bytes", f"{num_steps}, or none")
    history = np.frombuffer(message.history, np.uint8) if message.history else None
    items = _items(columns_from_proto(message.item_columns, message.item_data))
    return Run(message.lane, message.first_step, columns, items, history)


def _facts_of(items: RunItems) -> dict[str, Array]:
    values = (
        items.starts,
        items.lengths,
        items.keys,
        items.priorities,
        items.times_sampled,
        items.behaviour_epochs,
        items.behaviour_numbers,
    )
    return {name: np.asarray(v, kind) for (name, kind), v in zip(_FACTS.items(), values, strict=True)}


def _items(facts: Mapping[str, Array]) -> RunItems:
    num_items = len(facts["@start"]) if "@start" in facts and facts["@start"].ndim else 0
    for name, kind in _FACTS.items():
        array = facts.get(name)
        if array is None or array.shape != (num_items,) or array.dtype != kind:
            found = "nothing" if array is None else f"{array.dtype}{list(array.shape)}"
            raise SchemaMismatchError.of(f"run.items.{name}", found, f"{np.dtype(kind)}[{num_items}]")
    return RunItems(
        starts=cast("npt.NDArray[np.uint32]", facts["@start"]),
        lengths=cast("npt.NDArray[np.uint32]", facts["@length"]),
        keys=cast("npt.NDArray[np.uint64]", facts["@key"]),
        priorities=cast("npt.NDArray[np.float64]", facts["@priority"]),
        times_sampled=cast("npt.NDArray[np.uint32]", facts["@times_sampled"]),
        behaviour_epochs=cast("npt.NDArray[np.uint64]", facts["@epoch"]),
        behaviour_numbers=cast("npt.NDArray[np.uint64]", facts["@version"]),
    )
