"""Runs and evaluations ⇄ messages."""

from heronry.api.coordinator.v1 import coordinator_pb2 as pb
from heronry.api.fleet.v1 import fleet_pb2
from heronry.types.run import Evaluation, EvaluationSummary, RunState, RunStatus
from heronry.wire.registry import state_from_proto, state_to_proto
from heronry.wire.struct import struct_from_proto, struct_to_proto
from heronry.wire.times import duration_from_proto, duration_to_proto, time_from_proto, time_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto


def evaluation_summary_to_proto(summary: EvaluationSummary) -> pb.EvaluationSummary:
    """Encode the outcome of an evaluation."""
    return pb.EvaluationSummary(
        version=version_to_proto(summary.version),
        num_episodes=summary.num_episodes,
        mean_return=summary.mean_return,
        sd_return=summary.sd_return,
        env_steps=summary.env_steps,
    )


def evaluation_summary_from_proto(message: pb.EvaluationSummary) -> EvaluationSummary:
    """Decode the outcome of an evaluation."""
    return EvaluationSummary(
        version=version_from_proto(message.version),
        num_episodes=message.num_episodes,
        mean_return=message.mean_return,
        sd_return=message.sd_return,
        env_steps=message.env_steps,
    )


def evaluation_to_proto(evaluation: Evaluation) -> fleet_pb2.EvaluateResponse:
    """Encode every episode of an evaluation."""
    return fleet_pb2.EvaluateResponse(
        version=version_to_proto(evaluation.version), returns=evaluation.returns, lengths=evaluation.lengths
    )


def evaluation_from_proto(message: fleet_pb2.EvaluateResponse) -> Evaluation:
    """Decode every episode of an evaluation."""
    return Evaluation(version_from_proto(message.version), tuple(message.returns), tuple(message.lengths))


def run_status_to_proto(status: RunStatus) -> pb.RunStatus:
    """Encode a run as the coordinator sees it."""
    message = pb.RunStatus(
        run_id=status.run_id,
        state=state_to_proto(status.state),
        env_steps=status.env_steps,
        updates=status.updates,
        episodes=status.episodes,
        mean_return=status.mean_return,
        elapsed=duration_to_proto(status.elapsed_s),
        message=status.message,
        run_dir=status.run_dir,
        spec=struct_to_proto(status.spec),
    )
    if status.version is not None:
        message.version.CopyFrom(version_to_proto(status.version))
    if status.evaluation is not None:
        message.evaluation.CopyFrom(evaluation_summary_to_proto(status.evaluation))
    if status.result:
        message.result.CopyFrom(struct_to_proto(status.result))
    if status.checkpoint_time_s is not None:
        message.checkpoint_time.CopyFrom(time_to_proto(status.checkpoint_time_s))
    return message


def run_status_from_proto(message: pb.RunStatus) -> RunStatus:
    """Decode a run; a state that this build does not know counts as pending."""
    checkpoint = time_from_proto(message.checkpoint_time) if message.HasField("checkpoint_time") else None
    return RunStatus(
        run_id=message.run_id,
        state=state_from_proto(message.state) or RunState.PENDING,
        env_steps=message.env_steps,
        updates=message.updates,
        episodes=message.episodes,
        mean_return=message.mean_return if message.HasField("mean_return") else None,
        version=version_from_proto(message.version) if message.HasField("version") else None,
        evaluation=evaluation_summary_from_proto(message.evaluation) if message.HasField("evaluation") else None,
        elapsed_s=duration_from_proto(message.elapsed),
        message=message.message,
        run_dir=message.run_dir,
        result=struct_from_proto(message.result),
        spec=struct_from_proto(message.spec),
        checkpoint_time_s=checkpoint,
    )
