"""How a process ended, in words."""

import signal


def describe_exit(return_code: int) -> str:
    """Return `signal 9 (SIGKILL)` or `exit code 1`."""
    if return_code >= 0:
        return f"exit code {return_code}"
    try:
        name = signal.Signals(-return_code).name
    except ValueError:
        return f"signal {-return_code}"
    return f"signal {-return_code} ({name})"
