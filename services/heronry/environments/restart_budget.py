"""How many failures of environments a run bears."""

import threading


class RestartBudget:
    """Shared by all lanes of a fleet, however they are grouped; safe from any thread.

    Attributes:
      most: failures that are borne.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._num_spent = 0
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Take one failure's share; False when all are spent."""
        with self._lock:
            self._num_spent += 1
            return self._num_spent <= self.most
