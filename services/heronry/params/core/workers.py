"""The workers of a model: their leases, and what each has contributed."""

from dataclasses import dataclass, replace

from heronry.types.errors import FencedError, InvalidArgumentError
from heronry.types.models import WorkerInfo
from heronry.types.run import Lease

_MAX_WORKERS = 4096


@dataclass(frozen=True)
class _Worker:
    """`expires_s` is the core clock's time at which the lease runs out; token 0 means none was asked for."""

    incarnation: int = 0
    fencing_token: int = 0
    expires_s: float = 0.0
    num_accepted: int = 0
    num_refused: int = 0
    last_staleness: int = 0


class Workers:
    """Grants leases and counts contributions by client id.

    A client may contribute without ever asking for a lease; one that holds a lease must keep it.
    Tokens start at `first_token` and rise, so a restarted service never gives one twice.
    """

    def __init__(self, lease_s: float, first_token: int = 1) -> None:
        self._lease_s = lease_s
        self._next_token = first_token
        self._workers: dict[str, _Worker] = {}

    def register(self, client_id: str, incarnation: int, now_s: float) -> Lease:
        """Grant a lease; a later incarnation fences the one before, the same one is answered alike.

        Raises:
          FencedError: a later incarnation of the client holds the lease.
        """
        if not client_id:
            raise InvalidArgumentError.of("client_id", client_id, "an identity, not empty")
        known = self._workers.get(client_id, _Worker())
        if incarnation < known.incarnation:
            raise _fenced("incarnation", incarnation, f"at least {known.incarnation}")
        token = known.fencing_token
        if incarnation > known.incarnation or not token or now_s >= known.expires_s:
            token = self._next_token
            self._next_token += 1
        expires_s = now_s + self._lease_s
        self._put(client_id, replace(known, incarnation=incarnation, fencing_token=token, expires_s=expires_s))
        return Lease(self._lease_s, token)

    def renew(self, client_id: str, fencing_token: int, now_s: float) -> Lease:
        """Renew a lease.

        Raises:
          FencedError: it has run out, or the token is not its.
        """
        worker = self.check_token(client_id, fencing_token, now_s)
        self._workers[client_id] = replace(worker, expires_s=now_s + self._lease_s)
        return Lease(self._lease_s, fencing_token)

    def unregister(self, client_id: str, fencing_token: int, now_s: float) -> None:
        """Give a lease back; what the client contributed stays counted."""
        worker = self.check_token(client_id, fencing_token, now_s)
        self._workers[client_id] = replace(worker, fencing_token=0, expires_s=0.0)

    def check_token(self, client_id: str, fencing_token: int, now_s: float) -> _Worker:
        """Refuse a token that is not that of a running lease."""
        worker = self._workers.get(client_id, _Worker())
        if not worker.fencing_token:
            raise _fenced("fencing_token", fencing_token, f"none: {client_id!r} holds no lease, register again")
        if worker.fencing_token != fencing_token:
            raise _fenced("fencing_token", fencing_token, str(worker.fencing_token))
        self.check_lease(client_id, now_s)
        return worker

    def check_lease(self, client_id: str, now_s: float) -> None:
        """Refuse a client that let its lease run out; one that never had a lease passes."""
        worker = self._workers.get(client_id)
        if worker is not None and worker.fencing_token and now_s >= worker.expires_s:
            late_s = now_s - worker.expires_s
            raise _fenced("lease", f"ran out {late_s:.1f} s ago", "a running lease: register again")

    def count_accepted(self, client_id: str, staleness: int) -> None:
        """Count a contribution that was accepted."""
        worker = self._workers.get(client_id, _Worker())
        self._put(client_id, replace(worker, num_accepted=worker.num_accepted + 1, last_staleness=staleness))

    def count_refused(self, client_id: str) -> None:
        """Count a contribution that was refused."""
        worker = self._workers.get(client_id, _Worker())
        self._put(client_id, replace(worker, num_refused=worker.num_refused + 1))

    def enter_epoch(self, first_token: int) -> None:
        """Forget every lease, as after a restart; tokens go on from `first_token`."""
        self._next_token = first_token
        self._workers = {c: replace(w, fencing_token=0, expires_s=0.0) for c, w in self._workers.items()}

    def infos(self, now_s: float) -> list[WorkerInfo]:
        """Describe all workers, sorted by client id."""
        return [_info(client_id, worker, now_s) for client_id, worker in sorted(self._workers.items())]

    def _put(self, client_id: str, worker: _Worker) -> None:
        self._workers.pop(client_id, None)
        self._workers[client_id] = worker
        # The one that has been silent longest goes: a flood of client ids must not eat the memory.
        while len(self._workers) > _MAX_WORKERS:
            del self._workers[next(iter(self._workers))]


def _info(client_id: str, worker: _Worker, now_s: float) -> WorkerInfo:
    return WorkerInfo(
        client_id=client_id,
        incarnation=worker.incarnation,
        lease_remaining_s=max(0.0, worker.expires_s - now_s) if worker.fencing_token else 0.0,
        num_accepted=worker.num_accepted,
        num_refused=worker.num_refused,
        last_staleness=worker.last_staleness,
    )


def _fenced(field: str, value: object, allowed: str) -> FencedError:
    details = {"field": field, "value": str(value), "allowed": allowed}
    return FencedError(f"{field}: got {value!r}, allowed: {allowed}", details=details)
