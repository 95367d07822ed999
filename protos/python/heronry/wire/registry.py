"""Registered services, what they report and what they are told ⇄ messages."""

from heronry.api.common.v1 import lease_pb2
from heronry.api.coordinator.v1 import coordinator_pb2 as pb
from heronry.types.errors import InvalidArgumentError
from heronry.types.run import Assignment, Endpoint, Lease, Progress, RunState, ServiceInfo, ServiceRole
from heronry.wire.struct import struct_from_proto, struct_to_proto
from heronry.wire.times import duration_from_proto, duration_to_proto, time_from_proto, time_to_proto

_ROLES = {
    ServiceRole.PARAMS: pb.SERVICE_ROLE_PARAMS,
    ServiceRole.REPLAY: pb.SERVICE_ROLE_REPLAY,
    ServiceRole.FLEET: pb.SERVICE_ROLE_FLEET,
    ServiceRole.LEARNER: pb.SERVICE_ROLE_LEARNER,
    ServiceRole.COORDINATOR: pb.SERVICE_ROLE_COORDINATOR,
}
_STATES = {
    RunState.PENDING: pb.RUN_STATE_PENDING,
    RunState.RUNNING: pb.RUN_STATE_RUNNING,
    RunState.PAUSED: pb.RUN_STATE_PAUSED,
    RunState.FINISHING: pb.RUN_STATE_FINISHING,
    RunState.FINISHED: pb.RUN_STATE_FINISHED,
    RunState.STOPPED: pb.RUN_STATE_STOPPED,
    RunState.FAILED: pb.RUN_STATE_FAILED,
}
_ROLE_OF: dict[int, ServiceRole] = {number: role for role, number in _ROLES.items()}
_STATE_OF: dict[int, RunState] = {number: state for state, number in _STATES.items()}


def role_to_proto(role: ServiceRole) -> pb.ServiceRole:
    """Return the role's number."""
    return _ROLES[role]


def role_from_proto(number: int) -> ServiceRole:
    """Return the role of a number.

    Raises:
      InvalidArgumentError: the number names no role.
    """
    role = _ROLE_OF.get(number)
    if role is None:
        raise InvalidArgumentError.of("role", number, ", ".join(f"{n} ({r.value})" for r, n in _ROLES.items()))
    return role


def state_to_proto(state: RunState | None) -> pb.RunState:
    """Return the state's number, 0 for none."""
    return pb.RUN_STATE_UNSPECIFIED if state is None else _STATES[state]


def state_from_proto(number: int) -> RunState | None:
    """Return the state of a number, None when it names none."""
    return _STATE_OF.get(number)


def lease_to_proto(lease: Lease) -> lease_pb2.Lease:
    """Encode a lease."""
    return lease_pb2.Lease(duration=duration_to_proto(lease.duration_s), fencing_token=lease.fencing_token)


def lease_from_proto(message: lease_pb2.Lease) -> Lease:
    """Decode a lease."""
    return Lease(duration_from_proto(message.duration), message.fencing_token)


def endpoint_to_proto(endpoint: Endpoint) -> pb.Endpoint:
    """Encode where a service can be reached."""
    return pb.Endpoint(role=_ROLES[endpoint.role], instance=endpoint.instance, addresses=endpoint.addresses)


def endpoint_from_proto(message: pb.Endpoint) -> Endpoint:
    """Decode where a service can be reached."""
    return Endpoint(role_from_proto(message.role), message.instance, tuple(message.addresses))


def assignment_to_proto(assignment: Assignment) -> pb.WatchAssignmentResponse:
    """Encode an assignment."""
    return pb.WatchAssignmentResponse(
        generation=assignment.generation,
        run_id=assignment.run_id,
        desired_state=_STATES[assignment.desired_state],
        spec=struct_to_proto(assignment.spec),
        endpoints=[endpoint_to_proto(e) for e in assignment.endpoints],
        restore=assignment.restore,
        num_starts=assignment.num_starts,
    )


def assignment_from_proto(message: pb.WatchAssignmentResponse) -> Assignment:
    """Decode an assignment; a state this build does not know holds the service back."""
    return Assignment(
        generation=message.generation,
        run_id=message.run_id,
        desired_state=state_from_proto(message.desired_state) or RunState.PENDING,
        spec=struct_from_proto(message.spec),
        endpoints=tuple(endpoint_from_proto(e) for e in message.endpoints),
        restore=message.restore,
        num_starts=message.num_starts,
    )


def progress_to_proto(progress: Progress) -> pb.Progress:
    """Encode a report; figures that are not finite travel as they are."""
    message = pb.Progress(
        run_id=progress.run_id,
        figures=dict(progress.figures),
        failure=progress.failure or "",
        reached_state=state_to_proto(progress.reached_state),
        num_starts=progress.num_starts,
    )
    if progress.first_step_time_s is not None:
        message.first_step_time.CopyFrom(time_to_proto(progress.first_step_time_s))
    return message


def progress_from_proto(message: pb.Progress) -> Progress:
    """Decode a report."""
    first_step = time_from_proto(message.first_step_time) if message.HasField("first_step_time") else None
    return Progress(
        run_id=message.run_id,
        figures=dict(message.figures),
        first_step_time_s=first_step,
        failure=message.failure or None,
        reached_state=state_from_proto(message.reached_state),
        num_starts=message.num_starts,
    )


def service_to_proto(service: ServiceInfo) -> pb.ServiceInfo:
    """Encode a registered service."""
    return pb.ServiceInfo(
        role=_ROLES[service.role],
        instance=service.instance,
        incarnation=service.incarnation,
        addresses=service.addresses,
        build=service.build,
        has_lease=service.has_lease,
        lease_remaining=duration_to_proto(service.lease_remaining_s),
        progress=progress_to_proto(service.progress),
        resident_bytes=service.resident_bytes,
        cpu_time=duration_to_proto(service.cpu_time_s),
        num_starts=service.num_starts,
    )


def service_from_proto(message: pb.ServiceInfo) -> ServiceInfo:
    """Decode a registered service."""
    return ServiceInfo(
        role=role_from_proto(message.role),
        instance=message.instance,
        incarnation=message.incarnation,
        addresses=tuple(message.addresses),
        build=message.build,
        has_lease=message.has_lease,
        lease_remaining_s=duration_from_proto(message.lease_remaining),
        progress=progress_from_proto(message.progress),
        resident_bytes=message.resident_bytes,
        cpu_time_s=duration_from_proto(message.cpu_time),
        num_starts=message.num_starts,
    )
