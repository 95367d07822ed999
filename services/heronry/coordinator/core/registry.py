"""Who takes part: services, their leases, and what they last reported."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from heronry.types.errors import AlreadyExistsError, FencedError, InvalidArgumentError, ServiceNotFoundError
from heronry.types.run import Endpoint, Lease, Progress, Registration, ServiceInfo, ServiceRole


@dataclass(frozen=True)
class InstanceRecord:
    """What is remembered of an instance over restarts of the coordinator."""

    instance: str
    role: ServiceRole
    index: int
    num_starts: int
    incarnation: int
    fencing_token: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**dataclasses.asdict(self), "role": self.role.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` made."""
        return cls(**{**values, "role": ServiceRole(values["role"])})


@dataclass
class Service:
    """One registered incarnation of an instance; `registered_s` and `expires_s` are of the caller's clock."""

    record: InstanceRecord
    addresses: tuple[str, ...]
    build: str
    registered_s: float
    expires_s: float
    has_lease: bool = True
    progress: Progress = field(default_factory=Progress)
    resident_bytes: int = 0
    max_resident_bytes: int = 0
    cpu_time_s: float = 0.0
    process: str = ""

    @property
    def endpoint(self) -> Endpoint:
        """Where the service can be reached."""
        return Endpoint(self.record.role, self.record.instance, self.addresses)

    def info(self, now_s: float) -> ServiceInfo:
        """Describe the service for readers."""
        return ServiceInfo(
            role=self.record.role,
            instance=self.record.instance,
            incarnation=self.record.incarnation,
            addresses=self.addresses,
            build=self.build,
            has_lease=self.has_lease,
            lease_remaining_s=max(0.0, self.expires_s - now_s) if self.has_lease else 0.0,
            progress=self.progress,
            resident_bytes=self.resident_bytes,
            cpu_time_s=self.cpu_time_s,
            num_starts=self.record.num_starts,
        )


class Registry:
    """The services of a mesh, by instance name. Not thread-safe; all calls are O(services) or less.

    A lease says who is alive and, by its token, which of two processes of one name is the right one.
    A renewal after the lease ran out is granted while nobody else took the name: a coordinator
    that was itself suspended would otherwise throw everybody out.
    """

    def __init__(self, lease_s: float, records: Iterable[InstanceRecord] = ()) -> None:
        self.lease_s = lease_s
        self._records = {record.instance: record for record in records}
        self._services: dict[str, Service] = {}
        self._next_token = 1 + max((r.fencing_token for r in self._records.values()), default=0)

    def register(
        self,
        role: ServiceRole,
        instance: str,
        incarnation: int,
        addresses: tuple[str, ...],
        build: str,
        now_s: float,
    ) -> Registration:
        """Enter an incarnation and grant its lease; the leases of older ones are void from now on.

        Raises:
          FencedError: a later incarnation of the instance has registered before.
          AlreadyExistsError: the name belongs to a service of another role.
        """
        if not instance:
            raise InvalidArgumentError.of("instance", instance, "a name, not empty")
        record = self._next_record(role, instance, incarnation)
        self._records[instance] = record
        before = self._services.get(instance)
        service = Service(record, addresses, build, now_s, now_s + self.lease_s)
        if before is not None and before.record.incarnation == incarnation:
            service.progress, service.max_resident_bytes = before.progress, before.max_resident_bytes
        self._services[instance] = service
        return Registration(Lease(self.lease_s, record.fencing_token), record.index, record.num_starts)

    def heartbeat(
        self,
        instance: str,
        fencing_token: int,
        progress: Progress,
        resident_bytes: int,
        cpu_time_s: float,
        now_s: float,
        process: str = "",
    ) -> Lease:
        """Renew a lease and take the report.

        Raises:
          ServiceNotFoundError: not registered since the coordinator started; register again.
          FencedError: the token is not the newest one.
        """
        service = self.holder(instance, fencing_token)
        service.progress = progress
        service.resident_bytes, service.cpu_time_s, service.process = resident_bytes, cpu_time_s, process
        service.max_resident_bytes = max(service.max_resident_bytes, resident_bytes)
        service.expires_s, service.has_lease = now_s + self.lease_s, True
        return Lease(self.lease_s, fencing_token)

    def deregister(self, instance: str, fencing_token: int) -> None:
        """Take a service out; its name, index and starts stay known. Raises as `heartbeat` does."""
        self.holder(instance, fencing_token)
        del self._services[instance]

    def expire(self, now_s: float) -> tuple[str, ...]:
        """Mark the leases that have run out; returns the instances that lost theirs just now."""
        lost = [s for s in self._services.values() if s.has_lease and s.expires_s <= now_s]
        for service in lost:
            service.has_lease = False
        return tuple(service.record.instance for service in lost)

    def holder(self, instance: str, fencing_token: int) -> Service:
        """Return the service that holds the token. Raises as `heartbeat` does."""
        service = self._services.get(instance)
        if service is None:
            raise ServiceNotFoundError.of("service", instance, sorted(self._services))
        newest = service.record.fencing_token
        if fencing_token != newest:
            raise FencedError(
                f"fencing_token: got {fencing_token} for {instance!r}, allowed: {newest} (a newer holder registered)",
                details={"field": "fencing_token", "value": str(fencing_token), "allowed": str(newest)},
            )
        return service

    def services(self, role: ServiceRole | None = None) -> tuple[Service, ...]:
        """Return the registered services, sorted by role and instance."""
        chosen = [s for s in self._services.values() if role is None or s.record.role is role]
        order = list(ServiceRole)
        return tuple(sorted(chosen, key=lambda s: (order.index(s.record.role), s.record.index)))

    def alive(self, role: ServiceRole) -> tuple[Service, ...]:
        """Return the services of a role whose lease is in force."""
        return tuple(s for s in self.services(role) if s.has_lease)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return where each role can be reached: those with a lease, or the last known when none has one."""
        chosen: list[Service] = []
        for role in ServiceRole:
            chosen += self.alive(role) or self.services(role)
        return tuple(service.endpoint for service in chosen)

    def records(self) -> tuple[InstanceRecord, ...]:
        """Return what must be remembered over a restart."""
        return tuple(self._records.values())

    def _next_record(self, role: ServiceRole, instance: str, incarnation: int) -> InstanceRecord:
        token = self._next_token
        known = self._records.get(instance)
        if known is None:
            index = sum(1 for r in self._records.values() if r.role is role)
            record = InstanceRecord(instance, role, index, 1, incarnation, token)
        elif known.role is not role:
            raise AlreadyExistsError(
                f"instance: {instance!r} is a {known.role.value}, it cannot register as {role.value}",
                details={"field": "instance", "value": instance, "allowed": f"a name not used by a {known.role.value}"},
            )
        elif incarnation < known.incarnation:
            raise FencedError(
                f"incarnation: got {incarnation} for {instance!r}, allowed: at least {known.incarnation}",
                details={"field": "incarnation", "value": str(incarnation), "allowed": f">= {known.incarnation}"},
            )
        else:
            starts = known.num_starts + (incarnation > known.incarnation)
            record = dataclasses.replace(known, incarnation=incarnation, num_starts=starts, fencing_token=token)
        self._next_token += 1
        return record
