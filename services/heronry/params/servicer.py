"""Decodes calls, makes one core call each, encodes answers."""

import asyncio
from collections.abc import AsyncIterator, Callable

from heronry.api.params.v1 import params_pb2 as pb
from heronry.api.params.v1 import params_pb2_grpc
from heronry.params.admin_calls import AdminCalls
from heronry.params.calls import Surroundings
from heronry.params.config import ParamsSettings
from heronry.params.info_messages import InfoMessages, named_model
from heronry.params.open_state import OpenState
from heronry.params.secure_rounds import SecureRounds
from heronry.params.transfers import Transfers
from heronry.params.upload import Upload
from heronry.params.worker_calls import WorkerCalls
from heronry.runtime.clock import Clock
from heronry.runtime.interceptors import CallContext, client_id_of
from heronry.types.errors import MessageTooLargeError, SchemaMismatchError
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.wire.contributions import acknowledgement_to_proto
from heronry.wire.model_settings import settings_from_proto
from heronry.wire.schema import schema_from_proto
from heronry.wire.versions import version_to_proto

RAW_REQUESTS = ("GetModel", "Push", "RegisterModel", "SumSecurely")
RAW_RESPONSES = ("GetModel", "Pull", "Watch")


class ParamsServicer(AdminCalls, WorkerCalls, params_pb2_grpc.ParamsServiceServicer):
    """Serves the models of the run that is open; holds no aggregation logic of its own.

    Uploads come as bytes (`RAW_REQUESTS`), downloads leave as bytes (`RAW_RESPONSES`); what is asked for again and
    again does both.
    """

    def __init__(
        self,
        state: Callable[[], OpenState],
        transfers: Transfers,
        secure: SecureRounds,
        settings: ParamsSettings,
        clock: Clock,
    ) -> None:
        """Take `state`, which gives the run's models or raises UnavailableError."""
        self._around = Surroundings(state, transfers, settings, clock)
        self._secure = secure
        self._infos = InfoMessages()

    async def GetModel(  # type: ignore[override] # see RAW_REQUESTS and RAW_RESPONSES
        self, request: bytes, context: object
    ) -> bytes:
        state = self._around.state()
        model, now_s = named_model(request), self._around.clock.now()
        info = state.owner.attempt(state.models.info, model, now_s)
        if info is None:
            info = await state.owner.call(state.models.info, model, now_s)
        return self._infos.answer(info)

    async def RegisterModel(  # type: ignore[override] # see RAW_REQUESTS
        self, requests: AsyncIterator[bytes], context: object
    ) -> pb.RegisterModelResponse:
        around, state = self._around, self._around.state()
        with Upload(requests, pb.RegisterModelRequest, around.settings.stall_s) as upload:
            header = (await upload.header()).header
            schema = schema_from_proto(header.schema)
            settings = settings_from_proto(header.settings) if header.HasField("settings") else ModelSettings()
            _check_size(schema, around.settings.max_model_bytes)
            await state.owner.call(state.models.check_registration, header.model, schema)
            async with around.transfers.staging.buffer(schema.num_bytes) as flat:
                await upload.fill(flat)
                arguments = (header.model, schema, settings, flat, around.clock.wall())
                version, created = await state.change(state.models.register, *arguments)
        state.notice_rounds()
        return pb.RegisterModelResponse(version=version_to_proto(version), created=created)

    async def Push(  # type: ignore[override] # see RAW_REQUESTS
        self, requests: AsyncIterator[bytes], context: object
    ) -> pb.PushResponse:
        state = self._around.state()
        answer = await self._around.transfers.contributions.push(state, requests, client_id_of(context))
        if answer.closed_round:
            state.notice_rounds()
        state.save_if_longer(self._around.settings.max_journal_bytes)
        return acknowledgement_to_proto(answer)

    async def Pull(  # type: ignore[override] # see RAW_RESPONSES; written, as each generator costs a step a message
        self, request: pb.PullRequest, context: CallContext
    ) -> None:
        downloads = self._around.transfers.downloads
        await downloads.pull(self._around.state(), request, context.client_id, context.write)

    async def Watch(  # type: ignore[override] # see RAW_RESPONSES
        self, request: pb.WatchRequest, context: CallContext
    ) -> None:
        await self._around.transfers.downloads.watch(self._around.state(), request, context.write)

    async def SumSecurely(  # type: ignore[override] # see RAW_REQUESTS; a stream's handler may write instead of yield
        self, requests: AsyncIterator[bytes], context: CallContext
    ) -> None:
        state = self._around.state()
        await self._secure.take_part(state, requests, context.write, context.client_id)
        state.save_if_longer(self._around.settings.max_journal_bytes)

    async def LendMemory(self, request: pb.LendMemoryRequest, context: object) -> AsyncIterator[pb.LendMemoryResponse]:
        loans = self._around.transfers.loans
        loan = loans.lend(client_id_of(context), request.num_bytes)
        try:
            offer = pb.SharedMemoryOffer(socket_path=loan.socket_path, token=loan.token, num_bytes=loan.num_bytes)
            yield pb.LendMemoryResponse(loan_id=loan.loan_id, memory=offer)
            # The borrower ends the loan by ending the stream, which cancels this wait.
            await asyncio.get_running_loop().create_future()
        finally:
            loans.take_back(loan)


def _check_size(schema: ModelSchema, max_bytes: int) -> None:
    if not schema.tensors:
        raise SchemaMismatchError.of("schema.tensors", "none", "at least one tensor")
    if schema.num_bytes > max_bytes:
        raise MessageTooLargeError.of("schema.num_bytes", schema.num_bytes, f"at most {max_bytes}")
