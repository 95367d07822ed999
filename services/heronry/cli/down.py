"""`heronry down`: end the mesh that `heronry up` holds."""

import os
import signal
import sys
import time

from heronry.cli.mesh_state import MeshState, remove_stale_state
from heronry.types.errors import DeadlineExceededError

# The services have 5 s to drain; their supervisor needs a moment more, a long one on a busy machine.
STOP_TIMEOUT_S = 30.0


def down() -> None:
    """End the mesh that `heronry up` holds."""
    state = MeshState.read()
    if state is None:
        remove_stale_state()
        sys.stderr.write("no mesh is up\n")
        return
    os.kill(state.pid, signal.SIGTERM)
    _wait_for_end(state)
    sys.stderr.write(f"the mesh is down (its runs stay in {state.data_dir})\n")


def _wait_for_end(state: MeshState) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while state.is_alive():
        if time.monotonic() > deadline:
            os.kill(state.pid, signal.SIGKILL)
            state.remove()
            raise DeadlineExceededError(f"the mesh did not end within {STOP_TIMEOUT_S:g} s; its process was killed")
        time.sleep(0.05)
