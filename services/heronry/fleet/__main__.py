"""`python -m heronry.fleet`."""

import sys

from heronry.fleet import Settings, build
from heronry.runtime.process import run_service

if __name__ == "__main__":
    sys.exit(run_service("fleet", Settings, build))
