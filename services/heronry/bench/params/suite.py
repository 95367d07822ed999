"""What `heronry bench params` measures, in this order."""

from heronry.bench.measurement import Measurement
from heronry.bench.params.aggregates import AGGREGATE_MEASUREMENTS
from heronry.bench.params.asynchronous import ASYNC_MEASUREMENTS
from heronry.bench.params.codecs import CODEC_MEASUREMENTS
from heronry.bench.params.memory import MEMORY_MEASUREMENTS
from heronry.bench.params.rounds import ROUND_MEASUREMENTS
from heronry.bench.params.small_calls import SMALL_CALL_MEASUREMENTS
from heronry.bench.params.transfers import TRANSFER_MEASUREMENTS

MEASUREMENTS: tuple[Measurement, ...] = (
    *ROUND_MEASUREMENTS,
    *TRANSFER_MEASUREMENTS,
    *AGGREGATE_MEASUREMENTS,
    *MEMORY_MEASUREMENTS,
    *SMALL_CALL_MEASUREMENTS,
    *ASYNC_MEASUREMENTS,
    *CODEC_MEASUREMENTS,
)
