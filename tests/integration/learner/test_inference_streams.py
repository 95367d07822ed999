"""The streams of central inference on a real server, with policies that the test gives it."""

import asyncio
import dataclasses

import grpc.aio
import numpy as np
import pytest

from heronry.api.learner.v1 import inference_pb2 as pb
from heronry.api.learner.v1 import inference_pb2_grpc
from heronry.client import ConnectionOptions, InferenceClient
from heronry.types.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    SchemaMismatchError,
)
from heronry.types.version import ParameterVersion
from heronry.wire.inference import open_to_proto
from tests.support.inference_server import OPTIONS, lanes, observed


async def test_a_step_is_answered_with_the_head_s_outputs_of_each_lane(server) -> None:
    stream = server.stream()
    begun = await stream.begin_unroll()

    outputs = await stream.infer(np.array([[1, 2], [3, 4]], np.float32))

    assert (begun.version, begun.newest) == (ParameterVersion(1, 1), ParameterVersion(1, 1))
    np.testing.assert_array_equal(outputs, [[1, 2, 1], [3, 4, 1]])


async def test_steps_of_several_streams_are_one_batch(make_server) -> None:
    async with make_server(max_wait_s=5.0) as server:
        await server.publish(3)
        streams = [server.stream(f"fleet-{i}/0") for i in range(4)]
        for stream in streams:
            await stream.begin_unroll()

        answers = await asyncio.gather(*(s.infer(observed(float(i))) for i, s in enumerate(streams)))
        statistics = await server.client().statistics()

    assert [float(a[0, 0]) for a in answers] == [0.0, 3.0, 6.0, 9.0]
    assert (statistics.run_id, statistics.num_streams, statistics.num_batches) == ("run", 4, 1)
    assert (statistics.num_steps, statistics.num_rows) == (4, 8)
    assert 0.0 < statistics.median_latency_s <= statistics.p99_latency_s < 5.0


async def test_states_follow_each_lane_and_begin_anew_with_its_episode(server) -> None:
    stream = server.stream()
    await stream.begin_unroll()

    counts = [(await stream.infer(observed(0.0), b))[:, 2].tolist() for b in (None, None, np.array([True, False]))]

    assert counts == [[1, 1], [2, 2], [1, 3]]


async def test_a_version_that_is_not_there_yet_is_waited_for(server) -> None:
    stream = server.stream()
    waiting = asyncio.create_task(stream.begin_unroll(2))
    await server.client().statistics()

    await server.publish(2)

    assert (await waiting).version.number == 2


async def test_a_version_that_does_not_come_is_a_deadline_and_the_stream_is_used_again(server) -> None:
    stream = server.stream()

    with pytest.raises(DeadlineExceededError, match=r"no unroll_begun within 0\.05 s"):
        await stream.begin_unroll(7, timeout_s=0.05)

    assert (await stream.begin_unroll()).version.number == 1


async def test_a_group_of_another_client_by_the_same_name_is_left_alone(server) -> None:
    mine = server.stream("group")
    stranger = server.client(options=dataclasses.replace(OPTIONS, client_id="stranger")).stream(lanes("group"))
    await mine.begin_unroll()
    first = await mine.infer(observed(1.0))

    await stranger.begin_unroll()
    theirs, second = await asyncio.gather(stranger.infer(observed(4.0)), mine.infer(observed(2.0)))

    # The third value counts the steps of a lane's episode.
    assert [float(a[0, 0]) for a in (first, theirs, second)] == [1.0, 4.0, 2.0]
    assert [float(a[0, 2]) for a in (first, theirs, second)] == [1.0, 1.0, 2.0]
    assert (await server.client().statistics()).num_streams == 2


async def raw_call(server):
    channel = grpc.aio.insecure_channel(server.address)
    call = inference_pb2_grpc.InferenceServiceStub(channel).Infer()
    await call.write(open_to_proto(lanes()))
    await call.read()
    return channel, call


async def test_a_second_step_before_the_answer_is_refused(make_server) -> None:
    async with make_server(max_wait_s=1.0) as server:
        await server.publish(1)
        # Another stream in an unroll, for which the first waits.
        await server.stream("other").begin_unroll()
        channel, call = await raw_call(server)
        await call.write(pb.InferRequest(begin_unroll=pb.BeginUnroll()))
        await call.read()
        for sequence in (1, 2):
            step = pb.InferStep(sequence=sequence, observations=observed(1.0).tobytes())
            await call.write(pb.InferRequest(step=step))

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
        await channel.close()

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "step 2 came before the answer to the step that is out" in refused.value.details()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (pb.InferRequest(step=pb.InferStep(sequence=1, observations=b"123")), "step.observations.num_bytes: got 3"),
        (pb.InferRequest(), "message: got None, allowed: begin_unroll or step, after open"),
        (open_to_proto(lanes()), "message: got 'open', allowed: begin_unroll or step, after open"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(server, request_, message) -> None:
    channel, call = await raw_call(server)
    await call.write(request_)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    await channel.close()

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in refused.value.details()


async def test_lanes_of_another_shape_are_refused_at_once(server) -> None:
    with pytest.raises(SchemaMismatchError, match=r"open.shape: got \[5\], allowed: \[2\]"):
        await server.stream(shape=(5,)).begin_unroll()


async def test_observations_of_another_shape_do_not_leave_the_fleet(server) -> None:
    stream = server.stream()
    with pytest.raises(FailedPreconditionError, match="no unroll has begun"):
        await stream.infer(observed(1.0))
    await stream.begin_unroll()

    with pytest.raises(SchemaMismatchError, match=r"observations.shape: got \(3, 2\), allowed: \(2, 2\)"):
        await stream.infer(np.zeros((3, 2), np.float32))
    with pytest.raises(SchemaMismatchError, match=r"observations\.dtype"):
        await stream.infer(np.zeros((2, 2)))


async def test_a_policy_that_cannot_be_evaluated_is_named(server) -> None:
    stream = server.stream()
    await server.publish(2, ValueError("it fell over"))
    await stream.begin_unroll()

    with pytest.raises(InternalError, match="the policy cannot be evaluated: it fell over"):
        await stream.infer(observed(1.0))


async def test_another_run_s_fleet_is_told_which_run_is_here(server) -> None:
    client = InferenceClient(server.address, ConnectionOptions(reconnect_s=0.1))
    server.clients.append(client)

    with pytest.raises(FailedPreconditionError, match=r"no central inference for run 'other' here \(have: 'run'\)"):
        await client.stream(lanes(run_id="other")).begin_unroll()
