"""One suite over both twins: a network acts in a game for many steps."""

import numpy as np
import pytest

from heronry.native import NetworkShape, NothingToChooseError, collect, make_network
from heronry.native.backend import Loops
from heronry.native.games import Game, make_game

NUM_STEPS = 20


def parts(loops: Loops, name: str, num_lanes: int, num_threads: int = 1):
    """Return a game, a network for it and room for what is filled."""
    game = make_game(name, num_lanes, {}, num_threads, loops=loops)
    size = int(np.prod(game.info.observation_shape))
    num_outputs = game.info.num_actions or len(game.info.action_low)
    shape = NetworkShape((1, 1, size), [], [8, num_outputs], "tanh")
    network = make_network(shape, loops=loops)
    rng = np.random.default_rng(0)
    network.load(rng.normal(size=8 * size + 8 + 8 * num_outputs + num_outputs).astype(np.float32))
    return game, network, room(game, num_outputs)


def room(game: Game, num_outputs: int):
    rows = NUM_STEPS, game.num_lanes
    steps = game.new_arrays(NUM_STEPS)
    action_shape = rows if game.info.num_actions else (*rows, num_outputs)
    columns = {
        "observation": steps.observations,
        "next_observation": steps.next_observations,
        "reward": steps.rewards,
        "terminated": steps.terminated,
        "truncated": steps.truncated,
        "outputs": np.empty((*rows, num_outputs), np.float32),
        "action": np.empty(action_shape, np.int64 if game.info.num_actions else np.float32),
        "shown": game.reset(np.arange(game.num_lanes, dtype=np.uint64)),
    }
    if game.info.is_masked:
        columns["action_mask"] = np.empty((*rows, num_outputs), np.bool_)
    if not game.info.num_actions:
        columns["low"] = np.array(game.info.action_low, np.float32)
        columns["high"] = np.array(game.info.action_high, np.float32)
    return columns


def randoms_for(columns, rule: str):
    rng = np.random.default_rng(1)
    outputs = columns["outputs"]
    if rule == "gumbel":
        return {"gumbel": rng.gumbel(size=outputs.shape).astype(np.float32)}
    if rule == "deviation":
        return {"deviation": (9.0 * rng.normal(size=outputs.shape)).astype(np.float32)}
    numbers = rng.integers(2**62 if "action_mask" in columns else outputs.shape[-1], size=outputs.shape[:2])
    return {"explores": rng.random(outputs.shape[:2]) < 0.5, "action": numbers}


CASES = [
    ("CartPole-v1", "gumbel"),
    ("CartPole-v1", "explores"),
    ("Pendulum-v1", "deviation"),
    ("ConnectFour-v0", "gumbel"),
    ("ConnectFour-v0", "explores"),
    ("MinAtar/Breakout-v1", "gumbel"),
]


def collected(loops: Loops, name: str, rule: str, num_lanes: int = 6, num_threads: int = 1):
    game, network, columns = parts(loops, name, num_lanes, num_threads)
    collect(game.engine, network, columns, randoms_for(columns, rule), NUM_STEPS, loops=loops)
    return columns


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_it_is_what_evaluating_choosing_and_stepping_in_turn_comes_to(loops: Loops, name: str, rule: str) -> None:
    columns = collected(loops, name, rule)

    game, network, again = parts(loops, name, 6)
    numbers = randoms_for(again, rule)
    shown = again["shown"]
    outputs = np.empty(again["outputs"].shape[1:], np.float32)
    for t in range(NUM_STEPS):
        np.testing.assert_array_equal(columns["observation"][t], shown)
        network.evaluate(shown, outputs)
        executed = columns["action"][t]
        if rule == "deviation":
            np.testing.assert_array_equal(executed, outputs + numbers["deviation"][t])
            executed = np.clip(executed, again["low"], again["high"])
        else:
            mask = game.action_masks() if game.info.is_masked else np.ones(outputs.shape, np.bool_)
            values = np.where(mask, outputs, -np.inf).astype(np.float32)
            np.testing.assert_array_equal(columns["outputs"][t], values)
            expected = (values + numbers["gumbel"][t] if rule == "gumbel" else values).argmax(axis=1)
            for lane in np.flatnonzero(numbers["explores"][t]) if rule == "explores" else ():
                allowed = np.flatnonzero(mask[lane])
                expected[lane] = allowed[numbers["action"][t, lane] % len(allowed)]
            np.testing.assert_array_equal(executed, expected)
        step = game.new_arrays()
        game.step(np.ascontiguousarray(executed), step)
        for column, array in zip(("reward", "terminated", "truncated", "next_observation"), step[1:], strict=True):
            np.testing.assert_array_equal(columns[column][t], array)
        shown = step.observations
    np.testing.assert_array_equal(columns["shown"], shown)


@pytest.mark.parametrize(("name", "rule"), [CASES[0], CASES[3]])
def test_threads_change_nothing(loops: Loops, name: str, rule: str) -> None:
    one, two = (collected(loops, name, rule, num_lanes=48, num_threads=n) for n in (1, 2))

    for column, array in one.items():
        np.testing.assert_array_equal(array, two[column], err_msg=column)


def test_an_action_that_is_no_number_names_its_lane(loops: Loops) -> None:
    game, network, columns = parts(loops, "Pendulum-v1", 3)
    randoms = randoms_for(columns, "deviation")
    randoms["deviation"][4, 2] = np.nan

    with pytest.raises(NothingToChooseError, match="lane 2"):
        collect(game.engine, network, columns, randoms, NUM_STEPS, loops=loops)


def test_arrays_that_do_not_fit_are_refused_by_the_native_loop(twins: list[Loops]) -> None:
    loops = twins[0]
    game, network, columns = parts(loops, "CartPole-v1", 6)
    randoms = randoms_for(columns, "gumbel")

    for name, wrong in [
        ("reward", np.empty((NUM_STEPS, 5), np.float32)),
        ("action", np.empty((NUM_STEPS, 6), np.int32)),
        ("observation", np.empty((NUM_STEPS, 6, 5), np.float32)),
        ("reward", np.empty((NUM_STEPS, 12), np.float32)[:, ::2]),
    ]:
        with pytest.raises((TypeError, ValueError)):
            collect(game.engine, network, {**columns, name: wrong}, randoms, NUM_STEPS, loops=loops)
    with pytest.raises(ValueError, match="gumbel"):
        collect(game.engine, network, columns, {"gumbel": randoms["gumbel"][:3]}, NUM_STEPS, loops=loops)
    numbers = {"explores": np.ones((NUM_STEPS, 6), np.bool_), "action": np.full((NUM_STEPS, 6), 2)}
    with pytest.raises(IndexError, match="choice"):
        collect(game.engine, network, columns, numbers, NUM_STEPS, loops=loops)
