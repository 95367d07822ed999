"""What workers ask of models: leases, invitations, leave to go on."""

from heronry.params.core.catalogue import Catalogue
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.contribution import Invitation
from heronry.types.models import WorkerInfo
from heronry.types.run import Lease


class Membership(Catalogue):
    """Lets workers come, go on and go."""

    def register_worker(self, name: str, client_id: str, incarnation: int, now_s: float) -> Changed[Lease]:
        """Grant a lease; a cohort that waited for workers may be drawn. Refusals as `Workers.register`."""
        model = self.model(name)
        if model.privacy is not None:
            model.privacy.check_population(client_id, model.workers.live(now_s))
        lease = model.workers.register(client_id, incarnation, now_s)
        return Changed(lease, self._changed(model, model.mode.workers_changed(model.round, now_s)))

    def renew_worker(self, name: str, client_id: str, token: int, now_s: float) -> Lease:
        """Renew a lease.

        Raises:
          FencedError: it has run out, or the token is not its.
        """
        return self.model(name).workers.renew(client_id, token, now_s)

    def unregister_worker(self, name: str, client_id: str, token: int, now_s: float) -> Changed[None]:
        """Give a lease back; nobody waits for the worker any more."""
        model = self.model(name)
        model.workers.unregister(client_id, token, now_s)
        return Changed(None, self._changed(model, model.mode.workers_changed(model.round, now_s)))

    def worker_infos(self, name: str, now_s: float) -> list[WorkerInfo]:
        """Describe the workers of a model, sorted by client id."""
        model = self.model(name)
        infos = model.workers.infos(now_s)
        return infos if model.privacy is None else model.privacy.published_workers(infos)

    def next_invitation(self, name: str, client_id: str, token: int, after: int, now_s: float) -> Invitation:
        """Return the invitation of a worker to the open round, once that is later than `after`.

        With synchronous rounds those are invited that were drawn and have not contributed; else everybody.

        Raises:
          WouldBlock: there is none yet; to be tried again when the lease would run out.
          FencedError: the caller holds no lease.
          BudgetExhaustedError: no further round can be paid for.
        """
        model = self.model(name)
        model.workers.check_token(client_id, token, now_s)
        if model.privacy is not None:
            model.privacy.check_release()
        try:
            remaining_s = model.mode.invite(client_id, after, model.round, now_s)
        except WouldBlock as blocked:
            model.awaited.add(blocked.condition)
            # Nobody tells of a lease that runs out or passes to a later incarnation: whoever waits looks again.
            blocked.earliest_s = model.workers.expires_s(client_id)
            raise
        return Invitation(model.round.round_id, model.history.newest.version, remaining_s)

    def check_lead(self, name: str, client_id: str, now_s: float) -> None:
        """Let a worker's pull go on.

        Raises:
          WouldBlock: stale-synchronous, and the worker is too far ahead of the slowest one with a lease.
        """
        model = self.model(name)
        try:
            model.mode.check_lead(client_id, now_s)
        except WouldBlock as blocked:
            model.awaited.add(blocked.condition)
            raise
