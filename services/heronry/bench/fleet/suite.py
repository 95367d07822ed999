"""What `heronry bench fleet` measures, in this order."""

from heronry.bench.fleet.acting import ACTING_MEASUREMENTS
from heronry.bench.fleet.building import BUILD_MEASUREMENTS
from heronry.bench.fleet.central import CENTRAL_MEASUREMENTS
from heronry.bench.fleet.pools import POOL_MEASUREMENTS
from heronry.bench.fleet.service import SERVICE_MEASUREMENTS
from heronry.bench.fleet.stepping import STEPPING_MEASUREMENTS
from heronry.bench.measurement import Measurement

MEASUREMENTS: tuple[Measurement, ...] = (
    *STEPPING_MEASUREMENTS,
    *ACTING_MEASUREMENTS,
    *SERVICE_MEASUREMENTS,
    *POOL_MEASUREMENTS,
    *CENTRAL_MEASUREMENTS,
    *BUILD_MEASUREMENTS,
)
