"""`python -m heronry.bench.fleet.inference_client SOCKET NAME LANES SECONDS`: CartPoles that ask for every step.

Prints one JSON line: steps a second, and median and 99th percentile of a step's time in ms.
"""

import json
import sys
import time

import numpy as np
import uvloop

from heronry.bench.fleet.inference_server import RUN_ID
from heronry.client import InferenceClient
from heronry.maths.policies import sampler_for
from heronry.maths.spaces import ActionSpace
from heronry.native.games import make_game
from heronry.types.inference import LaneGroup
from heronry.types.tensors import ElementType

_UNROLL = 64
_WARM_UP_S = 1.0


async def _play(address: str, name: str, num_lanes: int, seconds: float) -> dict[str, float]:
    async with InferenceClient(address) as client:
        stream = client.stream(LaneGroup(RUN_ID, name, 1, num_lanes, ElementType.FLOAT32, (4,)))
        game, sampler = (
            make_game("CartPole-v1", num_lanes, {}),
            sampler_for("ppo", ActionSpace("discrete", num_actions=2)),
        )
        observations, out = game.reset(np.arange(num_lanes, dtype=np.uint64)), game.new_arrays()
        actions, rng = np.empty(num_lanes, np.int64), np.random.default_rng(1)
        times: list[float] = []
        begun = time.perf_counter()
        while time.perf_counter() < begun + _WARM_UP_S + seconds:
            await stream.begin_unroll()
            sampler.begin(_UNROLL, num_lanes, sampler.draw(_UNROLL, num_lanes, rng))
            for step in range(_UNROLL):
                asked = time.perf_counter()
                outputs = await stream.infer(observations)
                sampler.choose(step, outputs, actions)
                game.step(actions, out)
                observations = out.observations
                if asked > begun + _WARM_UP_S:
                    times.append(time.perf_counter() - asked)
    milliseconds = 1e3 * np.array(times)
    return {
        "steps_per_s": num_lanes * len(times) / (seconds if times else 1.0),
        "p50_ms": float(np.percentile(milliseconds, 50)),
        "p99_ms": float(np.percentile(milliseconds, 99)),
    }


if __name__ == "__main__":
    _, where, who, lanes, window = sys.argv
    print(json.dumps(uvloop.run(_play(where, who, int(lanes), float(window)))))
