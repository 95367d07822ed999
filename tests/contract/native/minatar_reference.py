"""The MinAtar package as an oracle: its games' states, draws and steps in our words.

The package is under the GPL: nothing here comes from its sources, and nothing outside the tests may import it. It is
run, and what can be seen of a running game is read: its attributes, what it draws, what it returns.
"""

import copy
from typing import Any, NamedTuple

import numpy as np

from heronry.native.arrays import Bytes, Indices

NAMES = {
    "Asterix": "asterix",
    "Breakout": "breakout",
    "Freeway": "freeway",
    "Seaquest": "seaquest",
    "SpaceInvaders": "space_invaders",
}
HEADINGS = {0: (-1, -1), 1: (1, -1), 2: (1, 1), 3: (-1, 1)}
CAPACITIES = {"bullets": 4, "enemy_bullets": 48, "fish": 32, "subs": 32, "divers": 4}
SWIMMER = ("x", "y", "run", "until_move", "until_shot")
Fields = dict[str, int]


class Played(NamedTuple):
    """One step of the reference, in our words; `draws` are what `below` would have returned, in order."""

    before: Fields
    action: int
    draws: list[int]
    after: Fields
    reward: int
    terminated: bool
    observation: Bytes


class _Spy:
    """Passes draws on and remembers them."""

    def __init__(self, source: np.random.RandomState) -> None:
        self._source = source
        self.drawn: list[tuple[str, Any]] = []

    def rand(self, *shape: int) -> Any:
        value = self._source.rand(*shape)
        self.drawn.append(("rand", np.copy(value)))
        return value

    def randint(self, *bounds: Any, **named: Any) -> Any:
        value = self._source.randint(*bounds, **named)
        self.drawn.append(("randint", np.copy(value)))
        return value


class Reference:
    """One game of the package, without sticky actions."""

    def __init__(self, name: str, is_ramping: bool, seed: int) -> None:
        import minatar  # not a dependency: the tests that need it are skipped where it is missing

        self._name = name
        self._whole = minatar.Environment(NAMES[name], sticky_action_prob=0.0, difficulty_ramping=is_ramping)
        self._whole.seed(seed)
        self.game = self._whole.env
        self._spy = _Spy(self.game.random)
        self.game.random = self._spy

    def begin(self) -> tuple[Fields, list[int]]:
        """Begin an episode; return its state and what was drawn for it."""
        self._spy.drawn.clear()
        self._whole.reset()
        return self.fields(), self._draws()

    def step(self, action: int) -> Played:
        """Play one step, also where the episode is over already."""
        self.game.terminal = False
        self._spy.drawn.clear()
        before = self.fields()
        reward, terminated = self._whole.act(action)
        shown = self._whole.state().astype(np.uint8)
        return Played(before, action, self._draws(), self.fields(), int(reward), bool(terminated), shown)

    def fields(self) -> Fields:
        """Return the state under our names."""
        return {"last_action": 0, **copy.deepcopy(_READERS[self._name](self.game))}

    def _draws(self) -> list[int]:
        return _DRAWS[self._name](self._spy.drawn)


def _rows(name: str, cells: Any, first: int = 0, count: int = 10) -> Fields:
    return {f"{name}_{y}": sum(1 << x for x in range(10) if cells[first + y][x]) for y in range(count)}


def _breakout(game: Any) -> Fields:
    run, rise = HEADINGS[game.ball_dir]
    return {
        "paddle": game.pos,
        "x": game.ball_x,
        "y": game.ball_y,
        "run": run,
        "rise": rise,
        "last_x": game.last_x,
        "last_y": game.last_y,
        "is_among_bricks": int(game.strike),
        **_rows("bricks", game.brick_map, 1, 3),
    }


def _space_invaders(game: Any) -> Fields:
    return {
        "cannon": game.pos,
        "run": game.alien_dir,
        "interval": game.enemy_move_interval,
        "until_move": int(game.alien_move_timer),
        "until_alien_shot": game.alien_shot_timer,
        "until_shot": game.shot_timer,
        **_rows("aliens", game.alien_map),
        **_rows("bullets", game.f_bullet_map),
        **_rows("alien_bullets", game.e_bullet_map),
    }


def _asterix(game: Any) -> Fields:
    fields = {
        "x": game.player_x,
        "y": game.player_y,
        "spawn_interval": game.spawn_speed,
        "until_spawn": game.spawn_timer,
        "move_interval": game.move_speed,
        "until_move": game.move_timer,
        "until_ramp": game.ramp_timer,
        "num_ramps": game.ramp_index,
    }
    entities = [(0, 0, 0) if e is None else (2 if e[3] else 1, e[0], 1 if e[2] else -1) for e in game.entities]
    for i, name in enumerate(("kinds", "xs", "runs")):
        fields.update({f"{name}_{row}": int(entity[i]) for row, entity in enumerate(entities)})
    return fields


def _freeway(game: Any) -> Fields:
    fields = {"y": game.pos, "until_move": game.move_timer, "num_steps_left": game.terminate_timer}
    cars = [(x, np.sign(speed), abs(speed), timer) for x, _, timer, speed in game.cars]
    for i, name in enumerate(("xs", "runs", "waits", "until_car_moves")):
        fields.update({f"{name}_{row}": int(car[i]) for row, car in enumerate(cars)})
    return fields


def _seaquest(game: Any) -> Fields:
    fields = {
        "x": game.sub_x,
        "y": game.sub_y,
        "run": 1 if game.sub_or else -1,
        "oxygen": game.oxygen,
        "num_divers": game.diver_count,
        "is_up": int(game.surface),
        "until_shot": game.shot_timer,
        "spawn_interval": game.e_spawn_speed,
        "until_spawn": game.e_spawn_timer,
        "until_diver": game.d_spawn_timer,
        "enemy_interval": game.move_speed,
        "num_ramps": game.ramp_index,
    }
    schools = (game.f_bullets, game.e_bullets, game.e_fish, game.e_subs, game.divers)
    for (name, capacity), school in zip(CAPACITIES.items(), schools, strict=True):
        fields.update(_school(name, capacity, school))
    return fields


def _school(name: str, capacity: int, school: list[Any]) -> Fields:
    fields = {f"{name}_count": len(school)}
    for i in range(capacity):
        x, y, is_right, *waits = school[i] if i < len(school) else (0, 0, None)
        run = 0 if is_right is None else 1 if is_right else -1
        words = (x, y, run, *waits, 0, 0)
        fields.update({f"{name}_{i}_{part}": int(word) for part, word in zip(SWIMMER, words, strict=False)})
    return fields


def canonical(words: Indices, names: tuple[str, ...]) -> Indices:
    """Return states with the swimmers of each school in a fixed order.

    The reference takes the first of equal swimmers out where we take that very one: the same but for their order.
    """
    words = words.copy()
    for name, capacity in CAPACITIES.items():
        if f"{name}_count" in names:
            first = names.index(f"{name}_count") + 1
            part = words[:, first : first + capacity * len(SWIMMER)].reshape(len(words), capacity, len(SWIMMER))
            for school in part:
                school[:] = sorted(school.tolist())
            words[:, first : first + capacity * len(SWIMMER)] = part.reshape(len(words), -1)
    return words


def _plain(drawn: list[tuple[str, Any]]) -> list[int]:
    return [int(value) for _, value in drawn]


def _asterix_draws(drawn: list[tuple[str, Any]]) -> list[int]:
    """Side, kind, and row if one is free."""
    values = [float(value) for _, value in drawn]
    return [int(value >= bound) for value, bound in zip(values[:2], (1 / 2, 1 / 3), strict=False)] + [
        int(value) for value in values[2:]
    ]


def _freeway_draws(drawn: list[tuple[str, Any]]) -> list[int]:
    """Eight speeds, eight sides; the speeds may bear their signs already."""
    return [
        int(value)
        for kind, values in drawn
        for value in (np.abs(values) - 1 if kind == "randint" else np.asarray(values) >= 1 / 2)
    ]


def _seaquest_draws(drawn: list[tuple[str, Any]]) -> list[int]:
    """Of an enemy side, kind and row; of a diver side and row."""
    draws = []
    for i, (kind, value) in enumerate(drawn):
        follows_side = i > 0 and drawn[i - 1][0] == "rand"
        draws.append(int(value) - 1 if kind == "randint" else int(value >= (1 / 3 if follows_side else 1 / 2)))
    return draws


_READERS = {
    "Asterix": _asterix,
    "Breakout": _breakout,
    "Freeway": _freeway,
    "Seaquest": _seaquest,
    "SpaceInvaders": _space_invaders,
}
_DRAWS = {
    "Asterix": _asterix_draws,
    "Breakout": _plain,
    "Freeway": _freeway_draws,
    "Seaquest": _seaquest_draws,
    "SpaceInvaders": _plain,
}
