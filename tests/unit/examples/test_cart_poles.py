"""The private example's CartPoles are Gymnasium's."""

import gymnasium
import numpy as np
import pytest
from private_cartpole.cart_poles import Variants, has_fallen, start_state, step
from private_cartpole.episodes import play_greedily
from private_cartpole.policy import initial_weights


def gymnasium_with(variants: Variants, seed: int) -> gymnasium.Env:
    env = gymnasium.make("CartPole-v1").unwrapped
    env.reset(seed=seed)
    env.gravity, env.masscart, env.masspole = variants.gravity[0], variants.cart_mass[0], variants.pole_mass[0]
    env.length, env.force_mag = variants.half_length[0], variants.force[0]
    env.total_mass, env.polemass_length = env.masscart + env.masspole, env.masspole * env.length
    return env


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("is_standard", [True, False])
def test_an_episode_goes_as_in_gymnasium(seed: int, is_standard: bool) -> None:
    rng = np.random.default_rng(seed)
    variants = Variants.standard(1) if is_standard else Variants.drawn([rng])
    env = gymnasium_with(variants, seed)
    state, has_ended = np.array(env.state, np.float64)[:, None], False

    while not has_ended:
        pushes_right = bool(rng.random() < 0.5)
        has_ended = env.step(int(pushes_right))[2]
        state = step(variants, state, np.array([pushes_right]))

        # The same operations in the same order; sines of other libraries may differ by a last bit.
        np.testing.assert_allclose(state[:, 0], env.state, rtol=1e-11, atol=1e-14)
        assert has_fallen(state)[0] == has_ended


def test_builds_lie_within_their_public_ranges() -> None:
    variants = Variants.drawn([np.random.default_rng(seed) for seed in range(300)])

    assert 7.8 < variants.gravity.min() < 8.1 < 11.5 < variants.gravity.max() < 11.8
    assert 0.25 <= variants.half_length.min() < 0.27 < 0.73 < variants.half_length.max() <= 0.75


def test_an_episode_does_not_depend_on_those_played_beside_it() -> None:
    variants = Variants.drawn([np.random.default_rng(seed) for seed in range(6)])
    state, weights = start_state(np.random.default_rng(0), 6), initial_weights(0)

    together = play_greedily(weights, variants, state)

    alone = [int(play_greedily(weights, variants.rows(np.array([i])), state[:, [i]])[0]) for i in range(6)]
    assert together.tolist() == alone
