"""What `heronry bench replay` measures, in this order."""

from heronry.bench.measurement import Measurement
from heronry.bench.replay import logs, memory, scaling, snapshots, waits
from heronry.bench.replay.rate_cases import RATE_GROUPS

MEASUREMENTS: tuple[Measurement, ...] = (
    *(group.measurement for group in RATE_GROUPS),
    Measurement(waits.LATENCY_CASES, waits.latency, 15.0, 18.0),
    Measurement(waits.MIXED_CASES, waits.mixed, 8.0, 24.0),
    *memory.MEMORY_MEASUREMENTS,
    *snapshots.SNAPSHOT_MEASUREMENTS,
    *logs.LOG_MEASUREMENTS,
    *scaling.SCALING_MEASUREMENTS,
)
