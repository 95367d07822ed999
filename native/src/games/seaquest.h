// Seaquest: a submarine shoots, gathers divers and must come up for air.
#pragma once

#include "minatar.h"
#include "swimmers.h"

namespace heronry::games {

class Seaquest {
 public:
  // The submarine's front is at (x, y), its back opposite to `run`. No more can be in the water than there is room for:
  // an enemy crosses in 29 steps when one comes each step, and is slower only when they come seldom; a bullet flies
  // ten.
  struct State {
    std::int32_t x = 5, y = 0, run = -1, oxygen = kMostOxygen, num_divers = 0, is_up = 1, until_shot = 0;
    std::int32_t spawn_interval = kSlowestSpawn, until_spawn = kSlowestSpawn, until_diver = kDiverSpawnInterval;
    std::int32_t enemy_interval = kSlowestEnemy, num_ramps = 0;
    School<4> bullets = {};
    School<48> enemy_bullets = {};
    School<32> fish = {}, subs = {};
    School<4> divers = {};
  };
  enum Channel : std::size_t {
    kSubFront, kSubBack, kFriendlyBullet, kTrail, kEnemyBullet, kEnemyFish, kEnemySub, kOxygen, kDivers, kDiver,
    kChannels
  };
  static constexpr std::int32_t kActions[] = {kNoop, kLeft, kUp, kRight, kDown, kFire};
  static constexpr Painted kColours[] = {{kTrail, {60, 72, 100}},         {kOxygen, {123, 174, 111}},
                                         {kDivers, {224, 160, 92}},       {kDiver, {224, 160, 92}},
                                         {kEnemyFish, {190, 110, 190}},   {kEnemySub, {224, 105, 92}},
                                         {kEnemyBullet, {255, 170, 160}}, {kFriendlyBullet, {250, 222, 137}},
                                         {kSubBack, {62, 118, 150}},      {kSubFront, {102, 178, 214}}};
  static constexpr double kStepNs = 120;

  explicit Seaquest(bool is_ramping) : is_ramping_(is_ramping) {}

  void begin(State&, Random&) const {}

  Turn advance(State& state, std::int32_t action, Random& random) const {
    spawn(state, random);
    steer(state, action);
    std::int32_t reward = move_bullets(state);
    move_divers(state);
    bool is_over = move_subs(state, reward);
    is_over |= move_enemy_bullets(state);
    is_over |= move_fish(state, reward);
    if (state.until_spawn > 0) --state.until_spawn;
    if (state.until_diver > 0) --state.until_diver;
    if (state.until_shot > 0) --state.until_shot;
    is_over |= breathe(state, reward);
    return {reward, is_over};
  }

  void observe(const State& state, Cells<kChannels>& cells) const {
    cells.set(state.x, state.y, kSubFront);
    cells.set_inside(state.x - state.run, state.y, kSubBack);
    for (std::int32_t x = 0; x < state.oxygen * kSize / kMostOxygen; ++x) cells.set(x, kLast, kOxygen);
    for (std::int32_t i = 1; i <= state.num_divers; ++i) cells.set(kLast - i, kLast, kDivers);
    for (const Swimmer& bullet : state.bullets) cells.set(bullet.x, bullet.y, kFriendlyBullet);
    for (const Swimmer& bullet : state.enemy_bullets) cells.set(bullet.x, bullet.y, kEnemyBullet);
    show(state.fish, kEnemyFish, cells);
    show(state.subs, kEnemySub, cells);
    show(state.divers, kDiver, cells);
  }

  bool allows(const State& state) const {
    return all_within(0, kLast, state.x) && all_within(0, kBottom, state.y) && all_within(-1, 1, state.run) &&
           all_within(-1, kMostOxygen, state.oxygen) && all_within(-kMany, kMostDivers, state.num_divers) &&
           all_within(0, 1, state.is_up) && all_within(0, kReload, state.until_shot) &&
           all_within(1, kSlowestSpawn, state.spawn_interval) && all_within(0, kSlowestSpawn, state.until_spawn) &&
           all_within(0, kDiverSpawnInterval, state.until_diver) && all_within(0, kMany, state.num_ramps) &&
           all_within(kFastestEnemy, kSlowestEnemy, state.enemy_interval) && state.bullets.allowed(kMostWait) &&
           state.enemy_bullets.allowed(kMostWait) && state.fish.allowed(kMostWait) && state.subs.allowed(kMostWait) &&
           state.divers.allowed(kMostWait);
  }

 private:
  static constexpr std::int32_t kMostDivers = 6, kMostOxygen = 200, kBottom = 8, kMany = 1 << 20, kMostWait = 10;
  static constexpr std::int32_t kReload = 5, kEnemyReload = 10, kDiverInterval = 5, kDiverSpawnInterval = 30;
  static constexpr std::int32_t kSlowestSpawn = 20, kSlowestEnemy = 5, kFastestEnemy = 2;

  static std::int32_t entry(std::int32_t run) { return run > 0 ? 0 : kLast; }

  static void spawn(State& state, Random& random) {
    if (state.until_spawn == 0) {
      spawn_enemy(state, random);
      state.until_spawn = state.spawn_interval;
    }
    if (state.until_diver == 0) {
      const std::int32_t run = random.below(2) == 0 ? 1 : -1, y = 1 + random.below(kBottom);
      state.divers.add({entry(run), y, run, kDiverInterval, 0});
      state.until_diver = kDiverSpawnInterval;
    }
  }

  // An enemy comes in, unless another comes its way in the same row.
  static void spawn_enemy(State& state, Random& random) {
    const std::int32_t run = random.below(2) == 0 ? 1 : -1;
    const bool is_sub = random.below(3) == 0;
    const std::int32_t y = 1 + random.below(kBottom);
    const auto opposes = [&](const Swimmer& other) { return other.y == y && other.run != run; };
    if (std::any_of(state.subs.begin(), state.subs.end(), opposes)) return;
    if (std::any_of(state.fish.begin(), state.fish.end(), opposes)) return;
    (is_sub ? state.subs : state.fish).add({entry(run), y, run, state.enemy_interval, is_sub ? kEnemyReload : 0});
  }

  static void steer(State& state, std::int32_t action) {
    if (action == kFire && state.until_shot == 0) {
      state.bullets.add({state.x, state.y, state.run, 0, 0});
      state.until_shot = kReload;
    }
    const std::int32_t aside = shift(action, kLeft, kRight);
    if (aside != 0) state.run = aside;
    state.x = std::clamp(state.x + aside, 0, kLast);
    state.y = std::clamp(state.y + shift(action, kUp, kDown), 0, kBottom);
  }

  // The newest swimmers move first: removing one leaves those that are still to move where they are.
  static std::int32_t move_bullets(State& state) {
    std::int32_t num_hits = 0;
    for (std::int32_t i = state.bullets.count - 1; i >= 0; --i) {
      Swimmer& bullet = state.bullets.members[i];
      bullet.x += bullet.run;
      const bool hits = !bullet.has_left() && (removes_at(state.fish, bullet) || removes_at(state.subs, bullet));
      if (hits || bullet.has_left()) state.bullets.remove(&bullet);
      num_hits += hits;
    }
    return num_hits;
  }

  template <typename Kind>
  static bool removes_at(Kind& kind, const Swimmer& other) {
    const Swimmer* hit = kind.find(other.x, other.y);
    if (hit == kind.end()) return false;
    kind.remove(hit);
    return true;
  }

  static void move_divers(State& state) {
    for (std::int32_t i = state.divers.count - 1; i >= 0; --i) {
      Swimmer& diver = state.divers.members[i];
      if (picks_up(state, diver)) continue;
      if (diver.until_move > 0) {
        --diver.until_move;
        continue;
      }
      diver.until_move = kDiverInterval;
      diver.x += diver.run;
      if (diver.has_left()) {
        state.divers.remove(&diver);
      } else {
        picks_up(state, diver);
      }
    }
  }

  static bool picks_up(State& state, const Swimmer& diver) {
    if (!diver.is_at(state.x, state.y) || state.num_divers == kMostDivers) return false;
    state.divers.remove(&diver);
    ++state.num_divers;
    return true;
  }

  static bool move_subs(State& state, std::int32_t& reward) {
    bool is_over = false;
    for (std::int32_t i = state.subs.count - 1; i >= 0; --i) {
      Swimmer sub = state.subs.members[i];
      is_over |= sub.is_at(state.x, state.y);
      const bool is_gone = swim(state, sub, reward);
      is_over |= sub.is_at(state.x, state.y);
      // One that is just gone shoots all the same.
      if (sub.until_shot > 0) {
        --sub.until_shot;
      } else {
        sub.until_shot = kEnemyReload;
        state.enemy_bullets.add({sub.x, sub.y, sub.run, 0, 0});
      }
      keep(state.subs, i, sub, is_gone);
    }
    return is_over;
  }

  static bool move_fish(State& state, std::int32_t& reward) {
    bool is_over = false;
    for (std::int32_t i = state.fish.count - 1; i >= 0; --i) {
      Swimmer fish = state.fish.members[i];
      is_over |= fish.is_at(state.x, state.y);
      const bool is_gone = swim(state, fish, reward);
      is_over |= fish.is_at(state.x, state.y);
      keep(state.fish, i, fish, is_gone);
    }
    return is_over;
  }

  template <typename Kind>
  static void keep(Kind& kind, std::int32_t index, const Swimmer& swimmer, bool is_gone) {
    if (is_gone) {
      kind.remove(kind.members + index);
    } else {
      kind.members[index] = swimmer;
    }
  }

  // Moves an enemy when its time has come; returns whether it is gone, by swimming away or into a bullet.
  static bool swim(State& state, Swimmer& enemy, std::int32_t& reward) {
    if (enemy.until_move > 0) {
      --enemy.until_move;
      return false;
    }
    enemy.until_move = state.enemy_interval;
    enemy.x += enemy.run;
    if (enemy.has_left()) return true;
    if (enemy.is_at(state.x, state.y) || !removes_at(state.bullets, enemy)) return false;
    ++reward;
    return true;
  }

  static bool move_enemy_bullets(State& state) {
    bool is_over = false;
    for (std::int32_t i = state.enemy_bullets.count - 1; i >= 0; --i) {
      Swimmer& bullet = state.enemy_bullets.members[i];
      is_over |= bullet.is_at(state.x, state.y);
      bullet.x += bullet.run;
      is_over |= bullet.is_at(state.x, state.y);
      if (bullet.has_left()) state.enemy_bullets.remove(&bullet);
    }
    return is_over;
  }

  // Uses up air, or takes on some where the submarine has just come up; returns whether that ends the game.
  bool breathe(State& state, std::int32_t& reward) const {
    const bool is_out = state.oxygen <= 0;
    if (state.y > 0) {
      --state.oxygen;
      state.is_up = 0;
    } else if (state.is_up == 0) {
      if (state.num_divers == 0) return true;
      come_up(state, reward);
    }
    return is_out;
  }

  void come_up(State& state, std::int32_t& reward) const {
    state.is_up = 1;
    if (state.num_divers == kMostDivers) {
      reward += state.oxygen * kSize / kMostOxygen;
      state.num_divers = 0;
    }
    // Coming up costs a diver after six too, as in the reference: the next trip begins with one owed.
    --state.num_divers;
    state.oxygen = kMostOxygen;
    if (is_ramping_ && (state.spawn_interval > 1 || state.enemy_interval > kFastestEnemy)) ramp(state);
  }

  static void ramp(State& state) {
    if (state.enemy_interval > kFastestEnemy && state.num_ramps % 2 != 0) --state.enemy_interval;
    if (state.spawn_interval > 1) --state.spawn_interval;
    ++state.num_ramps;
  }

  template <typename Kind>
  static void show(const Kind& kind, std::size_t channel, Cells<kChannels>& cells) {
    for (const Swimmer& swimmer : kind) {
      cells.set(swimmer.x, swimmer.y, channel);
      cells.set_inside(swimmer.behind(), swimmer.y, kTrail);
    }
  }

  bool is_ramping_;
};

HERONRY_MINATAR_GAME("Seaquest", Seaquest)

}  // namespace heronry::games
