"""Client of the parameter service."""

import uuid
from collections.abc import AsyncGenerator, Mapping
from typing import overload

import grpc.aio

from heronry.api.params.v1 import params_pb2 as pb
from heronry.api.params.v1 import params_pb2_grpc as pb_grpc
from heronry.client.arguments import (
    check_arrays,
    check_arrays_or_buffer,
    check_count,
    check_kind,
    check_name,
    check_version,
)
from heronry.client.bulk import (
    num_bytes_of,
    pull_method,
    push_method,
    read_version,
    register_method,
    upload_frames,
    watch_method,
)
from heronry.client.feed import Feed
from heronry.client.options import ConnectionOptions
from heronry.client.parameters import Parameters, ParametersAssembler
from heronry.client.retries import Retries
from heronry.client.service_client import Addresses, ServiceClient
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind
from heronry.types.models import ModelInfo, ModelSettings, PrivacyStatus, VersionInfo, WorkerInfo
from heronry.types.tensors import Array, MergeRule, ModelSchema, TensorRole
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import Buffer
from heronry.wire.contributions import acknowledgement_from_proto, contribution_header_to_proto
from heronry.wire.model_settings import settings_to_proto
from heronry.wire.models import (
    model_info_from_proto,
    privacy_status_from_proto,
    version_info_from_proto,
    worker_info_from_proto,
)
from heronry.wire.schema import schema_to_proto
from heronry.wire.struct import struct_to_proto
from heronry.wire.times import duration_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto

_SLOW_CALL_S = 60.0

Roles = Mapping[str, tuple[TensorRole, MergeRule | None]]


class ParamsClient(ServiceClient["pb_grpc.ParamsServiceAsyncStub"]):
    """Registers, pulls, watches and pushes models; task-safe within its event loop."""

    _service = "params"

    def __init__(self, addresses: Addresses, options: ConnectionOptions | None = None) -> None:
        super().__init__(addresses, options)
        self._schemas: dict[str, ModelSchema] = {}

    def _make_stub(self, channel: grpc.aio.Channel) -> "pb_grpc.ParamsServiceAsyncStub":
        return pb_grpc.ParamsServiceStub(channel)

    async def register_model(
        self,
        model: str,
        tensors: Mapping[str, Array],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        request_id: str | None = None,
    ) -> tuple[ParameterVersion, bool]:
        """Create a model with its first values; return its newest version and whether it is new.

        A model of the same name and schema is left as it is.

        Raises:
          AlreadyExistsError: the name is taken by a model with another schema.
          SchemaMismatchError: a tensor that is no array, or of a type that models cannot have.
        """
        check_name("model", model)
        check_arrays("tensors", tensors)
        schema = ModelSchema.of(tensors, roles)
        header = pb.RegisterModelHeader(
            model=model,
            schema=schema_to_proto(schema),
            settings=settings_to_proto(settings or ModelSettings()),
            request_id=request_id or uuid.uuid4().hex,
        )
        frames = await upload_frames(pb.RegisterModelRequest(header=header), schema.pack(tensors))

        async def attempt(left_s: float) -> pb.RegisterModelResponse:
            method = register_method(await self._connection.bulk())
            return await method(iter(frames), timeout=left_s, metadata=self._connection.metadata)

        response = await self._connection.retried("RegisterModel", attempt, _SLOW_CALL_S)
        self._schemas[model] = schema
        return version_from_proto(response.version), response.created

    @overload
    async def pull(
        self, model: str, *, number: int | None = None, tag: str | None = None, wait_s: float | None = None
    ) -> Parameters: ...

    @overload
    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        newer_than: ParameterVersion | None,
        wait_s: float | None = None,
    ) -> Parameters | None: ...

    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        newer_than: ParameterVersion | None = None,
        wait_s: float | None = None,
    ) -> Parameters | None:
        """Return one version: the newest, or the one of a number or tag.

        With `newer_than`, None when there is nothing newer. Waits up to `wait_s` for the model, the
        version or a newer one to exist.
        """
        check_name("model", model)
        if number is not None:
            check_count("number", number, 0)
        if newer_than is not None:
            check_version("newer_than", newer_than)
        request = pb.PullRequest(
            model=model,
            number=number,
            tag=tag,
            newer_than=None if newer_than is None else version_to_proto(newer_than),
            wait=None if wait_s is None else duration_to_proto(wait_s),
        )

        async def attempt(left_s: float) -> Parameters | None:
            method = pull_method(await self._connection.bulk())
            return await read_version(method(request, timeout=left_s, metadata=self._connection.metadata))

        timeout_s = self._connection.options.timeout_s + (wait_s or 0.0)
        parameters = await self._connection.retried("Pull", attempt, timeout_s)
        if parameters is not None:
            self._schemas[model] = parameters.schema
        return parameters

    async def watch(
        self, model: str, *, newer_than: ParameterVersion | None = None, with_values: bool = True
    ) -> AsyncGenerator[Parameters, None]:
        """Yield the newest version and then every newer one; a slow consumer skips versions.

        Opens the stream again by itself and goes on after the last version received. Without values
        the versions come alone.
        """
        check_name("model", model)
        if newer_than is not None:
            check_version("newer_than", newer_than)
        feed: Feed[Parameters] = Feed(newest_only=True)
        last = newer_than

        async def session(retries: Retries) -> bool:
            nonlocal last
            position = None if last is None else version_to_proto(last)
            request = pb.WatchRequest(model=model, newer_than=position, with_values=with_values)
            method = watch_method(await self._connection.bulk())
            assembler = ParametersAssembler(with_values=with_values)
            async for frame in method(request, metadata=self._connection.metadata):
                parameters = assembler.add(frame)
                if parameters is not None:
                    last = parameters.version
                    retries.note_success()
                    feed.put(parameters)
            return False

        feed.start(self._connection.kept_open("Watch", session))
        try:
            while True:
                parameters = await feed.take(f"Watch of {model!r}")
                self._schemas[model] = parameters.schema
                yield parameters
        finally:
            await feed.stop()

    async def push(
        self,
        model: str,
        values: Mapping[str, Array] | Buffer,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        request_id: str | None = None,
        sample_count: int = 0,
        weight: float = 1.0,
        round_id: int = 0,
        timeout_s: float | None = None,
    ) -> Acknowledgement:
        """Hand in one contribution: named tensors, or the flat buffer in the schema's order.

        It is counted once however often it is sent: trying again after a lost answer is safe.

        Raises:
          StaleContributionError, ForeignEpochError: the base version is too old, or of another epoch.
          InvalidContributionError: NaN or infinity, or bytes that do not fit the model.
          SchemaMismatchError: a tensor that is no array, or names and shapes that are not the model's.
        """
        check_name("model", model)
        check_arrays_or_buffer("values", values)
        check_version("base_version", base_version)
        check_kind("kind", kind)
        check_count("sample_count", sample_count, 0)
        flat = (await self._schema_of(model)).pack(values) if isinstance(values, Mapping) else values
        request_id = request_id or uuid.uuid4().hex
        header = ContributionHeader(
            model,
            self.client_id,
            request_id,
            base_version,
            kind,
            sample_count=sample_count,
            weight=weight,
            round_id=round_id,
        )
        opening = pb.PushRequest(header=contribution_header_to_proto(header, num_bytes_of(flat)))
        frames = await upload_frames(opening, flat)

        async def attempt(left_s: float) -> pb.PushResponse:
            method = push_method(await self._connection.bulk())
            return await method(iter(frames), timeout=left_s, metadata=self._connection.metadata)

        return acknowledgement_from_proto(await self._connection.retried("Push", attempt, timeout_s))

    async def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        """Keep a version under a name; number 0 is the newest. A tag given again moves."""
        check_name("model", model)
        request = pb.TagVersionRequest(model=model, number=number, tag=tag)
        return version_from_proto((await self._call(lambda stub: stub.TagVersion, request)).version)

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
        request = pb.ExportVersionRequest(
            model=model, number=number, tag=tag, directory=directory, metadata=struct_to_proto(metadata or {})
        )
        return (await self._call(lambda stub: stub.ExportVersion, request, _SLOW_CALL_S)).path

    async def save_checkpoint(self, run_id: str = "", *, request_id: str | None = None) -> str:
        """Write all models to the run's checkpoint directory; return it."""
        request = pb.SaveCheckpointRequest(request_id=request_id or uuid.uuid4().hex, run_id=run_id)
        return (await self._call(lambda stub: stub.SaveCheckpoint, request, _SLOW_CALL_S)).path

    async def get_model(self, model: str) -> ModelInfo:
        """Describe one model."""
        check_name("model", model)
        response = await self._call(lambda stub: stub.GetModel, pb.GetModelRequest(model=model))
        return model_info_from_proto(response.info)

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """Describe all models, sorted by name."""
        response = await self._call(lambda stub: stub.ListModels, pb.ListModelsRequest())
        return tuple(model_info_from_proto(info) for info in response.models)

    async def list_versions(self, model: str) -> tuple[VersionInfo, ...]:
        """Name the versions that can be pulled, oldest first."""
        check_name("model", model)
        response = await self._call(lambda stub: stub.ListVersions, pb.ListVersionsRequest(model=model))
        return tuple(version_info_from_proto(info) for info in response.versions)

    async def list_workers(self, model: str) -> tuple[WorkerInfo, ...]:
        """Describe the workers of a model, sorted by client id."""
        check_name("model", model)
        response = await self._call(lambda stub: stub.ListWorkers, pb.ListWorkersRequest(model=model))
        return tuple(worker_info_from_proto(info) for info in response.workers)

    async def get_privacy_status(self, model: str) -> PrivacyStatus:
        """State the model's privacy claim and what has been spent."""
        check_name("model", model)
        request = pb.GetPrivacyStatusRequest(model=model)
        return privacy_status_from_proto(await self._call(lambda stub: stub.GetPrivacyStatus, request))

    async def _schema_of(self, model: str) -> ModelSchema:
        if model not in self._schemas:
            self._schemas[model] = (await self.get_model(model)).schema
        return self._schemas[model]
