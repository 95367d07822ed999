"""A program of `support/forking.py`: `heronry ARGUMENTS...`.

`heronry serve params` and `heronry serve replay` are the services at once: of a new interpreter there is no need.
"""

import importlib
import pkgutil

import heronry.cli
from heronry.cli.main import main as run_command
from heronry.params import ParamsSettings
from heronry.params import build as build_params
from heronry.privacy.accounting import load_library
from heronry.replay import ReplaySettings
from heronry.replay import build as build_replay
from heronry.runtime.process import run_service

SERVICES = {"params": (ParamsSettings, build_params), "replay": (ReplaySettings, build_replay)}


def main(arguments: list[str]) -> int:
    if arguments[:1] != ["serve"] or arguments[1] not in SERVICES:
        return run_command(arguments)
    role, *flags = arguments[1:]
    settings, build = SERVICES[role]
    return run_service(role, settings, build, flags)


load_library()
# Commands load these when they need them.
for module in pkgutil.iter_modules(heronry.cli.__path__, "heronry.cli."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
for name in ("gymnasium", "torch", "heronry.datasets", "heronry.learner", "heronry.fleet"):
    importlib.import_module(name)
