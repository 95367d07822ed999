"""`python -m heronry.coordinator`."""

import sys

from heronry.coordinator import CoordinatorSettings, build
from heronry.runtime.process import run_service

if __name__ == "__main__":
    sys.exit(run_service("coordinator", CoordinatorSettings, build))
