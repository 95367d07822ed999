"""What `heronry bench replay` measures, in this order."""

from heronry.bench.measurement import Measurement
from heronry.bench.replay import durability, memory, scaling, waits
from heronry.bench.replay.rate_cases import RATE_CASES

MEASUREMENTS: tuple[Measurement, ...] = (
    *(case.measurement for case in RATE_CASES),
    Measurement(waits.LATENCY_CASES, waits.latency),
    Measurement(waits.MIXED_CASES, waits.mixed),
    Measurement(memory.MEMORY_CASES, memory.resident_bytes),
    Measurement(durability.SNAPSHOT_CASES, durability.snapshots),
    Measurement(durability.LOG_CASES, durability.log_shares),
    Measurement(scaling.SCALING_CASES, scaling.sample_cost),
)
