"""The workers of a model: their leases, and what each has contributed."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from heronry.types.errors import FencedError, InvalidArgumentError, ResourceExhaustedError
from heronry.types.models import WorkerInfo
from heronry.types.run import Lease

_MOST_LEASES: Final = 4096
_MOST_GUESTS: Final = 4096


@dataclass(slots=True)
class _Worker:
    """One client; `expires_s` is the core clock's time at which its lease runs out.

    Attributes:
      fencing_token: 0: it holds no lease.
      clock: contributions accepted, moved on to the slowest worker's when it came.
    """

    incarnation: int = 0
    fencing_token: int = 0
    expires_s: float = 0.0
    clock: int = 0
    num_accepted: int = 0
    num_refused: int = 0
    last_staleness: int = 0
    sum_staleness: int = 0
    max_staleness: int = 0
    num_invited: int = 0
    num_participated: int = 0

    def is_live(self, now_s: float) -> bool:
        return self.fencing_token > 0 and now_s < self.expires_s


class Workers:
    """Grants leases and counts contributions by client id.

    Clients without a lease are guests: counted, and forgotten first when there are many. Tokens start at
    `first_token` and rise, so a restarted service never gives one twice.
    """

    def __init__(self, lease_s: float, first_token: int = 1) -> None:
        self._lease_s = lease_s
        self._next_token = first_token
        self._holders: dict[str, _Worker] = {}
        self._guests: OrderedDict[str, _Worker] = OrderedDict()

    def register(self, client_id: str, incarnation: int, now_s: float) -> Lease:
        """Grant a lease; a later incarnation fences the one before, the same one is answered alike.

        Whoever is new or was away begins at the clock of the slowest worker.

        Raises:
          FencedError: a later incarnation of the client holds the lease.
          ResourceExhaustedError: too many workers hold one.
        """
        if not client_id:
            raise InvalidArgumentError.of("client_id", client_id, "an identity, not empty")
        known = self._known(client_id)
        if incarnation < known.incarnation:
            raise _fenced("incarnation", incarnation, f"at least {known.incarnation}")
        if incarnation > known.incarnation or not known.is_live(now_s):
            self._admit(client_id, known, now_s)
        known.incarnation, known.expires_s = incarnation, now_s + self._lease_s
        return Lease(self._lease_s, known.fencing_token)

    def renew(self, client_id: str, fencing_token: int, now_s: float) -> Lease:
        """Renew a lease.

        Raises:
          FencedError: it has run out, or the token is not its.
        """
        self.check_token(client_id, fencing_token, now_s)
        self._holders[client_id].expires_s = now_s + self._lease_s
        return Lease(self._lease_s, fencing_token)

    def unregister(self, client_id: str, fencing_token: int, now_s: float) -> None:
        """Give a lease back; what the client contributed stays counted."""
        self.check_token(client_id, fencing_token, now_s)
        self._release(client_id)

    def check_token(self, client_id: str, fencing_token: int, now_s: float) -> None:
        """Refuse a token that is not that of a running lease."""
        worker = self._holders.get(client_id)
        if worker is None:
            raise _fenced("fencing_token", fencing_token, f"none: {client_id!r} holds no lease, register again")
        if worker.fencing_token != fencing_token:
            raise _fenced("fencing_token", fencing_token, str(worker.fencing_token))
        self.check_lease(client_id, now_s)

    def check_lease(self, client_id: str, now_s: float, *, is_needed: bool = False) -> None:
        """Refuse a client that let its lease run out, and one without when a lease is needed."""
        worker = self._holders.get(client_id)
        if worker is None and is_needed:
            raise _fenced("lease", "none", f"a running lease: register {client_id!r} with this model first")
        if worker is not None and not worker.is_live(now_s):
            late_s = now_s - worker.expires_s
            raise _fenced("lease", f"ran out {late_s:.1f} s ago", "a running lease: register again")

    def is_live(self, client_id: str, now_s: float) -> bool:
        """Tell whether a client's lease runs."""
        return self._known(client_id).is_live(now_s)

    def expires_s(self, client_id: str) -> float:
        """Return when a client's lease runs out; 0: it holds none."""
        return self._known(client_id).expires_s

    def live(self, now_s: float) -> list[str]:
        """Return the clients whose lease runs, sorted."""
        return sorted(client_id for client_id, worker in self._holders.items() if worker.is_live(now_s))

    def slowest(self, now_s: float) -> int | None:
        """Return the least clock of the workers whose lease runs; None without any."""
        return min((w.clock for w in self._holders.values() if w.is_live(now_s)), default=None)

    def clock(self, client_id: str) -> int:
        """Return a client's clock."""
        return self._known(client_id).clock

    def leases_below(self, clock: int, now_s: float) -> list[float]:
        """Return when the leases of the workers behind a clock run out."""
        return [w.expires_s for w in self._holders.values() if w.is_live(now_s) and w.clock < clock]

    def count_accepted(self, client_id: str, staleness: int) -> None:
        """Count a contribution that was accepted."""
        worker = self._kept(client_id)
        worker.num_accepted += 1
        worker.clock += 1
        worker.last_staleness = staleness
        worker.sum_staleness += staleness
        worker.max_staleness = max(worker.max_staleness, staleness)

    def count_refused(self, client_id: str) -> None:
        """Count a contribution that was refused."""
        self._kept(client_id).num_refused += 1

    def count_invited(self, client_id: str) -> None:
        """Count a round that a client was drawn for."""
        self._kept(client_id).num_invited += 1

    def count_participated(self, client_id: str) -> None:
        """Count a contribution to the round that a client was drawn for, in time."""
        self._kept(client_id).num_participated += 1

    def enter_epoch(self, first_token: int) -> None:
        """Forget every lease, as after a restart; tokens go on from `first_token`."""
        self._next_token = first_token
        for client_id in list(self._holders):
            self._release(client_id)

    def infos(self, now_s: float) -> list[WorkerInfo]:
        """Describe all workers, sorted by client id."""
        slowest = self.slowest(now_s)
        workers = {**self._guests, **self._holders}
        return [_info(client_id, worker, now_s, slowest) for client_id, worker in sorted(workers.items())]

    def _admit(self, client_id: str, worker: _Worker, now_s: float) -> None:
        """Give a client its next token and its place among the others."""
        if client_id not in self._holders and len(self._holders) >= _MOST_LEASES:
            self._release_expired(now_s)
        worker.fencing_token = 0
        if (slowest := self.slowest(now_s)) is not None:
            worker.clock = slowest
        worker.fencing_token = self._next_token
        self._next_token += 1
        self._guests.pop(client_id, None)
        self._holders[client_id] = worker

    def _release_expired(self, now_s: float) -> None:
        for client_id in [c for c, w in self._holders.items() if not w.is_live(now_s)]:
            self._release(client_id)
        if len(self._holders) >= _MOST_LEASES:
            raise ResourceExhaustedError(f"workers: {_MOST_LEASES} hold a lease, no more are taken")

    def _release(self, client_id: str) -> None:
        worker = self._holders.pop(client_id)
        worker.fencing_token, worker.expires_s = 0, 0.0
        self._put_guest(client_id, worker)

    def _known(self, client_id: str) -> _Worker:
        return self._holders.get(client_id) or self._guests.get(client_id) or _Worker()

    def _kept(self, client_id: str) -> _Worker:
        if client_id in self._holders:
            return self._holders[client_id]
        return self._put_guest(client_id, self._guests.get(client_id) or _Worker())

    def _put_guest(self, client_id: str, worker: _Worker) -> _Worker:
        self._guests[client_id] = worker
        self._guests.move_to_end(client_id)
        # The one that has been silent longest goes: a flood of client ids must not eat the memory.
        while len(self._guests) > _MOST_GUESTS:
            self._guests.popitem(last=False)
        return worker


def _info(client_id: str, worker: _Worker, now_s: float, slowest: int | None) -> WorkerInfo:
    return WorkerInfo(
        client_id=client_id,
        incarnation=worker.incarnation,
        lease_remaining_s=max(0.0, worker.expires_s - now_s) if worker.fencing_token else 0.0,
        num_accepted=worker.num_accepted,
        num_refused=worker.num_refused,
        last_staleness=worker.last_staleness,
        mean_staleness=worker.sum_staleness / worker.num_accepted if worker.num_accepted else 0.0,
        max_staleness=worker.max_staleness,
        num_invited=worker.num_invited,
        num_participated=worker.num_participated,
        lead=0 if slowest is None else max(0, worker.clock - slowest),
    )


def _fenced(field: str, value: object, allowed: str) -> FencedError:
    details = {"field": field, "value": str(value), "allowed": allowed}
    return FencedError(f"{field}: got {value!r}, allowed: {allowed}", details=details)
