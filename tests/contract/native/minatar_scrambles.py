"""Puts games of the reference into states that play seldom leads to."""

from typing import Any

import numpy as np


class Scrambler:
    """Draws states; what it leaves alone stays as it is."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.RandomState(seed)

    def scramble(self, name: str, game: Any) -> None:
        """Put a game of that name into another state."""
        getattr(self, f"_{name.lower()}")(game)

    def action(self) -> int:
        """Return some action."""
        return self._below(6)

    def _below(self, bound: int) -> int:
        return int(self._rng.randint(bound))

    def _within(self, low: int, high: int) -> int:
        return int(self._rng.randint(low, high + 1))

    def _flag(self) -> bool:
        return bool(self._below(2))

    def _chance(self, probability: float) -> bool:
        return bool(self._rng.rand() < probability)

    def _cells(self, *densities: float) -> Any:
        return (self._rng.rand(10, 10) < self._rng.choice(densities)).astype(float)

    def _breakout(self, game: Any) -> None:
        game.ball_x, game.ball_y, game.ball_dir = self._below(10), self._below(9), self._below(4)
        game.pos = min(max(game.ball_x + self._within(-1, 1), 0), 9) if self._chance(0.7) else self._below(10)
        game.last_x, game.last_y, game.strike = self._below(10), self._below(10), self._flag()
        game.brick_map = self._cells(0.0, 0.1, 0.5, 0.9)
        game.brick_map[0] = game.brick_map[4:] = 0

    def _spaceinvaders(self, game: Any) -> None:
        game.pos, game.alien_dir = self._below(10), 1 if self._flag() else -1
        game.enemy_move_interval, game.alien_move_timer = self._within(6, 12), self._below(13)
        game.alien_shot_timer, game.shot_timer = self._below(11), self._below(6)
        game.alien_map, game.f_bullet_map = self._cells(0.01, 0.02, 0.1, 0.4), self._cells(0.05)
        game.e_bullet_map = self._cells(0.03)
        game.alien_map[self._below(10), self._below(10)] = 1

    def _asterix(self, game: Any) -> None:
        game.player_x, game.player_y = self._below(10), self._within(1, 8)
        game.spawn_speed, game.spawn_timer = self._within(1, 10), self._below(11)
        game.move_speed, game.move_timer = self._within(1, 5), self._below(6)
        game.ramp_timer, game.ramp_index = self._within(-1, 20), self._below(20)
        game.entities = [
            None if self._chance(0.3) else [self._below(10), row + 1, self._flag(), self._flag()] for row in range(8)
        ]

    def _freeway(self, game: Any) -> None:
        game.pos, game.move_timer = self._within(1, 9), self._below(4)
        game.terminate_timer = self._below(2501) if self._chance(0.9) else 0
        for car in game.cars:
            speed = self._within(1, 5)
            car[0], car[2], car[3] = self._below(10), self._below(speed + 1), speed if self._flag() else -speed

    def _seaquest(self, game: Any) -> None:
        game.sub_x, game.sub_y = self._below(10), self._below(9)
        game.sub_or = self._flag() if 0 < game.sub_x < 9 else game.sub_x == 9
        game.oxygen, game.diver_count = self._within(0, 200), self._within(-2, 6)
        game.surface, game.shot_timer = game.sub_y == 0 and self._flag(), self._below(6)
        game.e_spawn_speed, game.e_spawn_timer = self._within(1, 20), self._below(21) if self._chance(0.7) else 0
        game.d_spawn_timer, game.move_speed = self._below(31) if self._chance(0.8) else 0, self._within(2, 5)
        game.ramp_index = self._below(30)
        game.f_bullets, game.e_bullets = self._school(3), self._school(4)
        game.e_fish, game.e_subs, game.divers = self._school(6, 3), self._school(6, 3, 5), self._school(3, 4)

    def _school(self, most: int, *bounds: int) -> list[list[Any]]:
        return [
            [self._below(10), self._within(1, 8), self._flag(), *(self._below(bound) for bound in bounds)]
            for _ in range(self._within(0, most))
        ]
