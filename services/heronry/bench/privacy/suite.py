"""What `heronry bench privacy` measures, in this order."""

from heronry.bench.measurement import Measurement
from heronry.bench.privacy.budgets import BUDGET_MEASUREMENTS
from heronry.bench.privacy.ledgers import LEDGER_MEASUREMENTS
from heronry.bench.privacy.noise import NOISE_MEASUREMENTS
from heronry.bench.privacy.rounds import MEMORY_MEASUREMENTS, ROUND_MEASUREMENTS
from heronry.bench.privacy.secure import SECURE_MEASUREMENTS

MEASUREMENTS: tuple[Measurement, ...] = (
    *NOISE_MEASUREMENTS,
    *ROUND_MEASUREMENTS,
    *MEMORY_MEASUREMENTS,
    *LEDGER_MEASUREMENTS,
    *BUDGET_MEASUREMENTS,
    *SECURE_MEASUREMENTS,
)
