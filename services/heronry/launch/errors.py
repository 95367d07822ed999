"""What can go wrong with the processes of a mesh."""

from collections.abc import Sequence

from heronry.types.errors import HeronryError


class LaunchError(HeronryError):
    """A process of the mesh cannot be kept alive; carries the end of its log.

    `exit_code` is what the launching command should exit with: 2 when the process itself
    blamed its settings, 1 otherwise.
    """

    def __init__(self, message: str, *, instance: str, log_lines: Sequence[str] = (), exit_code: int = 1) -> None:
        super().__init__(message, details={"instance": instance})
        self.instance = instance
        self.log_lines = tuple(log_lines)
        self.exit_code = exit_code
