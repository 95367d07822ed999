"""Seaquest on ten by ten cells: a submarine shoots, gathers divers and must come up for air."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from heronry.native.arrays import Bytes
from heronry.native.twins.games.cells import Colour
from heronry.native.twins.games.minatar import DOWN, FIRE, LAST, LEFT, NOOP, RIGHT, UP, MinAtar, State, Turn
from heronry.native.twins.games.one_by_one import Stream
from heronry.native.twins.games.swimmers import School, Swimmer

SUB_FRONT, SUB_BACK, FRIENDLY_BULLET, TRAIL, ENEMY_BULLET, ENEMY_FISH, ENEMY_SUB, OXYGEN, DIVERS, DIVER = range(10)
_MOST_DIVERS, _MOST_OXYGEN, _BOTTOM = 6, 200, 8
_RELOAD, _ENEMY_RELOAD, _DIVER_INTERVAL = 5, 10, 5
_ENEMY_SPAWN_INTERVAL, _DIVER_SPAWN_INTERVAL, _ENEMY_INTERVAL, _LEAST_ENEMY_INTERVAL = 20, 30, 5, 2
_MANY = 1 << 20


@dataclass
class SeaquestState(State):
    """The submarine's front is at (x, y), its back opposite to `run`.

    No more can be in the water than there is room for: an enemy crosses in 29 steps when one comes each step, and is
    slower only when they come seldom; a bullet flies ten.
    """

    bounds: ClassVar[Mapping[str, tuple[int, int]]] = {
        "x": (0, LAST),
        "y": (0, _BOTTOM),
        "run": (-1, 1),
        "oxygen": (-1, _MOST_OXYGEN),
        "num_divers": (-_MANY, _MOST_DIVERS),
        "is_up": (0, 1),
        "until_shot": (0, _RELOAD),
        "spawn_interval": (1, _ENEMY_SPAWN_INTERVAL),
        "until_spawn": (0, _ENEMY_SPAWN_INTERVAL),
        "until_diver": (0, _DIVER_SPAWN_INTERVAL),
        "enemy_interval": (_LEAST_ENEMY_INTERVAL, _ENEMY_INTERVAL),
        "num_ramps": (0, _MANY),
    }

    x: int = 5
    y: int = 0
    run: int = -1
    oxygen: int = _MOST_OXYGEN
    num_divers: int = 0
    is_up: int = 1
    until_shot: int = 0
    spawn_interval: int = _ENEMY_SPAWN_INTERVAL
    until_spawn: int = _ENEMY_SPAWN_INTERVAL
    until_diver: int = _DIVER_SPAWN_INTERVAL
    enemy_interval: int = _ENEMY_INTERVAL
    num_ramps: int = 0
    bullets: School = field(default_factory=lambda: School(4))
    enemy_bullets: School = field(default_factory=lambda: School(48))
    fish: School = field(default_factory=lambda: School(32))
    subs: School = field(default_factory=lambda: School(32))
    divers: School = field(default_factory=lambda: School(4))


class Seaquest(MinAtar[SeaquestState]):
    """An enemy shot is worth 1; coming up with six divers, a tenth of the air left in percent."""

    num_channels = 10
    state_type = SeaquestState
    actions = (NOOP, LEFT, UP, RIGHT, DOWN, FIRE)
    colours: ClassVar[Mapping[int, Colour]] = {
        TRAIL: (60, 72, 100),
        OXYGEN: (123, 174, 111),
        DIVERS: (224, 160, 92),
        DIVER: (224, 160, 92),
        ENEMY_FISH: (190, 110, 190),
        ENEMY_SUB: (224, 105, 92),
        ENEMY_BULLET: (255, 170, 160),
        FRIENDLY_BULLET: (250, 222, 137),
        SUB_BACK: (62, 118, 150),
        SUB_FRONT: (102, 178, 214),
    }

    def begin(self, state: SeaquestState, random: Stream) -> None:
        """Every game begins alike."""

    def advance(self, state: SeaquestState, action: int, random: Stream) -> Turn:
        """Play one step: what comes in, the player, bullets, divers, enemies, air."""
        self._spawn(state, random)
        self._steer(state, action)
        reward = self._move_bullets(state)
        self._move_divers(state)
        more, is_hit = self._move_subs(state)
        is_hit |= self._move_enemy_bullets(state)
        reward += more
        more, is_bitten = self._move_fish(state)
        reward += more
        state.until_spawn -= state.until_spawn > 0
        state.until_diver -= state.until_diver > 0
        state.until_shot -= state.until_shot > 0
        more, is_out = self._breathe(state)
        return Turn(reward + more, is_hit or is_bitten or is_out)

    def _spawn(self, state: SeaquestState, random: Stream) -> None:
        if state.until_spawn == 0:
            self._spawn_enemy(state, random)
            state.until_spawn = state.spawn_interval
        if state.until_diver == 0:
            run = 1 if random.below(2) == 0 else -1
            y = 1 + random.below(_BOTTOM)
            state.divers.add(Swimmer(_entry(run), y, run, _DIVER_INTERVAL))
            state.until_diver = _DIVER_SPAWN_INTERVAL

    def _spawn_enemy(self, state: SeaquestState, random: Stream) -> None:
        """Let an enemy come in, unless another comes its way in the same row."""
        run = 1 if random.below(2) == 0 else -1
        is_sub = random.below(3) == 0
        y = 1 + random.below(_BOTTOM)
        if any(other.y == y and other.run != run for other in (*state.subs.members, *state.fish.members)):
            return
        kind = state.subs if is_sub else state.fish
        kind.add(Swimmer(_entry(run), y, run, state.enemy_interval, _ENEMY_RELOAD if is_sub else 0))

    def _steer(self, state: SeaquestState, action: int) -> None:
        if action == FIRE and state.until_shot == 0:
            state.bullets.add(Swimmer(state.x, state.y, state.run))
            state.until_shot = _RELOAD
        elif action in (LEFT, RIGHT):
            state.run = 1 if action == RIGHT else -1
            state.x = min(max(state.x + state.run, 0), LAST)
        elif action in (UP, DOWN):
            state.y = min(max(state.y + (1 if action == DOWN else -1), 0), _BOTTOM)

    def _move_bullets(self, state: SeaquestState) -> int:
        """Move the player's bullets; return how many enemies they hit."""
        num_hits = 0
        for bullet in state.bullets.newest_first():
            bullet.x += bullet.run
            if bullet.has_left:
                state.bullets.remove(bullet)
                continue
            for kind in (state.fish, state.subs):
                hit = kind.find(bullet.x, bullet.y)
                if hit is not None:
                    kind.remove(hit)
                    state.bullets.remove(bullet)
                    num_hits += 1
                    break
        return num_hits

    def _move_divers(self, state: SeaquestState) -> None:
        for diver in state.divers.newest_first():
            if self._picks_up(state, diver):
                continue
            if diver.until_move:
                diver.until_move -= 1
                continue
            diver.until_move = _DIVER_INTERVAL
            diver.x += diver.run
            if diver.has_left:
                state.divers.remove(diver)
            else:
                self._picks_up(state, diver)

    def _picks_up(self, state: SeaquestState, diver: Swimmer) -> bool:
        if not diver.is_at(state.x, state.y) or state.num_divers == _MOST_DIVERS:
            return False
        state.divers.remove(diver)
        state.num_divers += 1
        return True

    def _move_subs(self, state: SeaquestState) -> Turn:
        num_hits, is_over = 0, False
        for sub in state.subs.newest_first():
            is_over |= sub.is_at(state.x, state.y)
            num_hits += self._swim(state, state.subs, sub)
            is_over |= sub.is_at(state.x, state.y)
            if sub.until_shot:
                sub.until_shot -= 1
            else:
                sub.until_shot = _ENEMY_RELOAD
                state.enemy_bullets.add(Swimmer(sub.x, sub.y, sub.run))
        return Turn(num_hits, is_over)

    def _move_fish(self, state: SeaquestState) -> Turn:
        num_hits, is_over = 0, False
        for fish in state.fish.newest_first():
            is_over |= fish.is_at(state.x, state.y)
            num_hits += self._swim(state, state.fish, fish)
            is_over |= fish.is_at(state.x, state.y)
        return Turn(num_hits, is_over)

    def _swim(self, state: SeaquestState, kind: School, enemy: Swimmer) -> int:
        """Move an enemy when its time has come; return 1 if it swims into a bullet."""
        if enemy.until_move:
            enemy.until_move -= 1
            return 0
        enemy.until_move = state.enemy_interval
        enemy.x += enemy.run
        if enemy.has_left:
            kind.remove(enemy)
            return 0
        if enemy.is_at(state.x, state.y):
            return 0
        bullet = state.bullets.find(enemy.x, enemy.y)
        if bullet is None:
            return 0
        state.bullets.remove(bullet)
        kind.remove(enemy)
        return 1

    def _move_enemy_bullets(self, state: SeaquestState) -> bool:
        is_over = False
        for bullet in state.enemy_bullets.newest_first():
            is_over |= bullet.is_at(state.x, state.y)
            bullet.x += bullet.run
            if bullet.has_left:
                state.enemy_bullets.remove(bullet)
            is_over |= bullet.is_at(state.x, state.y)
        return is_over

    def _breathe(self, state: SeaquestState) -> Turn:
        """Use up air, or take on some where the submarine has just come up."""
        is_out = state.oxygen <= 0
        if state.y > 0:
            state.oxygen -= 1
            state.is_up = 0
        elif not state.is_up:
            if state.num_divers == 0:
                return Turn(0, True)
            return Turn(self._come_up(state), is_out)
        return Turn(0, is_out)

    def _come_up(self, state: SeaquestState) -> int:
        state.is_up = 1
        reward = 0
        if state.num_divers == _MOST_DIVERS:
            reward = state.oxygen * 10 // _MOST_OXYGEN
            state.num_divers = 0
        # Coming up costs a diver after six too, as in the reference: the next trip begins with one owed.
        state.num_divers -= 1
        state.oxygen = _MOST_OXYGEN
        if self.is_ramping and (state.spawn_interval > 1 or state.enemy_interval > _LEAST_ENEMY_INTERVAL):
            self._ramp(state)
        return reward

    def _ramp(self, state: SeaquestState) -> None:
        if state.enemy_interval > _LEAST_ENEMY_INTERVAL and state.num_ramps % 2:
            state.enemy_interval -= 1
        if state.spawn_interval > 1:
            state.spawn_interval -= 1
        state.num_ramps += 1

    def show(self, state: SeaquestState, out: Bytes) -> None:
        """Fill in what is where; a trail is behind what moves, air and divers are bars at the bottom."""
        out[state.y, state.x, SUB_FRONT] = 1
        back = state.x - state.run
        if 0 <= back <= LAST:
            out[state.y, back, SUB_BACK] = 1
        out[LAST, : max(state.oxygen, 0) * 10 // _MOST_OXYGEN, OXYGEN] = 1
        out[LAST, LAST - max(state.num_divers, 0) : LAST, DIVERS] = 1
        _put(out, state.bullets, FRIENDLY_BULLET, has_trail=False)
        _put(out, state.enemy_bullets, ENEMY_BULLET, has_trail=False)
        _put(out, state.fish, ENEMY_FISH, has_trail=True)
        _put(out, state.subs, ENEMY_SUB, has_trail=True)
        _put(out, state.divers, DIVER, has_trail=True)


def _entry(run: int) -> int:
    return 0 if run > 0 else LAST


def _put(out: Bytes, school: School, channel: int, has_trail: bool) -> None:
    for swimmer in school.members:
        out[swimmer.y, swimmer.x, channel] = 1
        behind = swimmer.x - swimmer.run
        if has_trail and 0 <= behind <= LAST:
            out[swimmer.y, behind, TRAIL] = 1
