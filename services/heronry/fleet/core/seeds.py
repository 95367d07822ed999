"""Where every random number of a fleet comes from.

Each stream is a `SeedSequence` over (run seed, purpose, fleet index, start, environment index):
distinct for every environment, every fleet, and every start of a fleet, so that one that was
restarted does not play its old episodes again.
"""

import numpy as np

# Some engines take 31 bits of a seed.
_NARROWEST = 2**31

_ENVIRONMENT = 1
_POLICY = 2
_EVALUATION = 3


def environment_seeds(run_seed: int, fleet_index: int, start: int, num_envs: int) -> list[int]:
    """Return the seed of each training environment's first episode; they differ in their last 31 bits."""
    seeds: dict[int, int] = {}
    for i in range(num_envs):
        words = [run_seed, _ENVIRONMENT, fleet_index, start, i]
        # Of a thousand random words two are alike once in four thousand fleets: the later one is drawn again.
        while (seed := _integer(words)) % _NARROWEST in seeds:
            words.append(0)
        seeds[seed % _NARROWEST] = seed
    return list(seeds.values())


def policy_generator(run_seed: int, fleet_index: int, start: int) -> np.random.Generator:
    """Return the generator that the behaviour policy draws its actions from."""
    return np.random.default_rng(np.random.SeedSequence([run_seed, _POLICY, fleet_index, start]))


def evaluation_generator(seed: int) -> np.random.Generator:
    """Return the generator of an evaluation that samples its actions."""
    return np.random.default_rng(np.random.SeedSequence([seed, _EVALUATION]))


def _integer(words: list[int]) -> int:
    return int(np.random.SeedSequence(words).generate_state(1)[0])
