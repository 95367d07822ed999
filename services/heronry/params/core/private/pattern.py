"""Who may contribute when within a horizon: at most so often, and so far apart."""

from collections.abc import Iterable, Mapping

from heronry.privacy.ledger import Participation
from heronry.types.errors import FailedPreconditionError, ResourceExhaustedError
from heronry.types.privacy import CorrelatedNoise


class ParticipationPattern:
    """Keeps count of a horizon's contributors; the sensitivity of correlated noise rests on it."""

    def __init__(self, noise: CorrelatedNoise, known: Mapping[str, Participation]) -> None:
        """Take what the ledger holds of the horizon."""
        self._noise = noise
        self._known = dict(known)

    def check(self, client_id: str, release: int) -> None:
        """Refuse a contribution to a release, from 1 in the horizon, that the pattern does not allow.

        Raises:
          ResourceExhaustedError: the client has contributed as often as it may in this horizon.
          FailedPreconditionError: it contributed too short a time ago.
        """
        known = self._known.get(client_id)
        if known is None:
            return
        most, separation = self._noise.max_participations, self._noise.min_separation
        if known.count >= most:
            allowed = f"at most {most} contributions in {self._noise.horizon} releases"
            details = {"field": "client_id", "value": client_id, "allowed": allowed}
            message = f"client_id: {client_id!r} has contributed {known.count} times, allowed: {allowed}"
            raise ResourceExhaustedError(message, details=details)
        earliest = known.last_release + separation
        if release < earliest:
            allowed = f"from release {earliest} of the horizon on ({separation} apart)"
            details = {"field": "client_id", "value": client_id, "allowed": allowed, "release": str(release)}
            message = f"client_id: {client_id!r} contributes to release {release}, allowed: {allowed}"
            raise FailedPreconditionError(message, details=details)

    def charge(self, participants: Iterable[str], release: int) -> None:
        """Count a release that the ledger has."""
        for client_id in participants:
            known = self._known.get(client_id)
            self._known[client_id] = Participation(1 if known is None else known.count + 1, release)

    @property
    def counts(self) -> Mapping[str, int]:
        """Participations by client."""
        return {client_id: known.count for client_id, known in self._known.items()}
