"""Errors cross the wire as the classes they are."""

import grpc
import pytest

from heronry.types import errors
from heronry.types.errors import InternalError
from heronry.wire.status import error_from_rpc

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.HeronryError)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
async def test_an_error_arrives_with_its_class_message_details_and_retry_time(serve, cls) -> None:
    async with serve() as running:
        running.service.replay.errors["t"] = cls("what happened", details={"field": "x"}, retry_after_s=1.5)

        with pytest.raises(grpc.RpcError) as caught:
            await running.get_table("t")

    error = error_from_rpc(caught.value)
    assert type(error) is cls
    assert error.message == "what happened"
    assert error.details == {"field": "x"}
    assert error.retry_after_s == 1.5


async def test_an_error_in_the_middle_of_a_stream_arrives_after_the_messages_before_it(serve) -> None:
    async with serve() as running:
        running.service.replay.errors["t"] = errors.TableNotFoundError.of("table", "t", ["u"])
        call = running.sample("t")

        assert (await call.read()).waiting.side == "sample"
        with pytest.raises(grpc.RpcError) as caught:
            await call.read()

    error = error_from_rpc(caught.value)
    assert isinstance(error, errors.TableNotFoundError)
    assert error.details == {"kind": "table", "name": "t", "have": "'u'"}


async def test_an_unmapped_error_tells_only_a_correlation_id(serve) -> None:
    async with serve() as running:
        running.service.replay.errors["t"] = KeyError("a secret")

        with pytest.raises(grpc.RpcError) as caught:
            await running.get_table("t")

    error = error_from_rpc(caught.value)
    assert isinstance(error, InternalError)
    assert error.details["correlation_id"] in error.message
    assert "secret" not in error.message + str(error.details)


async def test_an_abort_of_the_servicers_own_passes_through(serve) -> None:
    async with serve() as running:
        with pytest.raises(grpc.RpcError) as caught:
            await running.get_table("aborts")

    assert caught.value.code() is grpc.StatusCode.OUT_OF_RANGE
    assert caught.value.details() == "its own words"


@pytest.mark.parametrize("name", ["Nothing", "ListTables"])
async def test_a_method_that_nobody_implements_is_unimplemented(serve, name) -> None:
    async with serve() as running:
        with pytest.raises(grpc.RpcError) as caught:
            await running.channel.unary_unary(f"/heronry.api.replay.v1.ReplayService/{name}")(b"", timeout=5)

    assert isinstance(error_from_rpc(caught.value), errors.UnimplementedError)


async def test_a_call_without_a_deadline_gets_the_services_own(serve) -> None:
    async with serve(unary_timeout_s=0.1) as running:
        with pytest.raises(grpc.RpcError) as caught:
            await running.get_table("slow", timeout=None)

    error = error_from_rpc(caught.value)
    assert isinstance(error, errors.DeadlineExceededError)
    assert error.details == {"timeout_s": "0.1"}


async def test_a_message_over_the_limit_is_named(serve) -> None:
    async with serve(max_message_bytes=4096) as running:
        with pytest.raises(grpc.RpcError) as caught:
            await running.get_table("t" * 5000)

    error = error_from_rpc(caught.value)
    assert isinstance(error, errors.MessageTooLargeError)
    assert error.details["allowed"] == "at most 4096 bytes"
