"""One model: its schema, its versions, the open round and who contributes."""

import math
from dataclasses import dataclass

from heronry.params.core.aggregation import Difference
from heronry.params.core.layout import Bytes, ParameterLayout
from heronry.params.core.optimizers import OptimizerState, optimizer_of
from heronry.params.core.pipeline import Pipeline, Prepared, check_finite, decode
from heronry.params.core.rounds import RequestMemory, Round
from heronry.params.core.versions import Published, VersionHistory
from heronry.params.core.workers import Workers
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError, StaleContributionError, UnimplementedError, VersionNotFoundError
from heronry.types.models import ModelInfo, ModelSettings
from heronry.types.tensors import Array, ModelSchema
from heronry.types.version import ParameterVersion

_REQUESTS_REMEMBERED = 1024
_MAX_BASE_BYTES = 256 << 20
_MAX_WEIGHT = 1e9


@dataclass(frozen=True)
class Entry:
    """A contribution that passed every check: what its round counts and the journal keeps.

    Replaying it needs no base version any more, only the values of the version before the round.
    """

    client_id: str
    request_id: str
    weight: float
    staleness: int
    difference: Difference
    others: dict[str, Array]
    time_s: float


@dataclass(frozen=True)
class Plan:
    """What an entry will do to its model; nothing has happened yet."""

    entry: Entry
    round: Round
    published: Published | None
    optimizer_state: OptimizerState
    acknowledgement: Acknowledgement


class Model:
    """Takes contributions and makes versions of them; owned by one thread.

    A push is `admit` (cheap, before any bytes move), `plan` (all the arithmetic, changes nothing)
    and `commit` (cannot fail). Between the two the caller makes the plan durable.
    """

    def __init__(self, name: str, schema: ModelSchema, settings: ModelSettings, lease_s: float, epoch: int) -> None:
        if settings.privacy is not None:
            raise UnimplementedError("settings.privacy: no privacy mechanism is offered; allowed: absent")
        self.name = name
        self.schema = schema
        self.num_bytes = schema.num_bytes
        self.settings = settings
        self.epoch = epoch
        self.layout = ParameterLayout(schema)
        self._pipeline = Pipeline(self.layout, optimizer_of(settings.optimizer), settings.aggregation.num_contributions)
        self.history = VersionHistory(settings.num_versions_kept, _num_bases(settings, schema.num_bytes))
        self.round = Round.opened(1, self.layout.others)
        self.optimizer_state = OptimizerState()
        self.requests = RequestMemory(_REQUESTS_REMEMBERED)
        # Tokens of different epochs never meet: the epoch is their upper half.
        self.workers = Workers(lease_s, (epoch << 32) + 1)
        self.num_accepted = 0
        self.num_refused = 0

    def initialise(self, flat: Bytes, time_s: float) -> Published:
        """Publish the first values.

        Raises:
          InvalidContributionError, SchemaMismatchError: they do not fit the schema or are not finite.
        """
        check_finite(self.layout, decode(self.layout, flat))
        published = Published.of(flat, ParameterVersion(self.epoch, 0), time_s)
        self.history.publish(published)
        self.optimizer_state = self._pipeline.optimizer.initial_state(self.layout.vector(published.flat))
        return published

    def repeated(self, header: ContributionHeader) -> Acknowledgement | None:
        """Return the answer to a request that was counted before; None when it is new."""
        return self.requests.find(header.client_id, header.request_id)

    def admit(self, header: ContributionHeader, now_s: float) -> int:
        """Check all that can be checked without the values; return the staleness.

        Raises:
          FencedError: the worker let its lease run out.
          ForeignEpochError, VersionNotFoundError, StaleContributionError: the base cannot be used.
          UnimplementedError: a codec that is not offered.
        """
        if header.codec is not ParameterCodec.F32:
            raise UnimplementedError(f"codec: got {header.codec.value!r}, offered: 'f32'")
        if not (math.isfinite(header.weight) and 0 < header.weight <= _MAX_WEIGHT):
            raise InvalidArgumentError.of("weight", header.weight, f"above 0, at most {_MAX_WEIGHT:g}")
        self.workers.check_lease(header.client_id, now_s)
        staleness = self._check_base(header)
        self.round.check_open(header.round_id)
        return staleness

    def plan(self, header: ContributionHeader, flat: Bytes, now_s: float, time_s: float) -> Plan:
        """Work out what a contribution does; changes nothing.

        Raises:
          InvalidContributionError: NaN, infinity, or a component that would overflow the sum.
          as `admit`: time has passed since the header came in.
        """
        staleness = self.admit(header, now_s)
        base = self.history.base(header.base_version) if header.kind is ContributionKind.WEIGHTS else None
        prepared = self._pipeline.prepare(header.kind, flat, base, self.history.newest)
        others = dict(prepared.others)
        entry = Entry(
            header.client_id, header.request_id, header.weight, staleness, prepared.difference, others, time_s
        )
        return self.plan_entry(entry)

    def plan_entry(self, entry: Entry) -> Plan:
        """Work out what an entry does: counted in the open round, which it may complete."""
        self._pipeline.check_weight(Prepared(entry.difference, entry.others), self.round.sum.share_of(entry.weight))
        grown = self.round.plus(entry.difference, entry.others, entry.weight)
        newest = self.history.newest
        if grown.num_contributions < self.settings.aggregation.num_contributions:
            return Plan(entry, grown, None, self.optimizer_state, self._answer(entry, newest.version, False))
        flat, state = self._pipeline.close(grown, newest, self.optimizer_state)
        published = Published.of(flat, newest.version, entry.time_s)
        return Plan(entry, grown.next(), published, state, self._answer(entry, published.version, True))

    def commit(self, plan: Plan) -> Acknowledgement:
        """Let a plan happen; it must be the last one made."""
        self.round = plan.round
        self.optimizer_state = plan.optimizer_state
        if plan.published is not None:
            self.history.publish(plan.published)
        entry = plan.entry
        self.requests.remember(entry.client_id, entry.request_id, plan.acknowledgement)
        self.workers.count_accepted(entry.client_id, entry.staleness)
        self.num_accepted += 1
        return plan.acknowledgement

    def count_refused(self, client_id: str) -> None:
        """Count a contribution that was refused, for whatever reason."""
        self.workers.count_refused(client_id)
        self.num_refused += 1

    def enter_epoch(self, epoch: int) -> None:
        """Move to another epoch after a restore: contributions computed before it are refused."""
        self.epoch = epoch
        self.history.restamp(epoch)
        self.requests.restamp(epoch)
        self.workers.enter_epoch((epoch << 32) + 1)

    def info(self) -> ModelInfo:
        """Describe the model."""
        return ModelInfo(
            model=self.name,
            version=self.history.newest.version,
            schema=self.schema,
            settings=self.settings,
            num_bytes=self.num_bytes,
            round_id=self.round.round_id,
            num_pending=self.round.num_contributions,
            num_accepted=self.num_accepted,
            num_refused=self.num_refused,
        )

    def _check_base(self, header: ContributionHeader) -> int:
        base, newest = header.base_version, self.history.newest.version
        staleness = newest.staleness_of(base)
        if staleness < 0 or base.number < 1:
            allowed = f"1 to {newest.number}"
            raise VersionNotFoundError.of("base_version", str(base), allowed)
        bound = self.settings.aggregation.max_staleness
        if staleness > bound:
            details = {"field": "base_version", "staleness": str(staleness), "max_staleness": str(bound)}
            message = f"base_version: {base} lies {staleness} versions behind {newest}, allowed: at most {bound}"
            raise StaleContributionError(message, details=details)
        if header.kind is ContributionKind.WEIGHTS:
            self.history.base(base)
        return staleness

    def _answer(self, entry: Entry, version: ParameterVersion, closed_round: bool) -> Acknowledgement:
        level, round_id = self.settings.acknowledgement, self.round.round_id
        return Acknowledgement(level, True, round_id, closed_round, version, entry.staleness)


def _num_bases(settings: ModelSettings, num_bytes: int) -> int:
    """Return how many versions to hold for WEIGHTS to be based on: all admitted ones, within a bound of memory."""
    return min(settings.aggregation.max_staleness + 1, max(1, _MAX_BASE_BYTES // max(1, num_bytes)))
