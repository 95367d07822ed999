"""Contributions that the service sees in sums alone."""

import asyncio
import importlib
from typing import TYPE_CHECKING, Final

from heronry.client.arguments import check_count, check_kind, check_name, check_share, check_timeout, check_version
from heronry.client.contribution_packing import Values, pieces_of
from heronry.client.model_admin import ModelAdminClient
from heronry.client.parameter_vector import Vector, VectorLayout
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind
from heronry.types.errors import ConfigurationError, InvalidArgumentError, RoundAbandonedError
from heronry.types.field_checks import check_type
from heronry.types.privacy import DistributedNoise
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion

if TYPE_CHECKING:
    from heronry.client.secure_stream import SecureStream

INSTALL_LINE: Final = "pip install 'heronry[privacy]'"
_WAIT_S: Final = 300.0


class SecureSumsClient(ModelAdminClient):
    """Takes part in rounds of secure aggregation; task-safe within its event loop."""

    async def sum_securely(
        self,
        model: str,
        values: Values,
        *,
        base_version: ParameterVersion,
        claim: DistributedNoise,
        kind: ContributionKind = ContributionKind.DELTA,
        weight: float = 1.0,
        fencing_token: int = 0,
        max_rounds: int = 1,
        timeout_s: float = _WAIT_S,
    ) -> Acknowledgement:
        """Contribute to the next round's sum, and wait for the version that it makes.

        Here the values are clipped, put on the grid, noised with a share that is fresh for this round, and masked.
        `claim` is what this client was promised: a round with less noise or fewer survivors is not taken part in.
        A round that is abandoned unmasked nothing; the client joins up to `max_rounds`, each time with fresh noise
        and keys. When no answer came after the masked values had been sent, they may have been counted.

        Args:
          model: whose claim rests on distributed noise.
          values: a gradient or a difference, named arrays or the flat buffer in the schema's order.
          base_version: what they were computed at: the newest.
          claim: noise multiplier and fewest survivors, as promised.
          kind: DELTA or GRADIENT; what the service never sees cannot be compared with a version, as WEIGHTS are.
          weight: above 0, at most 1: what the clipped values are multiplied by.
          fencing_token: of the worker's lease.
          max_rounds: to take part in, while they are abandoned.
          timeout_s: for all of it, waiting for other clients included.

        Raises:
          UnsoundRoundError, UnmaskRefusedError: the service would not keep the promise; nothing was revealed.
          RoundAbandonedError: too few clients were left.
          BudgetExhaustedError: this client's budget is used up.
          StaleContributionError, ForeignEpochError: the base version is not the newest.
          FencedError: no running lease.
          ConfigurationError: packages are missing; says how to install them.
        """
        check_name("model", model)
        check_version("base_version", base_version)
        check_type("claim", claim, DistributedNoise)
        check_kind("kind", kind)
        if kind is ContributionKind.WEIGHTS:
            raise InvalidArgumentError.of("kind", kind.value, "'delta', 'gradient'")
        check_share("weight", weight)
        check_count("fencing_token", fencing_token, 0)
        check_count("max_rounds", max_rounds, 1)
        check_timeout("timeout_s", timeout_s)
        streams = _streams()
        vector = _vector(await self._schema_of(model), values, kind)
        header = ContributionHeader(model, self.client_id, "", base_version, kind, fencing_token=fencing_token)
        end_s = asyncio.get_running_loop().time() + timeout_s
        while True:
            max_rounds -= 1
            left_s = max(0.001, end_s - asyncio.get_running_loop().time())
            try:
                return await streams(self._connection, header, claim).run(vector, weight, left_s)
            except RoundAbandonedError:
                if not max_rounds or asyncio.get_running_loop().time() >= end_s:
                    raise

    async def _schema_of(self, model: str) -> ModelSchema:
        return self._schemas[model] if model in self._schemas else (await self.get_model(model)).schema


def _streams() -> "type[SecureStream]":
    """Return what runs a round, with the packages that it needs.

    Raises:
      ConfigurationError: they are missing.
    """
    try:
        module = importlib.import_module("heronry.client.secure_stream")
    except ImportError as error:
        raise ConfigurationError(f"secure sums need more packages ({error}): {INSTALL_LINE}") from error
    streams: type[SecureStream] = module.SecureStream
    return streams


def _vector(schema: ModelSchema, values: Values, kind: ContributionKind) -> Vector:
    """Return what a contribution adds to the newest values: a gradient is descended along."""
    vector = VectorLayout(schema).vector(pieces_of(schema, values))
    return -vector if kind is ContributionKind.GRADIENT else vector
