"""Blocking client of the parameter service."""

from collections.abc import Iterator, Mapping
from typing import overload

from heronry.client.contributor import F32
from heronry.client.parameters import Parameters
from heronry.client.params import ParamsClient as AsyncParamsClient
from heronry.client.sync.secure_sums import SecureSumsClient
from heronry.types.contribution import ParameterCodec
from heronry.types.models import ModelSettings
from heronry.types.tensors import Groups, Roles
from heronry.types.version import ParameterVersion


class ParamsClient(SecureSumsClient):
    """Registers, pulls, watches and pushes models; see the asynchronous client of the same name."""

    _asynchronous = AsyncParamsClient

    def register_model(
        self,
        model: str,
        tensors: Mapping[str, object],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        groups: Groups | None = None,
        request_id: str | None = None,
    ) -> tuple[ParameterVersion, bool]:
        """Create a model with its first values; return its newest version and whether it is new."""
        return self._loop.run(
            self._client.register_model(model, tensors, settings, roles, groups=groups, request_id=request_id)
        )

    @overload
    def pull(
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
    def pull(
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

    def pull(
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
        """Return one version; with `newer_than`, None when there is nothing newer."""
        return self._loop.run(
            self._client.pull(
                model, number=number, tag=tag, newer_than=newer_than, codec=codec, base=base, wait_s=wait_s
            )
        )

    def watch(
        self,
        model: str,
        *,
        newer_than: ParameterVersion | None = None,
        with_values: bool = True,
        codec: ParameterCodec = F32,
    ) -> Iterator[Parameters]:
        """Yield the newest version and then every newer one; a slow consumer skips versions."""
        return self._loop.iterate(
            self._client.watch(model, newer_than=newer_than, with_values=with_values, codec=codec)
        )
