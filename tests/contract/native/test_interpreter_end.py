"""Loops that run without the interpreter's lock while the interpreter ends."""

import subprocess
import sys

from heronry.native.backend import Loops

PROGRAM = """
import threading
import numpy as np
from heronry.native import measure

has_begun = threading.Event()
values = np.zeros(1 << 24, np.float32)

def go_on():
    while True:
        has_begun.set()
        measure(values)

threading.Thread(target=go_on, daemon=True).start()
has_begun.wait(60.0)
"""


def test_a_thread_in_a_loop_does_not_break_the_end_of_its_program(twins: list[Loops]) -> None:
    assert len(twins) == 2

    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60.0)

    assert (ended.returncode, ended.stderr) == (0, "")
