"""Runs a replay service: `python -m heronry.replay`."""

import sys

from heronry.replay.config import ReplaySettings
from heronry.replay.service import build
from heronry.runtime import run_service

if __name__ == "__main__":
    sys.exit(run_service("replay", ReplaySettings, build))
