"""`python -m heronry.learner`."""

import sys

from heronry.learner import Settings, build
from heronry.runtime.process import run_service

if __name__ == "__main__":
    sys.exit(run_service("learner", Settings, build))
