"""One model: its schema, its versions, the open round and who contributes."""

from collections import deque
from dataclasses import replace
from typing import Final

from heronry.params.core.aggregation.accumulator import Accumulator
from heronry.params.core.aggregation.rules import accumulator_of
from heronry.params.core.aggregation.vectors import new_vector
from heronry.params.core.buffers import MergedBuffers
from heronry.params.core.conditions import Awaited, Conditions, news_condition, number_condition
from heronry.params.core.consistency.mode import Surroundings
from heronry.params.core.consistency.modes import mode_of
from heronry.params.core.decoding import decode_packed
from heronry.params.core.figures import Figures
from heronry.params.core.layout import Bytes, ParameterLayout
from heronry.params.core.optimizers.from_settings import optimizer_of
from heronry.params.core.optimizers.state import OptimizerState
from heronry.params.core.pipeline import Newest, Pipeline
from heronry.params.core.plans import Closing, Plan, PrivateRelease, Rollback
from heronry.params.core.private.model_privacy import privacy_of
from heronry.params.core.private.private_sum import PrivateSum
from heronry.params.core.requests import RequestMemory
from heronry.params.core.resources import ModelResources
from heronry.params.core.rounds import Place, Round
from heronry.params.core.sharding.parts import WaitingParts
from heronry.params.core.sharding.shardable import check_shardable
from heronry.params.core.versions import Published, VersionHistory
from heronry.params.core.workers import Workers
from heronry.types.contribution import Acknowledgement, ClosedRound, ContributionHeader, ParameterCodec
from heronry.types.models import ModelInfo, ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion

_MAX_BASE_BYTES: Final = 256 << 20
_CLOSED_ROUNDS_KEPT: Final = 1024
_OPERATOR: Final = ""
# Parts that may wait at a shard, at least: clients push them before the first shard's.
_FEWEST_WAITING: Final = 256


class Model:
    """Takes contributions and makes versions of them; owned by one thread.

    It makes plans true: nothing here can fail. Plans are made in `planning` and `rollback`, which change nothing
    that is seen; between the two the caller makes them durable. At most one plan is outstanding.
    """

    def __init__(
        self, name: str, schema: ModelSchema, settings: ModelSettings, epoch: int, resources: ModelResources
    ) -> None:
        check_shardable(settings)
        self.name = name
        self.schema = schema
        self.num_bytes = schema.num_bytes
        self.settings = settings
        self.epoch = epoch
        self.layout = ParameterLayout(schema)
        self.history = VersionHistory(settings.num_versions_kept)
        self.requests = RequestMemory()
        self.rollbacks = RequestMemory(num_clients=1)
        self.figures = Figures()
        self.awaited = Awaited()
        self.privacy = privacy_of(settings, self.layout)
        # Tokens of different epochs never meet: the epoch is their upper half.
        self.workers = Workers(resources.lease_s, (epoch << 32) + 1)
        surroundings = Surroundings(name, self.workers, resources.chance, self._newest_number, self._may_join)
        self.mode = mode_of(settings.consistency, surroundings)
        self.history.hold(settings.num_versions_kept, self._num_bases())
        self.optimizer = optimizer_of(settings, self.layout)
        self.optimizer_state = OptimizerState()
        self.closed_rounds: deque[ClosedRound] = deque(maxlen=_CLOSED_ROUNDS_KEPT)
        # Contributions computed before this version are refused: a rollback has dropped what they build on.
        self.oldest_base = 0
        # Parts of contributions that the first shard has not counted yet; of shards that follow it only.
        self.waiting = WaitingParts(self._most_waiting(), settings.aggregation.max_held_bytes, resources.spill_dir)
        # Whether somebody has taken it upon him to tell this shard of the first one's rounds.
        self.has_follower = False
        self._resources = resources
        # Contributions that the open round was opened for.
        self.sum_size = 0
        self.round = Round(1, self._new_accumulator(self.mode.round_size), MergedBuffers(self.layout.others))
        self.pipeline = Pipeline(self.layout, resources)
        self._newest: Newest | None = None
        # What was told of the model last, with all of which it was made.
        self._told: tuple[tuple[object, ...], ModelInfo] | None = None

    @property
    def is_following(self) -> bool:
        """Whether the model is a shard whose rounds are those of the first one."""
        return self.settings.shard is not None and self.settings.shard.index > 0

    @property
    def newest(self) -> Newest:
        """The values that the open round will move."""
        published = self.history.newest
        if self._newest is None or self._newest.number != published.version.number:
            # Made once a round: the vector of some layouts is a copy.
            out = None if self.layout.is_contiguous else new_vector(self.layout, self._resources.pool)
            vector = self.layout.vector(published.flat, out)
            self._newest = Newest(published.version.number, published.flat, vector)
        return self._newest

    def new_flat(self) -> Bytes:
        """Return memory for the flat buffer of a version."""
        return self._resources.new_flat(self.num_bytes)

    def initialise(self, flat: Bytes, time_s: float) -> Published:
        """Publish the first values.

        Raises:
          InvalidContributionError, SchemaMismatchError: they do not fit the schema or are not finite.
        """
        decode_packed(self.layout, ParameterCodec.F32, flat, self._resources.pool)
        published = Published.of(flat, ParameterVersion(self.epoch, 0), time_s)
        self.history.publish(published)
        self.optimizer_state = self.optimizer.initial_state(self.newest.vector)
        self.mode.resume(self.round)
        return published

    @property
    def closing_size(self) -> int:
        """Contributions that close the open round: what it opened for bounds it, against overflow."""
        return min(self.mode.round_size, self.sum_size)

    def resume(self, round_id: int, sum_size: int) -> None:
        """Go on with an empty round, opened for `sum_size` contributions, after a restore of everything else."""
        self._open_round(round_id, sum_size)
        self.mode.resume(self.round)

    def drop_round(self) -> None:
        """Begin the open round anew, without what it has counted."""
        self._open_round(self.round.round_id, self.sum_size)

    def repeated(self, header: ContributionHeader) -> Acknowledgement | None:
        """Return the answer to a request that was counted before; None when it is new."""
        return self.requests.find(header.client_id, header.request_id)

    def apply(self, plan: Plan, place: Place | None) -> None:
        """Make a plan true, as a replay does; cannot fail."""
        entry = plan.entry
        self.requests.remember(entry.client_id, entry.request_id, plan.acknowledgement)
        if plan.closing is None:
            self.round.add(entry, plan.prepared, plan.buffers, place)
            return
        self.round.accumulator.discard(plan.prepared)
        self.apply_close(plan.closing)

    def apply_close(self, closing: Closing) -> None:
        """Publish what a round made and open the next one; cannot fail."""
        self.optimizer_state = closing.optimizer_state
        if self.settings.shard is not None:
            self.closed_rounds.append(closing.closed_round)
        self._publish(closing.published)

    def commit(self, plan: Plan, place: Place | None, now_s: float) -> Conditions:
        """Make a plan true and count it; cannot fail."""
        entry, counted_in = plan.entry, self.round
        self.apply(plan, place)
        self.figures.count_accepted(entry.staleness, entry.num_bytes)
        self.workers.count_accepted(entry.client_id, entry.staleness)
        changed = self.mode.count(entry.client_id, entry.answered_round, counted_in, now_s)
        if plan.closing is None:
            return changed
        return changed | self.mode.begin(self.round, now_s) | self._published()

    def commit_close(self, closing: Closing, now_s: float) -> Conditions:
        """Publish what a round made as it stood; cannot fail."""
        self.apply_close(closing)
        return self.mode.begin(self.round, now_s) | self._published()

    def apply_release(self, release: PrivateRelease) -> None:
        """Publish what a private round made and open the next one, under its own bound; cannot fail."""
        if self.privacy is not None:
            self.privacy.restore(release.state)
        self.apply_close(release.closing)

    def commit_release(self, release: PrivateRelease, now_s: float) -> Conditions:
        """Publish what a private round made; cannot fail."""
        self.apply_release(release)
        return self.mode.begin(self.round, now_s) | self._published()

    def apply_rollback(self, rollback: Rollback) -> None:
        """Publish an earlier version's values under a new number; cannot fail.

        The open round is dropped by intent, though its contributions were acknowledged: they build on values that
        were given up. They stay remembered, so that repeating one does not count it on the new values. For the
        same reason contributions with an earlier base are refused, and the optimiser begins anew.
        """
        self.rollbacks.remember(_OPERATOR, rollback.request_id, rollback.acknowledgement)
        self.optimizer_state = rollback.optimizer_state
        self.oldest_base = rollback.published.version.number
        if self.settings.shard is not None:
            self.closed_rounds.append(rollback.closed_round)
        self._publish(rollback.published)

    def commit_rollback(self, rollback: Rollback) -> Conditions:
        """Make a rollback true; cannot fail. Its cohort is drawn when what is due is done next."""
        self.apply_rollback(rollback)
        return self.mode.resume(self.round) | self._published()

    def rolled_back(self, request_id: str) -> ParameterVersion | None:
        """Return the version that a request made before; None when it is new."""
        answer = self.rollbacks.find(_OPERATOR, request_id)
        return None if answer is None else answer.version

    def change(self, settings: ModelSettings) -> Conditions:
        """Take over settings of the same modes and kinds; they hold at once.

        A round that has counted something stays; it may become smaller, but larger only with the next one.
        """
        has_other_optimizer = _optimizers(settings) != _optimizers(self.settings)
        self.settings = settings
        changed = self.mode.change(settings.consistency) | {news_condition(self.name)}
        self.waiting.hold(self._most_waiting())
        self.history.hold(settings.num_versions_kept, self._num_bases())
        if has_other_optimizer:
            self._change_optimizer()
        if not self.round.num_contributions:
            self._open_round(self.round.round_id, self.mode.round_size)
        return changed

    def enter_epoch(self, epoch: int) -> None:
        """Move all versions to another epoch and end all leases, as after a restart.

        A round with a secret cohort is dropped, though its contributions were acknowledged: a second cohort beside what
        it has counted would give its members two chances to be in one release.
        """
        self.epoch = epoch
        if self.privacy is not None and self.privacy.keeps_cohort:
            self.requests.forget(self.round.round_id)
            self.drop_round()
        self.history.restamp(epoch)
        self.requests.restamp(epoch)
        self.rollbacks.restamp(epoch)
        self.workers.enter_epoch((epoch << 32) + 1)
        self.closed_rounds = deque(
            (replace(r, version=replace(r.version, epoch=epoch)) for r in self.closed_rounds), _CLOSED_ROUNDS_KEPT
        )
        self.mode.resume(self.round)

    def count_refused(self, client_id: str, error_name: str) -> None:
        """Count a contribution that was refused."""
        self.figures.count_refused(error_name)
        self.workers.count_refused(client_id)

    def info(self, now_s: float) -> ModelInfo:
        """Describe the model: by the same object as before while nothing has changed, not even the time left."""
        mode, opened = self.mode, self.round
        if mode.cohort_size and mode.deadline_s is not None:
            return self._described(max(0.0, mode.deadline_s - now_s))
        # Every version opens a round: epoch and round tell which one is the newest.
        num_pending = len(opened.contributions) + len(self.waiting)
        facts = self.epoch, opened.round_id, num_pending, self.settings, mode.cohort_size, self.figures.counts
        if self._told is None or self._told[0] != facts:
            self._told = facts, self._described(None)
        return self._told[1]

    def close(self) -> None:
        """Let go of files and buffers."""
        self.round.accumulator.close()

    def _described(self, round_remaining_s: float | None) -> ModelInfo:
        info = ModelInfo(
            model=self.name,
            version=self.history.newest.version,
            schema=self.schema,
            settings=self.settings,
            num_bytes=self.num_bytes,
            round_id=self.round.round_id,
            num_pending=self.round.num_contributions + len(self.waiting),
            num_accepted=self.figures.num_accepted,
            num_refused=self.figures.num_refused,
            refusals=self.figures.refusals,
            num_bytes_received=self.figures.num_bytes_received,
            num_bytes_sent=self.figures.num_bytes_sent,
            staleness_histogram=self.figures.staleness_histogram,
            round_remaining_s=round_remaining_s,
            cohort_size=self.mode.cohort_size,
        )
        return info if self.privacy is None else self.privacy.published(info)

    def _publish(self, published: Published) -> None:
        self.history.publish(published)
        self._open_round(self.round.round_id + 1, self.mode.round_size)

    def _open_round(self, round_id: int, size: int) -> None:
        """Begin a round; the accumulator is used again unless it is for another number of contributions."""
        accumulator = self.round.accumulator
        accumulator.clear()
        if self.sum_size != size:
            accumulator.close()
            accumulator = self._new_accumulator(size)
        self.round = Round(round_id, accumulator, MergedBuffers(self.layout.others))
        self.round.began = self.waiting.began

    def _new_accumulator(self, size: int) -> Accumulator:
        self.sum_size = size
        resources = self._resources
        if self.privacy is not None:
            return PrivateSum(self.layout, size, resources.pool, self.privacy)
        return accumulator_of(self.settings.aggregation, self.layout, size, resources.pool, resources.spill_dir)

    def _published(self) -> Conditions:
        """Return what a new version changes."""
        return frozenset({number_condition(self.name, self.history.newest.version.number), news_condition(self.name)})

    def _change_optimizer(self) -> None:
        """Take over other rates. What the new ones need and the old did not begins anew, as momentum does."""
        self.optimizer = optimizer_of(self.settings, self.layout)
        initial = self.optimizer.initial_state(self.newest.vector)
        slots = {name: self.optimizer_state.slots.get(name, first) for name, first in initial.slots.items()}
        self.optimizer_state = replace(self.optimizer_state, slots=slots)

    def _may_join(self, client_id: str) -> bool:
        return self.privacy is None or self.privacy.may_join(client_id)

    def _most_waiting(self) -> int:
        return max(_FEWEST_WAITING, 4 * self.mode.round_size)

    def _newest_number(self) -> int:
        return self.history.newest.version.number

    def _num_bases(self) -> int:
        """Return how many versions to hold for WEIGHTS to be based on: all admitted ones, within a bound of memory."""
        num_bases = min(self.mode.max_staleness + 1, max(1, _MAX_BASE_BYTES // max(1, self.num_bytes)))
        # Shards differ by some bytes: one that follows must not hold fewer than the first one admits.
        return num_bases + 1 if self.is_following else num_bases


def _optimizers(settings: ModelSettings) -> tuple[object, ...]:
    return settings.optimizer, settings.group_optimizers
