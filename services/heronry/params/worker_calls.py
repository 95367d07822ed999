"""Calls of workers: leases and rounds."""

# ruff: noqa: N802 # methods are named by the proto

from collections.abc import AsyncIterator
from functools import partial

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.calls import Surroundings
from heronry.runtime.interceptors import client_id_of
from heronry.types.contribution import Invitation, RoundNews
from heronry.types.models import ModelSettings
from heronry.wire.contributions import closed_round_to_proto, invitation_to_proto, round_settings_to_proto
from heronry.wire.models import worker_info_to_proto
from heronry.wire.registry import lease_to_proto


class WorkerCalls:
    """Membership of a model, and the rounds its members are drawn for."""

    _around: Surroundings

    async def RegisterWorker(self, request: pb.RegisterWorkerRequest, context: object) -> pb.RegisterWorkerResponse:
        state, now_s = self._around.state(), self._around.clock.now()
        arguments = request.model, client_id_of(context), request.incarnation, now_s
        lease = await state.change(state.models.register_worker, *arguments)
        state.notice_rounds()
        return pb.RegisterWorkerResponse(lease=lease_to_proto(lease))

    async def Heartbeat(self, request: pb.HeartbeatRequest, context: object) -> pb.HeartbeatResponse:
        state, now_s = self._around.state(), self._around.clock.now()
        arguments = request.model, client_id_of(context), request.fencing_token, now_s
        return pb.HeartbeatResponse(
            lease=lease_to_proto(await state.owner.brief(state.models.renew_worker, *arguments))
        )

    async def UnregisterWorker(
        self, request: pb.UnregisterWorkerRequest, context: object
    ) -> pb.UnregisterWorkerResponse:
        state, now_s = self._around.state(), self._around.clock.now()
        arguments = request.model, client_id_of(context), request.fencing_token, now_s
        await state.change(state.models.unregister_worker, *arguments)
        return pb.UnregisterWorkerResponse()

    async def ListWorkers(self, request: pb.ListWorkersRequest, context: object) -> pb.ListWorkersResponse:
        state = self._around.state()
        infos = await state.owner.brief(state.models.worker_infos, request.model, self._around.clock.now())
        return pb.ListWorkersResponse(workers=[worker_info_to_proto(info) for info in infos])

    async def JoinRounds(self, request: pb.JoinRoundsRequest, context: object) -> AsyncIterator[pb.JoinRoundsResponse]:
        state, clock, client_id = self._around.state(), self._around.clock, client_id_of(context)
        round_id = 0
        while True:
            # The time is read whenever the owner tries, not when the wait begins.
            invite = partial(state.models.next_invitation, request.model, client_id, request.fencing_token, round_id)
            invitation: Invitation = await state.owner.call(lambda invite=invite: invite(clock.now()))
            state.notice_rounds()
            round_id = invitation.round_id
            yield invitation_to_proto(invitation)

    async def WatchRounds(
        self, request: pb.WatchRoundsRequest, context: object
    ) -> AsyncIterator[pb.WatchRoundsResponse]:
        state, after = self._around.state(), request.after_round
        told: ModelSettings | None = None
        while True:
            news: RoundNews = await state.owner.call(state.models.news_of_rounds, request.model, after, told)
            for closed in news.closed:
                after, told = closed.round_id, closed.settings
                yield closed_round_to_proto(closed)
            if told != news.settings:
                told = news.settings
                yield round_settings_to_proto(told)
