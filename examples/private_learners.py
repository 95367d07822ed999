"""Many clients teach one policy and each keeps its CartPole to itself: `python private_learners.py [--epsilon 8,1]`.

Every client has an identity and a CartPole of its own build. Four processes host them; the service flips a coin for
each client and round, clips what the drawn ones contribute, adds noise and publishes a version. All versions together
are (epsilon, delta)-differentially private for a client; `none` is the same without noise and without a claim. The
result file carries the claim as the service states it. See private_cartpole/README.md.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from arguments import numbers, whole_number
from local_service import params_service, patient
from private_cartpole.clients import Clients, identities
from private_cartpole.hosts import NUM_PROCESSES, WEIGHTS, hosted
from private_cartpole.policy import Array, initial_weights
from private_cartpole.results import Returns, run_document
from private_cartpole.settings import Setting

from heronry.client import HeronryError
from heronry.client.sync import ParamsClient

TARGET_RETURN, PATIENCE_S = 400.0, 240.0
_NUM_EPISODES, _OTHERS_SEED = 10, 1_000_000


def learn(address: str, setting: Setting, noise_multiplier: float, seed: int) -> dict[str, Any]:
    """Train one model to its end; return the run's document."""
    began, model = time.monotonic(), f"cart-poles-{setting.num_clients}-epsilon-{setting.label}-seed-{seed}"
    client_ids = identities(setting.num_clients)
    with ParamsClient(address, patient("leader")) as params:
        first = {WEIGHTS: initial_weights(seed)}
        _, is_new = params.register_model(model, first, setting.model_settings(noise_multiplier))
        if not is_new:
            raise SystemExit(f"error: the service has a model {model!r}, whose budget an earlier run has spent")
        newest = params.pull(model)
        with hosted(address, model, client_ids, seed=seed, num_rounds=setting.num_rounds):
            while newest.version.number <= setting.num_rounds:
                newer = params.pull(model, newer_than=newest.version, wait_s=PATIENCE_S)
                if newer is None:
                    raise SystemExit(f"error: no round of {model} closed for {PATIENCE_S:g} s")
                newest = newer
        last = params.pull(model, number=setting.num_rounds + 1)
        status = params.get_privacy_status(model)
    returns = _judged(np.asarray(last[WEIGHTS]), client_ids, seed)
    return run_document(setting, seed, status, returns, time.monotonic() - began)


def _judged(weights: Array, client_ids: list[str], seed: int) -> Returns:
    clients, others = Clients(client_ids, seed=seed), Clients(client_ids, seed=_OTHERS_SEED + seed)
    own = list(clients.returns(weights, _NUM_EPISODES).values())
    return Returns(
        own=statistics.fmean(own),
        worst_client=min(own),
        others=statistics.fmean(others.returns(weights, _NUM_EPISODES).values()),
        untrained=statistics.fmean(clients.returns(initial_weights(seed), _NUM_EPISODES).values()),
    )


def _read() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="", help="a parameter service; otherwise one is started")
    parser.add_argument(
        "--epsilon", type=numbers(0.01, 20, "none"), default=[8.0], help="limits, `none` is no claim; otherwise 8"
    )
    parser.add_argument(
        "--clients", type=whole_number(NUM_PROCESSES, 800), default=200, help=f"{NUM_PROCESSES} to 800; otherwise 200"
    )
    parser.add_argument("--rounds", type=whole_number(1, 1000), default=20, help="1 to 1000; otherwise 20")
    parser.add_argument("--seeds", type=whole_number(1, 100), default=3, help="runs of each; 1 to 100, otherwise 3")
    parser.add_argument("--first-seed", type=whole_number(0, 999_000), default=100, help="otherwise 100")
    parser.add_argument("--out", type=Path, default=Path("private_learners.json"), help="the result file")
    arguments = parser.parse_args()
    if not arguments.out.parent.is_dir():
        parser.error(f"argument --out: got '{arguments.out}', allowed: a file in a folder that exists")
    return arguments


def _told(run: dict[str, Any], label: str) -> tuple[str, bool]:
    """Return a run's line of the table, and whether it reached the target."""
    returns, spent = run["returns"], run["claim"].get("epsilon_spent")
    is_reached = min(returns["own"], returns["others"]) >= TARGET_RETURN
    told, met = "-" if spent is None else f"{spent:.4g}", "reached" if is_reached else "missed"
    figures = f"{returns['own']:6.1f} {returns['others']:6.1f} {met:>7} {run['seconds']:7.1f}"
    return f"{label:>7} {run['seed']:6} {told:>7} {figures}", is_reached


def main() -> int:
    """Train with each epsilon and seed; return 0 when every run reached the target."""
    arguments = _read()
    runs: list[dict[str, Any]] = []
    is_met = True
    with params_service(arguments.address) as address:
        print(
            f"{'epsilon':>7} {'seed':>6} {'spent':>7} {'own':>6} {'others':>6} {'target':>7} {'seconds':>7}", flush=True
        )
        for epsilon in arguments.epsilon:
            setting = Setting(epsilon, arguments.clients, arguments.rounds)
            noise_multiplier = setting.noise_multiplier()
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
                runs.append(learn(address, setting, noise_multiplier, seed))
                line, is_reached = _told(runs[-1], setting.label)
                is_met &= is_reached
                print(line, flush=True)
                arguments.out.write_text(json.dumps({"runs": runs}, indent=1) + "\n")
    return 0 if is_met else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except HeronryError as error:
        raise SystemExit(f"error: {error}") from error
