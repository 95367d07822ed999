"""Run one parameter service: `python -m heronry.params`."""

import sys

from heronry.params.build import build
from heronry.params.config import ParamsSettings
from heronry.runtime.process import run_service

if __name__ == "__main__":
    sys.exit(run_service("params", ParamsSettings, build))
