"""A program of `support/forking.py`: parameter services that are killed around a release.

Each of them is the real one, `heronry.params`' main function, but for one method: it kills the process with -9 at a
point around a release. Arguments: POINT NTH DELAY_S FLAGS...
"""

import itertools
import os
import signal
import threading
from collections.abc import Callable

from heronry.params import ParamsSettings, build
from heronry.params.core import models
from heronry.params.core.model import Model
from heronry.params.core.private.guard import Guard
from heronry.params.core.private.model_privacy import ModelPrivacy
from heronry.privacy.accounting import load_library
from heronry.runtime.process import run_service

POINTS = {
    "before_reserve": (Guard, "reserve", True),
    "after_reserve": (Guard, "reserve", False),
    "after_noise": (models, "plan_release", False),
    "after_publish": (Model, "commit_release", False),
    "after_commit": (Guard, "commit", False),
    # When the first contribution of a round comes; with correlated noise a horizon may just have been paid for.
    "after_draw": (ModelPrivacy, "_add_noise", False),
}


def arm(point: str, nth: int, delay_s: float) -> None:
    """Have the process killed at the nth time that it comes to a point, or so much later."""
    if point == "never":
        return
    holder, name, is_before = POINTS[point]
    method: Callable = getattr(holder, name)
    arrivals = itertools.count(1)

    def reached() -> None:
        if next(arrivals) != nth:
            return
        if delay_s:
            threading.Timer(delay_s, die).start()
        else:
            die()

    def armed(*args: object, **kwargs: object) -> object:
        if is_before:
            reached()
        result = method(*args, **kwargs)
        if not is_before:
            reached()
        return result

    setattr(holder, name, armed)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> int:
    point, nth, delay_s, *flags = arguments
    arm(point, int(nth), float(delay_s))
    return run_service("params", ParamsSettings, build, flags)


load_library()
