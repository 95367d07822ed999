"""Every performance figure in docs/benchmarks.md, measured again on this machine."""

from heronry.bench.rows import Row
from heronry.bench.suites import SUITES, run_suite

__all__ = ["SUITES", "Row", "run_suite"]
