"""How long this process has existed: what the user has waited since typing the command."""

import os
import time
from pathlib import Path

_FIELD_STARTTIME = 19
"""Index of `starttime` among the fields that follow the command's name in /proc/self/stat."""


def process_age_s() -> float:
    """Return the age of this process in seconds, to a hundredth.

    From /proc and the boot clock, not from psutil: its creation time hangs on the second in which
    the machine was booted and errs by up to one.
    """
    after_name = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    start_s = int(after_name.split()[_FIELD_STARTTIME]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_s


def process_start_time_s() -> float:
    """Return when this process began, in seconds since 1970."""
    return time.time() - process_age_s()
