"""An audit at the live mechanism: canaries that contribute by the service's own calls, and what comes back."""

import asyncio
import contextlib
import math
import random
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.cli.access import Access
from heronry.cli.params_service import known_params_address
from heronry.cli.privacy_audit_claim import AuditClaim, AuditFlags, claim_like, claim_of_flags
from heronry.client.options import ConnectionOptions
from heronry.client.parameters import Parameters
from heronry.client.params import ParamsClient
from heronry.native.arrays import Reals
from heronry.privacy.audit import OneRunAudit, OneRunResult, one_run_epsilon, scores_of
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    BudgetExhaustedError,
    ConfigurationError,
    FailedPreconditionError,
    StaleContributionError,
    UnavailableError,
)
from heronry.types.privacy import FixedClip, PrivacyStatus, PrivacyUnit
from heronry.types.run import Lease
from heronry.types.version import ParameterVersion

Vector = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]
_TENSOR: Final = "canaries"
_NUM_AT_A_TIME: Final = 32
# The bound is the service's to keep: canaries come far above it.
_OVER_BOUND: Final = 100.0
_PATIENCE_S: Final = 60.0
_SHARE_OF_LEASE: Final = 1 / 3
_LEASE_S: Final = 3600.0


def audit_fields(
    access: Access, like: str, flags: AuditFlags, num_canaries: int, num_guesses: int
) -> dict[str, object]:
    """Run an audit; return what was found as JSON values.

    Raises:
      ConfigurationError: a flag is missing or out of range, or no service answers.
    """
    if num_guesses > num_canaries:
        raise ConfigurationError.of("--guesses", num_guesses, f"1 to {num_canaries} (--canaries)")
    return asyncio.run(_audited(access, like, flags, num_canaries, num_guesses))


async def _audited(
    access: Access, like: str, flags: AuditFlags, num_canaries: int, num_guesses: int
) -> dict[str, object]:
    options = access.connection_options(retry_s=1.0)
    claim = None if like else claim_of_flags(flags, num_canaries)
    async with _service(access, like) as address, ParamsClient(address, options) as client:
        try:
            await client.list_models()
        except UnavailableError:
            allowed = f"one where a parameter service answers{access.tls_hint()}"
            raise ConfigurationError.of("--address", address, allowed) from None
        if claim is None:
            claim = claim_like(like, (await client.get_model(like)).settings, flags, num_canaries)
        if options.token and claim.privacy.unit is PrivacyUnit.CLIENT:
            allowed = "none: the audit plays many clients, and a token is bound to one"
            raise ConfigurationError.of("--token", "(withheld)", allowed)
        audit = OneRunAudit.toss(num_canaries, num_guesses, claim.privacy.delta, coins=random.SystemRandom())
        async with LiveAudit.opened(address, options, claim) as live:
            scores = await live.scores(audit.included)
            status = await live.status()
    return _fields(claim, audit.judged(scores), status, live.num_releases)


@contextlib.asynccontextmanager
async def _service(access: Access, like: str) -> AsyncIterator[str]:
    """Give the address of the service that was named, else of one that is started for the audit."""
    if access.address or like:
        yield access.address or known_params_address()
        return
    from heronry.params import ParamsSettings, build  # only those who audit pay for the import
    from heronry.runtime.logging import GuestLog
    from heronry.runtime.node import ServiceNode
    from heronry.runtime.settings import validated

    with TemporaryDirectory(prefix="heronry-audit-") as folder:
        log = GuestLog(Path(folder) / "params.log")
        log.open()
        values = {"data_dir": Path(folder), "listen": (f"unix:{folder}/params.sock",), "lease_s": _LEASE_S}
        settings = validated(ParamsSettings, values)
        node = ServiceNode(build(settings), settings)
        try:
            await node.start()
            yield node.addresses[0]
        finally:
            await node.stop()
            log.close()


class LiveAudit:
    """A model of the audit's own, and its clients: as many as there are canaries."""

    def __init__(self, model: str, claim: AuditClaim, clients: Sequence[ParamsClient]) -> None:
        self.num_releases = 0
        self._model = model
        self._claim = claim
        self._clients = clients
        self._leases: list[Lease] = []
        self._renewed_s = 0.0

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, address: str, options: ConnectionOptions, claim: AuditClaim) -> "AsyncIterator[LiveAudit]":
        """Register the model; it is deleted at the end."""
        model = f"privacy-audit-{uuid.uuid4().hex[:12]}"
        num_clients = claim.num_groups * claim.group_size
        async with contextlib.AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(ParamsClient(address, _identity(options, model, number)))
                for number in range(num_clients)
            ]
            values = {_TENSOR: np.zeros(claim.num_canaries, np.float32)}
            await clients[0].register_model(model, values, claim.settings)
            stack.push_async_callback(clients[0].delete_model, model)
            yield cls(model, claim, clients)

    async def status(self) -> PrivacyStatus:
        """Return what the service claims of the model, and what is spent."""
        return await self._clients[0].get_privacy_status(self._model)

    async def scores(self, included: Booleans) -> Reals:
        """Have the releases made, with these canaries; return the scores by what was released, [m]."""
        newest = await self._clients[0].pull(self._model)
        before, releases = _vector(newest[_TENSOR]), []
        for release in range(self._claim.num_rounds):
            await self._renew()
            norm = await self._clipping_norm()
            try:
                await self._contribute(release, included, newest.version, norm)
            except BudgetExhaustedError:
                break
            newest = await self._released(newest)
            after = _vector(newest[_TENSOR])
            # Noise and canaries alike have the size of the bound.
            releases.append((after - before) / norm)
            before = after
        self.num_releases = len(releases)
        made = np.array(releases).reshape(len(releases), len(included))
        return scores_of(made, self._claim.filters(len(releases)), np.arange(len(included)))

    async def _contribute(
        self,
        release: int,
        included: Booleans,
        base: ParameterVersion,
        norm: float,
    ) -> None:
        gate = asyncio.Semaphore(_NUM_AT_A_TIME)

        async def push(number: int) -> None:
            values = np.zeros(len(included), np.float32)
            if number < len(included):
                sign = 1.0 if included[number] else self._claim.absent_sign
                values[number] = sign * norm * _OVER_BOUND
            async with gate:
                await self._push(number, values, base)

        pushes = [push(number) for number in self._claim.contributors(release)]
        for ended in await asyncio.gather(*pushes, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended

    async def _released(self, newest: Parameters) -> Parameters:
        found = await self._clients[0].pull(self._model, newer_than=newest.version, wait_s=_PATIENCE_S)
        if found is None:
            raise UnavailableError(f"model {self._model!r}: no release within {_PATIENCE_S:g} s")
        return found

    async def _push(self, number: int, values: Vector, base: ParameterVersion) -> None:
        client, kind = self._clients[number], ContributionKind.DELTA
        if not self._claim.is_sampled:
            await client.push(self._model, {_TENSOR: values}, base_version=base, kind=kind)
            return
        # Who was not drawn is refused, and so is everybody once the round is complete.
        with contextlib.suppress(FailedPreconditionError, StaleContributionError):
            await client.push(self._model, {_TENSOR: values}, base_version=base, kind=kind)

    async def _clipping_norm(self) -> float:
        clip = self._claim.privacy.clip
        return clip.norm if isinstance(clip, FixedClip) else (await self.status()).clipping_norm

    async def _renew(self) -> None:
        """Get the leases that drawn cohorts need, and keep them."""
        if not self._claim.is_sampled:
            return
        if not self._leases:
            self._leases = [await client.register_worker(self._model) for client in self._clients]
        elif time.monotonic() - self._renewed_s < self._leases[0].duration_s * _SHARE_OF_LEASE:
            return
        else:
            for client, lease in zip(self._clients, self._leases, strict=True):
                await client.heartbeat(self._model, lease.fencing_token)
        self._renewed_s = time.monotonic()


def _identity(options: ConnectionOptions, model: str, number: int) -> ConnectionOptions:
    """Return a canary's options; a token binds all of them to its own client id."""
    return options if options.token else replace(options, client_id=f"{model}-{number}", shares_memory=False)


def _vector(values: object) -> Reals:
    return np.asarray(values, np.float64).copy()


def _fields(claim: AuditClaim, found: OneRunResult, status: PrivacyStatus, num_releases: int) -> dict[str, object]:
    most = one_run_epsilon(
        found.num_canaries, found.num_guesses, found.num_guesses, found.delta, confidence=found.confidence
    )
    return {
        "mechanism": status.mechanism,
        "relation": claim.privacy.relation.value,
        "unit": claim.privacy.unit.value,
        "delta": found.delta,
        "noise_multiplier": status.noise_multiplier,
        "releases": num_releases,
        "canaries": found.num_canaries,
        "included": found.num_included,
        "guesses": found.num_guesses,
        "right": found.num_right,
        "confidence": found.confidence,
        "epsilon_bound": found.epsilon_bound,
        "epsilon_bound_most": most,
        "epsilon_claimed": status.epsilon_spent if math.isfinite(status.epsilon_spent) else None,
        "is_refuted": found.refutes(status.epsilon_spent),
        "is_void": status.is_void,
    }
