"""Train one policy on many clients' CartPoles under differential privacy: `python train.py --epsilon 8 --seed 0`.

With `--epsilon inf` there is no noise and no claim. Prints one JSON document. The claim covers the policy. It does not
cover the returns on the clients' own CartPoles, which only a simulation may show; those on other CartPoles, drawn from
the same public ranges, tell nothing of the clients that the policy does not.
"""

import argparse
import json
import math
import time
from dataclasses import asdict, replace

from policy import initial_weights
from settings import Setting
from simulated_server import SimulatedServer

from clients import Clients, identities

_EVALUATION_EPISODES = 10
_OTHERS_SEED = 1_000_000


def train(setting: Setting, seed: int) -> dict[str, object]:
    """Run all rounds; return the claim and what the policy reaches."""
    began = time.process_time()
    client_ids = identities(setting.num_clients)
    clients = Clients(client_ids, seed=seed)
    server = SimulatedServer(setting, initial_weights(seed), client_ids, seed=seed)
    for number in range(setting.num_rounds):
        server.close(clients.updates(server.weights, server.cohort(), number))
    cpu_s = time.process_time() - began
    own = clients.returns(server.weights, _EVALUATION_EPISODES)
    others = Clients(client_ids, seed=_OTHERS_SEED + seed).returns(server.weights, _EVALUATION_EPISODES)
    return {
        "setting": asdict(setting) | {"noise_multiplier": setting.noise_multiplier()},
        "seed": seed,
        "mean_return": _mean(own),
        "worst_client_return": min(own.values()),
        "mean_return_of_others": _mean(others),
        "environment_steps": clients.num_steps,
        "cpu_s": cpu_s,
    }


def _mean(returns: dict[str, float]) -> float:
    return sum(returns.values()) / len(returns)


def main() -> None:
    """Read the command line, train, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epsilon", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-clients", type=int, default=Setting.num_clients)
    options = parser.parse_args()
    setting = Setting(epsilon=options.epsilon if math.isfinite(options.epsilon) else None)
    print(json.dumps(train(replace(setting, num_clients=options.num_clients), options.seed), indent=2))


if __name__ == "__main__":
    main()
