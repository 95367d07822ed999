"""The registry: leases, fencing tokens, indices and starts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.coordinator.core.registry import InstanceRecord, Registry
from heronry.types.errors import AlreadyExistsError, FencedError, InvalidArgumentError, ServiceNotFoundError
from heronry.types.run import Progress, Registration, ServiceRole

LEASE_S = 5.0


def register(registry: Registry, instance: str = "fleet-0", incarnation: int = 1, now_s: float = 0.0) -> Registration:
    role = ServiceRole(instance.partition("-")[0])
    return registry.register(role, instance, incarnation, (f"unix:/{instance}",), "1", now_s)


def beat(registry: Registry, token: int, now_s: float, instance: str = "fleet-0", resident_bytes: int = 0) -> None:
    registry.heartbeat(instance, token, Progress(), resident_bytes, 0.0, now_s)


def test_a_lease_runs_out_unless_it_is_renewed() -> None:
    registry = Registry(LEASE_S)
    token = register(registry).lease.fencing_token

    beat(registry, token, now_s=4.0)

    assert registry.expire(8.9) == ()
    assert registry.expire(9.0) == ("fleet-0",)
    assert registry.expire(9.1) == ()
    assert registry.alive(ServiceRole.FLEET) == ()


def test_a_late_renewal_is_granted_while_nobody_else_took_the_name() -> None:
    registry = Registry(LEASE_S)
    token = register(registry).lease.fencing_token
    registry.expire(100.0)

    beat(registry, token, now_s=101.0)

    assert len(registry.alive(ServiceRole.FLEET)) == 1


def test_a_newer_start_fences_the_older_one() -> None:
    registry = Registry(LEASE_S)
    old = register(registry, incarnation=1).lease.fencing_token
    new = register(registry, incarnation=2).lease.fencing_token

    with pytest.raises(FencedError):
        beat(registry, old, now_s=1.0)
    with pytest.raises(FencedError):
        register(registry, incarnation=1)
    beat(registry, new, now_s=1.0)


def test_index_stays_and_starts_count_over_restarts_of_an_instance() -> None:
    registry = Registry(LEASE_S)
    register(registry, "fleet-0")
    register(registry, "learner-0")

    first = register(registry, "fleet-1", incarnation=1)
    registry.deregister("fleet-1", first.lease.fencing_token)
    second = register(registry, "fleet-1", incarnation=5)
    again = register(registry, "fleet-1", incarnation=5)

    assert (first.index, second.index, again.index) == (1, 1, 1)
    assert (first.num_starts, second.num_starts, again.num_starts) == (1, 2, 2)


def test_a_name_belongs_to_one_role() -> None:
    registry = Registry(LEASE_S)
    register(registry, "fleet-0")

    with pytest.raises(AlreadyExistsError, match="fleet"):
        registry.register(ServiceRole.PARAMS, "fleet-0", 1, (), "", 0.0)


def test_nobody_registers_without_a_name() -> None:
    with pytest.raises(InvalidArgumentError):
        Registry(LEASE_S).register(ServiceRole.PARAMS, "", 1, (), "", 0.0)


def test_an_unknown_service_is_told_to_register() -> None:
    with pytest.raises(ServiceNotFoundError, match="fleet-0"):
        beat(Registry(LEASE_S), token=1, now_s=0.0)


def test_endpoints_are_those_alive_or_the_last_known_of_a_role() -> None:
    registry = Registry(LEASE_S)
    register(registry, "fleet-0", now_s=0.0)
    register(registry, "params-0", now_s=0.0)
    register(registry, "fleet-1", now_s=4.0)
    registry.expire(6.0)

    assert [endpoint.instance for endpoint in registry.endpoints()] == ["params-0", "fleet-1"]


def test_the_highest_memory_is_kept_over_a_new_registration_of_the_same_start() -> None:
    registry = Registry(LEASE_S)
    token = register(registry).lease.fencing_token
    beat(registry, token, 1.0, resident_bytes=100)
    beat(registry, token, 2.0, resident_bytes=50)

    register(registry)

    assert registry.services()[0].max_resident_bytes == 100


@given(st.lists(st.tuples(st.sampled_from(["fleet-0", "fleet-1", "params-0"]), st.integers(1, 5)), max_size=30))
def test_tokens_rise_and_indices_of_a_role_never_repeat_whatever_registers(starts: list[tuple[str, int]]) -> None:
    registry = Registry(LEASE_S)
    tokens = [0]
    for instance, incarnation in starts:
        try:
            tokens.append(register(registry, instance, incarnation).lease.fencing_token)
        except FencedError:
            continue

    restarted = Registry(LEASE_S, [InstanceRecord.from_dict(r.to_dict()) for r in registry.records()])
    tokens.append(register(restarted, "learner-0").lease.fencing_token)

    assert tokens == sorted(set(tokens))
    places = [(record.role, record.index) for record in restarted.records()]
    assert len(places) == len(set(places))
