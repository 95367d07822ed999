"""Several optimisers, each for its own tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.layout import Vector
from heronry.params.core.optimizers.state import NewVector, Optimizer, OptimizerState, Step


@dataclass(frozen=True)
class Section:
    """The elements `[start, stop)` of the `[P]` vector, and what steps them."""

    start: int
    stop: int
    optimizer: Optimizer

    @property
    def part(self) -> slice:
        """Its place in a vector."""
        return slice(self.start, self.stop)


class Grouped:
    """Steps each section by its own optimiser, which sees nothing but its section.

    A slot of the state has the length of its section, and the section's index before its name: `2/velocity`.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        """Take sections that cover the vector, in order."""
        self._sections = tuple(sections)

    def initial_state(self, newest: Vector) -> OptimizerState:
        """Return the state of every section before its first step."""
        states = [section.optimizer.initial_state(newest[section.part]) for section in self._sections]
        return OptimizerState(
            0, {_name(i, n): slot for i, state in enumerate(states) for n, slot in state.slots.items()}
        )

    def largest_difference(self, dtype: np.dtype[np.floating]) -> float:
        """Return the least of the sections' bounds: a contribution is measured as a whole."""
        return min(section.optimizer.largest_difference(dtype) for section in self._sections)

    def step(
        self, newest: Vector, mean: MeanDifference, state: OptimizerState, new_values: NewVector, new_slot: NewVector
    ) -> Step:
        """Return the new values and the new state, those of all sections in the same memory."""
        values, memory = new_values(), _Memory(new_slot)
        slots: dict[str, Vector] = {}
        largest = 0.0
        for index, section in enumerate(self._sections):
            part = section.part
            own = OptimizerState(state.num_steps, _own_slots(state, index))
            out = values[part]
            step = section.optimizer.step(newest[part], mean.part(part), own, _giving(out), memory.of(part))
            if step.values is not out:
                # As it was pushed, for an optimiser that publishes that.
                out[:] = step.values
            slots |= {_name(index, name): slot for name, slot in step.state.slots.items()}
            largest = float(np.maximum(largest, step.largest))
        return Step(values, OptimizerState(state.num_steps + 1, slots), largest)


class _Memory:
    """Vectors of which each section gets its part: as many as the section with the most of them needs."""

    def __init__(self, new_slot: NewVector) -> None:
        self._new_slot = new_slot
        self._vectors: list[Vector] = []

    def of(self, part: slice) -> NewVector:
        """Return what gives a section its parts, one vector after the other."""
        num_given = 0

        def give() -> Vector:
            nonlocal num_given
            if num_given == len(self._vectors):
                self._vectors.append(self._new_slot())
            num_given += 1
            return self._vectors[num_given - 1][part]

        return give


def _giving(vector: Vector) -> Callable[[], Vector]:
    return lambda: vector


def _name(index: int, slot: str) -> str:
    return f"{index}/{slot}"


def _own_slots(state: OptimizerState, index: int) -> dict[str, Vector]:
    prefix = _name(index, "")
    return {name.removeprefix(prefix): slot for name, slot in state.slots.items() if name.startswith(prefix)}
