"""Figures of fleets and learners ⇄ messages."""

from heronry.api.fleet.v1 import fleet_pb2
from heronry.api.learner.v1 import learner_pb2
from heronry.types.run import Barrier, EnvironmentFailure, FleetStatistics, LearnerStatistics
from heronry.wire.times import duration_from_proto, duration_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto


def fleet_statistics_to_proto(statistics: FleetStatistics) -> fleet_pb2.GetStatisticsResponse:
    """Encode what a fleet has done."""
    lags = [fleet_pb2.LagCount(lag=lag, num_unrolls=count) for lag, count in sorted(statistics.policy_lag.items())]
    message = fleet_pb2.GetStatisticsResponse(
        run_id=statistics.run_id,
        environment=statistics.environment,
        num_environments=statistics.num_environments,
        num_steps=statistics.num_steps,
        steps_per_second=statistics.steps_per_second,
        num_episodes=statistics.num_episodes,
        mean_return=statistics.mean_return,
        mean_length=statistics.mean_length,
        policy_lag=lags,
        environment_time=duration_to_proto(statistics.environment_time_s),
        inference_time=duration_to_proto(statistics.inference_time_s),
        waiting_time=duration_to_proto(statistics.waiting_time_s),
        engine=statistics.engine,
        policy=statistics.policy,
        num_restarts=statistics.num_restarts,
        failures=[_failure_to_proto(failure) for failure in statistics.failures],
        num_unrolls=statistics.num_unrolls,
        num_unrolls_too_old=statistics.num_unrolls_too_old,
    )
    if statistics.behaviour_version is not None:
        message.behaviour_version.CopyFrom(version_to_proto(statistics.behaviour_version))
    return message


def fleet_statistics_from_proto(message: fleet_pb2.GetStatisticsResponse) -> FleetStatistics:
    """Decode what a fleet has done."""
    return FleetStatistics(
        run_id=message.run_id,
        environment=message.environment,
        num_environments=message.num_environments,
        num_steps=message.num_steps,
        steps_per_second=message.steps_per_second,
        num_episodes=message.num_episodes,
        mean_return=message.mean_return,
        mean_length=message.mean_length,
        behaviour_version=version_from_proto(message.behaviour_version)
        if message.HasField("behaviour_version")
        else None,
        policy_lag={bar.lag: bar.num_unrolls for bar in message.policy_lag},
        environment_time_s=duration_from_proto(message.environment_time),
        inference_time_s=duration_from_proto(message.inference_time),
        waiting_time_s=duration_from_proto(message.waiting_time),
        engine=message.engine,
        policy=message.policy,
        num_restarts=message.num_restarts,
        failures=tuple(_failure_from_proto(failure) for failure in message.failures),
        num_unrolls=message.num_unrolls,
        num_unrolls_too_old=message.num_unrolls_too_old,
    )


def _failure_to_proto(failure: EnvironmentFailure) -> fleet_pb2.EnvironmentFailure:
    return fleet_pb2.EnvironmentFailure(
        environment_index=failure.environment_index, seed=failure.seed, step=failure.step, reason=failure.reason
    )


def _failure_from_proto(message: fleet_pb2.EnvironmentFailure) -> EnvironmentFailure:
    return EnvironmentFailure(message.environment_index, message.seed, message.step, message.reason)


def learner_statistics_to_proto(statistics: LearnerStatistics) -> learner_pb2.GetStatisticsResponse:
    """Encode what a learner has done."""
    message = learner_pb2.GetStatisticsResponse(
        run_id=statistics.run_id,
        algorithm=statistics.algorithm,
        device=statistics.device,
        num_updates=statistics.num_updates,
        num_gradient_steps=statistics.num_gradient_steps,
        num_steps=statistics.num_steps,
        metrics=dict(statistics.metrics),
        update_time=duration_to_proto(statistics.update_time_s),
        waiting_time=duration_to_proto(statistics.waiting_time_s),
    )
    if statistics.version is not None:
        message.version.CopyFrom(version_to_proto(statistics.version))
    if statistics.barrier is not None:
        message.barrier.CopyFrom(barrier_to_proto(statistics.barrier))
    return message


def learner_statistics_from_proto(message: learner_pb2.GetStatisticsResponse) -> LearnerStatistics:
    """Decode what a learner has done."""
    return LearnerStatistics(
        run_id=message.run_id,
        algorithm=message.algorithm,
        device=message.device,
        num_updates=message.num_updates,
        num_gradient_steps=message.num_gradient_steps,
        num_steps=message.num_steps,
        version=version_from_proto(message.version) if message.HasField("version") else None,
        metrics=dict(message.metrics),
        update_time_s=duration_from_proto(message.update_time),
        waiting_time_s=duration_from_proto(message.waiting_time),
        barrier=barrier_from_proto(message.barrier) if message.HasField("barrier") else None,
    )


def barrier_to_proto(barrier: Barrier) -> learner_pb2.Barrier:
    """Encode a barrier."""
    version = version_to_proto(barrier.version)
    return learner_pb2.Barrier(num_updates=barrier.num_updates, version=version, num_starts=barrier.num_starts)


def barrier_from_proto(message: learner_pb2.Barrier) -> Barrier:
    """Decode a barrier."""
    return Barrier(message.num_updates, version_from_proto(message.version), message.num_starts)
