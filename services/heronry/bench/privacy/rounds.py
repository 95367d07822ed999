"""A round of 4 workers that each push 40 MB to a private model, in turn with the same round of a model that is not.

Floor: 10 million draws of noise, and sums of 8 bytes a parameter where others have 4.
"""

import fnmatch
import statistics
from collections.abc import Iterator, Sequence

from heronry.bench.measurement import Measurement
from heronry.bench.params.memory import PeakMemory
from heronry.bench.params.rounds import NUM_FLOATS, NUM_WORKERS, RoundCase, RoundRig, Times
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

_NUM_ROUNDS = 20
_NUM_WARM_UP = 8
"""Until the service's memory has its size: fresh pages cost more than the noise."""
_ROUND_S = 0.5
_START_S = 10.0
_MODEL_BYTES = 4 * NUM_FLOATS
_PLAIN = RoundCase("plain")
CASE = "privacy.round.4x40mb"
MEMORY_CASE = "privacy.memory.round_4x40mb"
GOAL, CLOSES_AT = 1.15, 1.25
CASES = (
    RoundCase("independent", GOAL, CLOSES_AT, noise="rounded"),
    RoundCase("buffers_2", noise="buffers_2"),
    RoundCase("buffers_4", noise="buffers_4"),
)
"""Goals are of the ratio to the plain round."""


def cases_of(case: RoundCase) -> tuple[str, ...]:
    """Return the rows of a case."""
    return tuple(f"{CASE}.{case.name}{row}" for row in ("", ".to_plain", ".server_cpu"))


def rounds(peers: Peers, cases: Sequence[RoundCase]) -> Iterator[Row]:
    """Yield the seconds of private rounds, their ratio to the plain round before, and what they add to the server."""
    del peers
    with RoundRig(num_warm_up=_NUM_WARM_UP) as rig:
        rig.add((_PLAIN, *cases))
        times = rig.measure((_PLAIN.name, *(case.name for case in cases)), _NUM_ROUNDS)
        for case in cases:
            if case.noise == "rounded":
                rig.check_noise(case, _NUM_WARM_UP + _NUM_ROUNDS)
    for case in cases:
        yield from _rows(case, times[case.name], times[_PLAIN.name])


def _rows(case: RoundCase, private: Times, plain: Times) -> Iterator[Row]:
    seconds, ratio, cpu = cases_of(case)
    settings = {"workers": NUM_WORKERS, "noise": case.noise, **private.told(), **plain.told("plain_")}
    beside = {"reference": "the same without privacy", "reference_value": statistics.median(plain.seconds)}
    yield Row.of(seconds, private.seconds, "s", "lower", settings=settings, **beside)
    ratios = [mine / theirs for mine, theirs in zip(private.seconds, plain.seconds, strict=True)]
    closing = {"closes_at": case.closes_at} if case.closes_at else {}
    yield Row.of(ratio, ratios, "of the plain round", "lower", goal=case.goal, settings=closing)
    beside = {"reference": "the same without privacy", "reference_value": statistics.median(plain.server_cpu_s)}
    yield Row.of(cpu, private.server_cpu_s, "CPU s", "lower", **beside)


def memory(peers: Peers) -> Iterator[Row]:
    """Yield the growth of the service's resident memory in a first round, in models, beside the plain one's."""
    del peers
    private, plain = (_growth(case) for case in (CASES[0], _PLAIN))
    beside = {"reference": "the same without privacy", "reference_value": plain}
    settings = {"workers": NUM_WORKERS, "model_bytes": _MODEL_BYTES}
    yield Row.of(MEMORY_CASE, [private], "models", "lower", settings=settings, **beside)


def _growth(case: RoundCase) -> float:
    with RoundRig(num_warm_up=0) as rig:
        rig.add((case,))
        server = rig.server_of(case)
        before = server.resident_bytes()
        with PeakMemory(server) as peak:
            rig.measure((case.name,), 1)
    return (peak.num_bytes - before) / _MODEL_BYTES


def _measurement(cases: tuple[RoundCase, ...]) -> Measurement:
    seconds = _START_S + (len(cases) + 1) * (_NUM_ROUNDS + _NUM_WARM_UP) * _ROUND_S
    names = tuple(name for case in cases for name in cases_of(case))
    return Measurement(
        names,
        lambda peers: rounds(peers, cases),
        seconds,
        narrow=lambda pattern: _measurement(tuple(c for c in cases if fnmatch.filter(cases_of(c), pattern))),
    )


ROUND_MEASUREMENTS = tuple(_measurement((case,)) for case in CASES)
MEMORY_MEASUREMENTS = (Measurement((MEMORY_CASE,), memory, 2 * _START_S),)
