"""Calls that look at models and steer them."""

import uuid
from collections.abc import Mapping
from typing import get_args

import grpc.aio

from heronry.api.params.v1 import params_pb2 as pb
from heronry.api.params.v1 import params_pb2_grpc as pb_grpc
from heronry.api.params.v1 import privacy_pb2
from heronry.client.arguments import check_count, check_name, check_optional_name, check_selection
from heronry.client.options import ConnectionOptions
from heronry.client.service_client import Addresses, ServiceClient
from heronry.types.consistency import Consistency
from heronry.types.field_checks import MAX_SMALL_COUNT, check_choice, check_type
from heronry.types.models import (
    ContributionLimits,
    ModelInfo,
    VersionInfo,
    WorkerInfo,
)
from heronry.types.optimizers import ServerOptimizer
from heronry.types.privacy import ClientSpending, PrivacyStatus
from heronry.types.run import Lease
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.model_settings import (
    consistency_to_proto,
    group_optimizers_to_proto,
    limits_to_proto,
    optimizer_to_proto,
)
from heronry.wire.models import (
    model_info_from_proto,
    version_info_from_proto,
    worker_info_from_proto,
)
from heronry.wire.privacy import privacy_status_from_proto, spendings_from_proto
from heronry.wire.registry import lease_from_proto
from heronry.wire.struct import struct_to_proto
from heronry.wire.versions import version_from_proto

SLOW_CALL_S = 60.0


class ModelAdminClient(ServiceClient["pb_grpc.ParamsServiceAsyncStub"]):
    """The small calls of the parameter service; task-safe within its event loop."""

    _service = "params"

    def __init__(self, addresses: Addresses, options: ConnectionOptions | None = None) -> None:
        super().__init__(addresses, options)
        self._schemas: dict[str, ModelSchema] = {}

    def _make_stub(self, channel: grpc.aio.Channel) -> "pb_grpc.ParamsServiceAsyncStub":
        return pb_grpc.ParamsServiceStub(channel)

    async def get_model(self, model: str) -> ModelInfo:
        """Describe one model."""
        check_name("model", model)
        response = await self._call(lambda stub: stub.GetModel, pb.GetModelRequest(model=model))
        info = model_info_from_proto(response.info)
        self._schemas[model] = info.schema
        return info

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """Describe all models, sorted by name."""
        response = await self._call(lambda stub: stub.ListModels, pb.ListModelsRequest())
        return tuple(model_info_from_proto(info) for info in response.models)

    async def update_model(
        self,
        model: str,
        *,
        consistency: Consistency | None = None,
        limits: ContributionLimits | None = None,
        optimizer: ServerOptimizer | None = None,
        group_optimizers: Mapping[str, ServerOptimizer] | None = None,
        num_versions_kept: int = 0,
    ) -> ModelInfo:
        """Change figures of a live model and describe it; what is None, or 0, stays.

        The mode of consistency and the kind of optimiser stay, their figures change. `group_optimizers` changes
        those of groups that have one.
        """
        check_name("model", model)
        check_count("num_versions_kept", num_versions_kept, 0, MAX_SMALL_COUNT)
        if consistency is not None:
            check_choice("consistency", consistency, get_args(Consistency))
        if limits is not None:
            check_type("limits", limits, ContributionLimits)
        if optimizer is not None:
            check_choice("optimizer", optimizer, get_args(ServerOptimizer))
        groups = {} if group_optimizers is None else group_optimizers
        check_type("group_optimizers", groups, Mapping, "a mapping of groups to optimisers")
        for group, one in groups.items():
            check_name("group_optimizers", group)
            check_choice(f"group_optimizers.{group}", one, get_args(ServerOptimizer))
        request = pb.UpdateModelRequest(
            model=model,
            consistency=None if consistency is None else consistency_to_proto(consistency),
            limits=None if limits is None else limits_to_proto(limits),
            optimizer=None if optimizer is None else optimizer_to_proto(optimizer),
            num_versions_kept=num_versions_kept,
            group_optimizers=group_optimizers_to_proto(groups),
        )
        return model_info_from_proto((await self._call(lambda stub: stub.UpdateModel, request)).info)

    async def delete_model(self, model: str) -> None:
        """Drop a model with its versions, also from what a restart restores."""
        check_name("model", model)
        await self._call(lambda stub: stub.DeleteModel, pb.DeleteModelRequest(model=model), SLOW_CALL_S)
        self._schemas.pop(model, None)

    async def list_versions(self, model: str) -> tuple[VersionInfo, ...]:
        """Name the versions that can be pulled, oldest first."""
        check_name("model", model)
        response = await self._call(lambda stub: stub.ListVersions, pb.ListVersionsRequest(model=model))
        return tuple(version_info_from_proto(info) for info in response.versions)

    async def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        """Keep a version under a name; number 0 is the newest. A tag given again moves."""
        check_name("model", model)
        check_name("tag", tag)
        check_count("number", number, 0)
        request = pb.TagVersionRequest(model=model, number=number, tag=tag)
        return version_from_proto((await self._call(lambda stub: stub.TagVersion, request)).version)

    async def rollback_model(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        request_id: str | None = None,
        asks_all_shards: bool = False,
    ) -> ParameterVersion:
        """Publish an earlier version's values again, under a new number, which is returned.

        The open round is dropped, and contributions computed before are refused. `asks_all_shards` is what
        `ShardedParamsClient` tells each shard of a model.
        """
        check_name("model", model)
        check_selection(number, tag)
        check_optional_name("request_id", request_id)
        request = pb.RollbackModelRequest(
            model=model,
            number=number,
            tag=tag,
            request_id=request_id or uuid.uuid4().hex,
            asks_all_shards=asks_all_shards,
        )
        return version_from_proto((await self._call(lambda stub: stub.RollbackModel, request, SLOW_CALL_S)).version)

    async def export_version(
        self,
        model: str,
        directory: str,
        tag: str | None = None,
        number: int | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> str:
        """Write one version as safetensors + JSON below the service's data directory; return the path."""
        check_name("model", model)
        check_name("directory", directory)
        check_selection(number, tag)
        request = pb.ExportVersionRequest(
            model=model, number=number, tag=tag, directory=directory, metadata=struct_to_proto(metadata or {})
        )
        return (await self._call(lambda stub: stub.ExportVersion, request, SLOW_CALL_S)).path

    async def save_checkpoint(self, run_id: str = "", *, request_id: str | None = None) -> str:
        """Write all models to the run's checkpoint directory; return it."""
        check_name("run_id", run_id)
        check_optional_name("request_id", request_id)
        request = pb.SaveCheckpointRequest(request_id=request_id or uuid.uuid4().hex, run_id=run_id)
        return (await self._call(lambda stub: stub.SaveCheckpoint, request, SLOW_CALL_S)).path

    async def register_worker(self, model: str, incarnation: int = 0) -> Lease:
        """Ask for a worker's lease on a model; a later incarnation of the same client fences the one before.

        Raises:
          FencedError: a later incarnation holds the lease.
        """
        check_name("model", model)
        check_count("incarnation", incarnation, 0)
        request = pb.RegisterWorkerRequest(model=model, incarnation=incarnation)
        return lease_from_proto((await self._call(lambda stub: stub.RegisterWorker, request)).lease)

    async def heartbeat(self, model: str, fencing_token: int) -> Lease:
        """Renew a worker's lease.

        Raises:
          FencedError: it has run out, or has gone to a later incarnation.
        """
        check_name("model", model)
        check_count("fencing_token", fencing_token, 0)
        request = pb.HeartbeatRequest(model=model, fencing_token=fencing_token)
        return lease_from_proto((await self._call(lambda stub: stub.Heartbeat, request)).lease)

    async def unregister_worker(self, model: str, fencing_token: int) -> None:
        """Give a worker's lease back; what it contributed stays counted."""
        check_name("model", model)
        check_count("fencing_token", fencing_token, 0)
        request = pb.UnregisterWorkerRequest(model=model, fencing_token=fencing_token)
        await self._call(lambda stub: stub.UnregisterWorker, request)

    async def list_workers(self, model: str) -> tuple[WorkerInfo, ...]:
        """Describe the workers of a model, sorted by client id."""
        check_name("model", model)
        response = await self._call(lambda stub: stub.ListWorkers, pb.ListWorkersRequest(model=model))
        return tuple(worker_info_from_proto(info) for info in response.workers)

    async def get_privacy_status(self, model: str) -> PrivacyStatus:
        """State the model's privacy claim and what has been spent."""
        check_name("model", model)
        request = privacy_pb2.GetPrivacyStatusRequest(model=model)
        return privacy_status_from_proto(await self._call(lambda stub: stub.GetPrivacyStatus, request))

    async def list_client_spendings(self, model: str) -> tuple[ClientSpending, ...]:
        """Tell what each client has spent, sorted by client id; nobody where all pay together."""
        check_name("model", model)
        request = privacy_pb2.GetPrivacyStatusRequest(model=model, with_clients=True)
        return tuple(spendings_from_proto(await self._call(lambda stub: stub.GetPrivacyStatus, request)))
