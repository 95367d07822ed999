"""What a client of the private example contributes, and what its model claims."""

import numpy as np
import pytest
from private_cartpole.cart_poles import MAX_STEPS
from private_cartpole.clients import Clients, identities
from private_cartpole.episodes import Episodes
from private_cartpole.policy import NUM_PARAMETERS, hidden_and_logit, initial_weights, logit_gradient
from private_cartpole.settings import Setting

from heronry.client import NormBoundedMean, SynchronousRounds
from heronry.types.consistency import SampledRounds
from heronry.types.privacy import IndependentNoise, PrivacyUnit

SEED, ROUND = 3, 1


def test_the_gradient_of_the_log_odds_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(0)
    weights, inputs, outer = initial_weights(0).astype(np.float64), rng.normal(size=(4, 50)), rng.normal(size=50)

    def value(at: np.ndarray) -> float:
        return float(outer @ hidden_and_logit(at, inputs)[1])

    gradient = logit_gradient(weights, inputs, hidden_and_logit(weights, inputs)[0], outer)

    expected = [(value(weights + 1e-6 * e) - value(weights - 1e-6 * e)) / 2e-6 for e in np.eye(NUM_PARAMETERS)]
    np.testing.assert_allclose(gradient, expected, atol=1e-7)


def test_an_update_depends_neither_on_the_host_nor_on_the_cohort() -> None:
    client_ids, weights = identities(8), initial_weights(SEED)
    everywhere, half = Clients(client_ids, seed=SEED), Clients(client_ids[4:], seed=SEED)

    together = everywhere.updates(weights, client_ids, ROUND)
    apart = half.updates(weights, client_ids[5:3:-1], ROUND)

    assert list(apart) == client_ids[5:3:-1]
    for client_id, update in apart.items():
        np.testing.assert_allclose(update, together[client_id], rtol=1e-4, atol=1e-6)


def test_clients_rounds_and_seeds_have_luck_of_their_own() -> None:
    one, other = identities(2)
    weights = initial_weights(SEED)

    first = Clients([one, other], seed=SEED).updates(weights, [one, other], ROUND)
    later = Clients([one], seed=SEED).updates(weights, [one], ROUND + 1)
    elsewhere = Clients([one], seed=SEED + 1).updates(weights, [one], ROUND)

    updates = [first[one], first[other], later[one], elsewhere[one]]
    assert len({update.tobytes() for update in updates}) == 4


def test_a_return_to_go_is_a_geometric_sum_of_the_steps_left() -> None:
    episodes = Episodes(np.zeros((4, 3, 2), np.float32), np.zeros((3, 2), np.bool_), np.array([3, 1]))

    to_go = episodes.returns_to_go(0.5)

    np.testing.assert_allclose(to_go, [[1.75, 1.0], [1.5, 0.0], [1.0, 0.0]])


def test_a_policy_that_never_falls_has_nothing_to_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("private_cartpole.episodes.has_fallen", lambda state: np.zeros(state.shape[1], np.bool_))
    [client_id] = identities(1)
    clients = Clients([client_id], seed=SEED)

    update = clients.updates(initial_weights(SEED), [client_id], ROUND)[client_id]

    assert clients.num_steps == 8 * MAX_STEPS
    assert not update.any()


def test_a_claim_is_for_all_clients_and_counts_on_a_secret_cohort() -> None:
    settings = Setting(epsilon=2.0, num_clients=200).model_settings(noise_multiplier=4.7)

    privacy, rounds = settings.privacy, settings.consistency
    assert privacy is not None
    assert (privacy.unit, privacy.population, privacy.epsilon_limit) == (PrivacyUnit.CLIENT, 200, 2.0)
    assert privacy.delta <= 1 / (10 * privacy.population)
    assert isinstance(privacy.noise, IndependentNoise)
    assert privacy.noise.is_amplified
    assert isinstance(rounds, SampledRounds)
    assert (rounds.num_clients, rounds.expected_size) == (200, 100)


def test_without_a_claim_rounds_are_ordinary_ones_with_the_same_bound() -> None:
    setting = Setting(epsilon=None)

    settings = setting.model_settings(setting.noise_multiplier())

    assert settings.privacy is None
    assert isinstance(settings.consistency, SynchronousRounds)
    assert settings.consistency.cohort_size == 100
    assert settings.aggregation.rule == NormBoundedMean(Setting.clipping_norm)
