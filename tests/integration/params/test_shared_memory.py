"""Versions and contributions that go by memory which both sides map."""

import asyncio
import gc

import numpy as np
import pytest

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    InvalidArgumentError,
    InvalidContributionError,
    MessageTooLargeError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnimplementedError,
)
from heronry.types.tensors import content_hash
from heronry.wire.chunks import DOWNLOAD_CHUNK_BYTES

NUM = 1 << 19
NUM_BYTES = 4 * NUM


def tensors(value: float) -> dict[str, np.ndarray]:
    return {"weight": np.full(NUM, value, np.float32)}


def delta(value: float) -> np.ndarray:
    return np.full(NUM, value, np.float32).view(np.uint8)


async def pushed(mesh, version, value: float, request_id: str):
    messages = mesh.upload_of(delta(value), version, kind=ContributionKind.DELTA, request_id=request_id)
    return await mesh.push_raw(messages)


async def borrowed(mesh, client_id: str = "raw", num_bytes: int = NUM_BYTES):
    """Return the stream that keeps a loan, its id and its memory."""
    stream = mesh.stub.LendMemory(
        pb.LendMemoryRequest(num_bytes=num_bytes), metadata=(("heronry-client-id", client_id),)
    )
    answer = await anext(aiter(stream))
    memory = await mesh.mapped(answer.memory, is_writable=True)
    return stream, answer.loan_id, memory


def by_loan(mesh, version, loan_id: bytes, **fields: object) -> list[pb.PushRequest]:
    opening = mesh.opening(NUM_BYTES, version, kind=ContributionKind.DELTA, **fields)
    return [opening, pb.PushRequest(shared=pb.SharedUpload(loan_id=loan_id))]


async def test_a_version_is_read_where_it_lies(mesh) -> None:
    await mesh.register(tensors(1.0))

    pulled = await mesh.pull_raw(accepts_shared_memory=True)
    memory = await mesh.mapped(pulled.manifest.shared_memory)

    manifest = pulled.manifest
    assert (manifest.codec, manifest.num_bytes, manifest.num_chunks) == (pb.PARAMETER_CODEC_F32, NUM_BYTES, 0)
    assert content_hash(memory) == manifest.version.content_hash
    assert (await mesh.client.get_model("policy")).num_bytes_sent == NUM_BYTES


async def test_what_a_reader_mapped_stays_as_it_is_while_versions_go_on(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    first = await mesh.mapped((await mesh.pull_raw(accepts_shared_memory=True)).manifest.shared_memory)

    for number in range(8):
        answer = await pushed(mesh, version, 1.0, str(number))
        pulled = await mesh.pull_raw(accepts_shared_memory=True)
        last = await mesh.mapped(pulled.manifest.shared_memory)
        gc.collect()

    assert answer.version.number == pulled.manifest.version.number == 9
    assert set(first.view(np.float32)) == {1.0}
    assert set(last.view(np.float32)) == {9.0}


async def test_versions_are_made_in_shared_memory_once_it_was_asked_for(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    await mesh.pull_raw(accepts_shared_memory=True)

    await pushed(mesh, version, 1.0, "r")

    newest = mesh.service._state.models.model("policy").history.newest
    assert mesh.service._transfers.buffers.memory_of(newest.flat) is not None


async def test_a_token_is_good_once(mesh) -> None:
    await mesh.register(tensors(1.0))
    pulled = await mesh.pull_raw(accepts_shared_memory=True)

    assert await mesh.mapped(pulled.manifest.shared_memory) is not None
    assert await mesh.mapped(pulled.manifest.shared_memory) is None


async def test_a_small_model_goes_by_the_stream(mesh) -> None:
    await mesh.register({"weight": np.zeros(100, np.float32)})

    pulled = await mesh.pull_raw(accepts_shared_memory=True)

    assert not pulled.manifest.HasField("shared_memory")
    assert pulled.manifest.num_chunks == 1


async def test_without_shared_memory_versions_and_contributions_go_by_the_stream(served) -> None:
    mesh = await served(shared_memory=False)
    await mesh.register(tensors(1.0))

    pulled = await mesh.pull_raw(accepts_shared_memory=True)

    assert pulled.manifest.num_chunks == NUM_BYTES // DOWNLOAD_CHUNK_BYTES
    stream = mesh.stub.LendMemory(pb.LendMemoryRequest(num_bytes=NUM_BYTES))
    assert isinstance(await mesh.refusal(anext(aiter(stream))), UnimplementedError)


async def test_where_no_socket_can_be_opened_versions_go_by_the_stream(mesh, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    await mesh.register(tensors(1.0))

    pulled = await mesh.pull_raw(accepts_shared_memory=True)
    stream = mesh.stub.LendMemory(pb.LendMemoryRequest(num_bytes=NUM_BYTES))

    assert pulled.manifest.num_chunks == NUM_BYTES // DOWNLOAD_CHUNK_BYTES
    assert isinstance(await mesh.refusal(anext(aiter(stream))), UnimplementedError)


async def test_watchers_get_offers_and_skip_while_they_do_not_fetch(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    stream = aiter(mesh.stub.Watch(pb.WatchRequest(model="policy", with_values=True, accepts_shared_memory=True)))
    first = (await anext(stream)).manifest
    for number in range(5):
        await pushed(mesh, version, 1.0, str(number))

    await mesh.mapped(first.shared_memory)
    second = (await anext(stream)).manifest
    memory = await mesh.mapped(second.shared_memory)

    assert (first.version.number, second.version.number) == (1, 6)
    assert set(memory.view(np.float32)) == {6.0}


async def test_a_contribution_is_taken_from_lent_memory(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    stream, loan_id, memory = await borrowed(mesh)

    memory[:] = delta(2.0)
    answer = await mesh.push_raw(by_loan(mesh, version, loan_id, request_id="one"))
    memory[:] = delta(4.0)
    again = await mesh.push_raw(by_loan(mesh, version, loan_id, request_id="two"))

    assert (answer.counted, again.counted, again.version.number) == (True, True, 3)
    assert set((await mesh.pull_raw()).values) == {7.0}
    stream.cancel()


async def test_values_in_lent_memory_are_checked_like_any_others(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    stream, loan_id, memory = await borrowed(mesh)
    memory[:] = delta(2.0)
    memory.view(np.float32)[77] = np.nan

    error = await mesh.refusal(mesh.push_raw(by_loan(mesh, version, loan_id)))

    assert isinstance(error, InvalidContributionError)
    assert "weight[77]" in str(error)
    assert (await mesh.client.get_model("policy")).version.number == 1
    stream.cancel()


async def test_only_the_borrower_may_name_a_loan(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    stream, loan_id, memory = await borrowed(mesh, "somebody")
    memory[:] = delta(2.0)

    error = await mesh.refusal(mesh.push_raw(by_loan(mesh, version, loan_id)))
    unknown = await mesh.refusal(mesh.push_raw(by_loan(mesh, version, b"x" * 16)))

    assert isinstance(error, PermissionDeniedError)
    assert isinstance(unknown, NotFoundError)
    assert (await mesh.client.get_model("policy")).num_accepted == 0
    stream.cancel()


async def test_a_loan_ends_with_its_stream(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    stream, loan_id, _ = await borrowed(mesh)
    loans = mesh.service._transfers.loans
    assert (loans.num_loans, loans.num_bytes) == (1, NUM_BYTES)

    stream.cancel()
    async with asyncio.timeout(10):
        while loans.num_loans:
            await mesh.client.list_models()

    assert loans.num_bytes == 0
    assert isinstance(await mesh.refusal(mesh.push_raw(by_loan(mesh, version, loan_id))), NotFoundError)


async def test_a_contribution_longer_than_its_loan_is_refused(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    stream, loan_id, _ = await borrowed(mesh, num_bytes=NUM_BYTES - 4)

    error = await mesh.refusal(mesh.push_raw(by_loan(mesh, version, loan_id)))

    assert isinstance(error, MessageTooLargeError)
    stream.cancel()


async def test_a_reference_to_memory_after_a_chunk_is_out_of_order(mesh) -> None:
    version = await mesh.register(tensors(1.0))
    stream, loan_id, _ = await borrowed(mesh)
    opening, first, *_ = mesh.upload_of(delta(1.0), version, kind=ContributionKind.DELTA)

    error = await mesh.refusal(mesh.push_raw([opening, first, by_loan(mesh, version, loan_id)[1]]))

    assert isinstance(error, InvalidArgumentError)
    assert "part" in str(error)
    stream.cancel()


@pytest.mark.parametrize(
    ("limits", "num_bytes", "error"),
    [
        ({"max_loans": 0}, 1000, UnimplementedError),
        ({"max_loans": 1}, 1000, ResourceExhaustedError),
        ({"max_lent_bytes": 1500}, 1000, ResourceExhaustedError),
        ({"max_model_bytes": 900}, 1000, MessageTooLargeError),
        ({}, 0, InvalidArgumentError),
    ],
)
async def test_loans_are_bounded(served, limits: dict[str, int], num_bytes: int, error: type[Exception]) -> None:
    mesh = await served(**limits)
    streams = [mesh.stub.LendMemory(pb.LendMemoryRequest(num_bytes=num_bytes)) for _ in range(2)]

    async def lend_both() -> None:
        for stream in streams:
            await anext(aiter(stream))

    assert type(await mesh.refusal(lend_both())) is error
    for stream in streams:
        stream.cancel()
