"""Client of the parameter service."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import overload

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.arguments import (
    check_count,
    check_name,
    check_optional_name,
    check_seconds,
    check_selection,
    check_timeout,
    check_version,
)
from heronry.client.bulk import register_method, upload_frames
from heronry.client.contribution_order import ContributionOrder
from heronry.client.contribution_outcome import told
from heronry.client.contribution_packing import Values, packed, pieces_of
from heronry.client.contributor import F32, Contributor
from heronry.client.downloads import Downloads, check_download
from heronry.client.feed import Feed
from heronry.client.lent_memory import LendCall, LentMemory
from heronry.client.local_protection import protected
from heronry.client.model_admin import SLOW_CALL_S
from heronry.client.options import ConnectionOptions
from heronry.client.parameter_vector import Bytes
from heronry.client.parameters import Parameters
from heronry.client.peer_status import peer_status
from heronry.client.retries import Retries
from heronry.client.secure_sums import SecureSumsClient
from heronry.client.service_client import Addresses
from heronry.client.tensor_arrays import named_arrays
from heronry.client.uploads import Uploads
from heronry.types.contribution import Acknowledgement, ContributionHeader, Invitation, ParameterCodec
from heronry.types.errors import DeadlineExceededError
from heronry.types.field_checks import check_type
from heronry.types.models import ModelSettings
from heronry.types.tensors import Groups, ModelSchema, Roles
from heronry.types.version import ParameterVersion
from heronry.wire.contributions import codec_to_proto, invitation_from_proto
from heronry.wire.model_settings import settings_to_proto
from heronry.wire.schema import schema_to_proto
from heronry.wire.times import duration_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto


class ParamsClient(SecureSumsClient, Contributor):
    """Registers, pulls, watches and pushes models; task-safe within its event loop."""

    def __init__(self, addresses: Addresses, options: ConnectionOptions | None = None) -> None:
        super().__init__(addresses, options)
        self._downloads = Downloads(self._connection)
        self._lent = LentMemory(self._connection, self._lend)
        self._uploads = Uploads(self._connection, self._lent)

    async def close(self) -> None:
        """Close the connection; calls and streams in flight end. Parameters stay valid."""
        self._lent.close()
        self._downloads.close()
        await super().close()

    async def register_model(
        self,
        model: str,
        tensors: Mapping[str, object],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        groups: Groups | None = None,
        request_id: str | None = None,
    ) -> tuple[ParameterVersion, bool]:
        """Create a model with its first values; return its newest version and whether it is new.

        A model of the same name and schema is left as it is. `groups` puts tensors into groups by name, for which
        `settings` may have optimisers of their own.

        Raises:
          AlreadyExistsError: the name is taken by a model with another schema.
          SchemaMismatchError: a tensor that is no array, or of a type that models cannot have; a role that is none,
            or of no tensor.
        """
        check_name("model", model)
        check_optional_name("request_id", request_id)
        settings = ModelSettings() if settings is None else settings
        check_type("settings", settings, ModelSettings)
        arrays = named_arrays("tensors", tensors)
        schema = ModelSchema.of(arrays, roles, groups)
        header = pb.RegisterModelHeader(
            model=model,
            schema=schema_to_proto(schema),
            settings=settings_to_proto(settings),
            request_id=request_id or uuid.uuid4().hex,
        )
        opening, pieces = pb.RegisterModelRequest(header=header), pieces_of(schema, arrays, "tensors")

        async def attempt(left_s: float) -> pb.RegisterModelResponse:
            method = register_method(await self._connection.bulk())
            frames = upload_frames(opening, pieces)
            call = method(frames, timeout=left_s, metadata=self._connection.metadata)
            with peer_status(call):
                return await call

        response = await self._connection.retried("RegisterModel", attempt, SLOW_CALL_S)
        self._schemas[model] = schema
        return version_from_proto(response.version), response.created

    @overload
    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        codec: ParameterCodec = F32,
        base: Parameters | None = None,
        wait_s: float | None = None,
    ) -> Parameters: ...

    @overload
    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        newer_than: ParameterVersion | None,
        codec: ParameterCodec = F32,
        base: Parameters | None = None,
        wait_s: float | None = None,
    ) -> Parameters | None: ...

    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        newer_than: ParameterVersion | None = None,
        codec: ParameterCodec = F32,
        base: Parameters | None = None,
        wait_s: float | None = None,
    ) -> Parameters | None:
        """Return one version: the newest, or the one of a number or tag.

        With `newer_than`, None when there is nothing newer. Waits up to `wait_s` for the model, the
        version or a newer one to exist, and while the worker is too far ahead (StaleSynchronous). A service on
        this machine is read in place.

        `codec` is how PARAMETER tensors travel; all but F32 lose precision. With `base`, which was pulled with
        F32, the difference to it may travel; TOP_K needs one.

        Raises:
          ModelNotFoundError, VersionNotFoundError: there is none.
          FailedPreconditionError: the worker is too far ahead of the slowest, and `wait_s` is not given.
        """
        check_name("model", model)
        check_selection(number, tag)
        check_seconds("wait_s", wait_s)
        if newer_than is not None:
            check_version("newer_than", newer_than)
        check_download(codec, base)
        request = pb.PullRequest(
            model=model,
            number=number,
            tag=tag,
            newer_than=None if newer_than is None else version_to_proto(newer_than),
            wait=None if wait_s is None else duration_to_proto(wait_s),
            codec=codec_to_proto(codec),
            base=None if base is None or codec is F32 else version_to_proto(base.version),
        )
        parameters = await self._downloads.pull(request, base, self._connection.options.timeout_s + (wait_s or 0.0))
        if parameters is not None:
            self._schemas[model] = parameters.schema
        return parameters

    async def watch(
        self,
        model: str,
        *,
        newer_than: ParameterVersion | None = None,
        with_values: bool = True,
        codec: ParameterCodec = F32,
    ) -> AsyncGenerator[Parameters, None]:
        """Yield the newest version and then every newer one; a slow consumer skips versions.

        Opens the stream again by itself and goes on after the last version received. Without values
        the versions come alone.
        """
        check_name("model", model)
        if newer_than is not None:
            check_version("newer_than", newer_than)
        check_download(codec, None)
        request = pb.WatchRequest(model=model, with_values=with_values, codec=codec_to_proto(codec))
        if newer_than is not None:
            request.newer_than.CopyFrom(version_to_proto(newer_than))
        feed: Feed[Parameters] = Feed(newest_only=True)
        feed.start(self._connection.kept_open("Watch", lambda retries: self._downloads.watched(request, feed, retries)))
        try:
            while True:
                parameters = await feed.take(f"Watch of {model!r}")
                self._schemas[model] = parameters.schema
                yield parameters
        finally:
            await feed.stop()

    async def push_packed(
        self, header: ContributionHeader, pieces: Sequence[Bytes], timeout_s: float | None
    ) -> Acknowledgement:
        """Hand in a contribution that is packed already, as `header` says; refusals as `push`."""
        return await self._uploads.push(header, pieces, timeout_s)

    async def join_rounds(self, model: str, fencing_token: int = 0) -> AsyncGenerator[Invitation, None]:
        """Yield an invitation for every round this client is drawn for; with other modes than rounds, for each.

        An invitation that was not taken gives way to the next one.

        Raises:
          FencedError: the lease is not, or no longer, this client's.
        """
        check_name("model", model)
        check_count("fencing_token", fencing_token, 0)
        request = pb.JoinRoundsRequest(model=model, fencing_token=fencing_token)
        feed: Feed[Invitation] = Feed(newest_only=True)
        feed.start(self._connection.kept_open("JoinRounds", lambda retries: self._joined(request, feed, retries)))
        last: tuple[int, int] | None = None
        try:
            while True:
                invitation = await feed.take(f"JoinRounds of {model!r}")
                # A stream that was opened again begins with the round that is open.
                if last != (last := (invitation.base_version.epoch, invitation.round_id)):
                    yield invitation
        finally:
            await feed.stop()

    async def join_round(self, model: str, fencing_token: int = 0, timeout_s: float | None = None) -> Invitation:
        """Return the next round this client is drawn for, or the open one it was drawn for before.

        Raises:
          DeadlineExceededError: there was none for `timeout_s`.
        """
        check_timeout("timeout_s", timeout_s)
        try:
            async with asyncio.timeout(timeout_s), aclosing(self.join_rounds(model, fencing_token)) as rounds:
                return await anext(rounds)
        except TimeoutError:
            raise DeadlineExceededError(f"JoinRounds of {model!r}: nothing came for {timeout_s:g} s") from None

    async def _contribute(self, model: str, values: Values, order: ContributionOrder) -> Acknowledgement:
        if order.local_privacy is not None:
            values = await protected(order.local_privacy, values, lambda: self._schema_of(model))
        pieces = await packed(order.packing, values, lambda: self._schema_of(model))
        return await told(order, self.push_packed(order.header(model, self.client_id), pieces, order.timeout_s))

    async def _joined(self, request: pb.JoinRoundsRequest, feed: Feed[Invitation], retries: Retries) -> bool:
        stub = await self._control_stub()
        async for message in stub.JoinRounds(request, metadata=self._connection.metadata):
            retries.note_success()
            feed.put(invitation_from_proto(message))
        return False

    async def _lend(self, request: pb.LendMemoryRequest) -> "LendCall":
        return (await self._control_stub()).LendMemory(request, metadata=self._connection.metadata)
