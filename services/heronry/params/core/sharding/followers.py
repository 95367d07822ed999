"""What is asked of shards that follow the first one of their model."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from heronry.params.core.catalogue import Catalogue
from heronry.params.core.conditions import waits
from heronry.params.core.decoding import Decoded, check_packing
from heronry.params.core.durability.log import Log
from heronry.params.core.durability.records import updated
from heronry.params.core.durability.shard_records import followed, staged
from heronry.params.core.model import Model
from heronry.params.core.sharding.following import (
    RoundPlan,
    adopted,
    apply_round,
    check_next,
    missing_parts,
    plan_round,
)
from heronry.params.core.sharding.parts import PartKey, rollback_key
from heronry.params.core.sharding.staging import (
    acknowledged,
    admit_part,
    check_held,
    part_of,
    put_part,
    repeated_part,
    rollback_part,
)
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.contribution import Acknowledgement, ClosedRound, ContributionHeader
from heronry.types.errors import ModelNotFoundError
from heronry.types.models import ModelSettings
from heronry.types.version import ParameterVersion

FOLLOWER_ADDED: Final[Hashable] = ("follower",)


class Followers(Catalogue):
    """Takes parts, and makes versions of them as the first shard says."""

    _log: Log

    def new_followers(self) -> list[Model]:
        """Return the shards that follow a first one and were not returned before; for one caller.

        Raises:
          WouldBlock: there are none.
        """
        found = [model for model in self._models.values() if model.is_following and not model.has_follower]
        if not found:
            raise waits(FOLLOWER_ADDED, "shard", "new shards that follow", 0, 1)
        for model in found:
            model.has_follower = True
        return found

    def followed_round(self, model: Model) -> int:
        """Return the last round of the first shard that was applied; 0: none.

        Raises:
          ModelNotFoundError: the model was deleted.
        """
        self._check_there(model)
        return model.round.round_id - 1

    def follow(self, model: Model, closed: ClosedRound, until_s: float, now_s: float) -> Changed[RoundPlan | None]:
        """Make the version that the first shard's round makes of this shard's parts, under the same number.

        Args:
          model: the shard.
          closed: what the round counted, in order.
          until_s: the core clock's time until which parts are waited for; later they count as zero.
          now_s: the core clock's time.

        Returns:
          What was done; None for a round that was applied before.

        Raises:
          WouldBlock: a part has not come.
          DataLossError: the round does not follow the last one applied, or not from the same values.
          ModelNotFoundError: the model was deleted.
        """
        self._check_there(model)
        if closed.round_id < model.round.round_id:
            return Changed(None)
        check_next(model, closed)
        missing = missing_parts(model, closed)
        if missing and now_s < until_s:
            raise _waits_for(model, missing[0], closed, len(missing), until_s)
        changed = frozenset[Hashable]() if closed.settings is None else self.adopt(model, closed.settings).conditions
        plan = plan_round(model, closed, frozenset(missing))
        self._log.append(followed(model.name, plan), model.settings.acknowledgement)
        changed |= model.commit_close(plan.closing, now_s)
        apply_round(model, plan)
        model.figures.count_missing(len(missing))
        return Changed(plan, self._changed(model, changed))

    def adopt(self, model: Model, settings: ModelSettings) -> Changed[bool]:
        """Take over the settings with which the first shard makes its next round; tell whether they are others.

        Raises:
          ModelNotFoundError: the model was deleted.
        """
        self._check_there(model)
        own = adopted(model, settings)
        if own is None:
            return Changed(False)
        self._log.append(updated(model.name, own), own.acknowledgement)
        return Changed(True, self._changed(model, model.change(own)))

    def _hold_for_rollback(
        self, model: Model, number: int | None, tag: str | None, request_id: str
    ) -> Changed[ParameterVersion]:
        """Hold an earlier version's values until the first shard has rolled back to them.

        Raises:
          VersionNotFoundError: they are not here: the first shard must not be asked then.
          ResourceExhaustedError: too many parts wait already.
          InvalidArgumentError: the request was made before, with another version.
        """
        newest = model.history.newest.version
        if (held := model.waiting.find(rollback_key(request_id))) is not None:
            check_held(held, number or model.history.select(tag=tag).version.number)
            return Changed(newest)
        selected = model.history.select(number=number, tag=tag)
        model.waiting.check_room()
        part = model.waiting.prepare(rollback_part(model, selected, request_id))
        put_part(model, part, self._log.append(staged(model.name, part), model.settings.acknowledgement))
        return Changed(newest)

    def _admit_part(self, model: Model, header: ContributionHeader, num_bytes: int) -> Acknowledgement | None:
        """Check a part before its values move; return the answer when it was taken before."""
        if (answer := repeated_part(model, header)) is not None:
            return answer
        check_packing(model.layout, header, num_bytes)
        admit_part(model, header)
        return None

    def _take_part(
        self, model: Model, header: ContributionHeader, decoded: Decoded, num_bytes: int
    ) -> Changed[Acknowledgement]:
        """Keep a part, once however often it comes, until a round of the first shard counts it."""
        if (answer := repeated_part(model, header)) is not None:
            return Changed(answer)
        admit_part(model, header)
        answer = acknowledged(model, header)
        if header.validate_only:
            return Changed(replace(answer, counted=False))
        part = model.waiting.prepare(part_of(header, decoded))
        place = self._log.append(staged(model.name, part), model.settings.acknowledgement)
        put_part(model, part, place)
        model.figures.count_accepted(answer.staleness, num_bytes)
        model.workers.count_accepted(header.client_id, answer.staleness)
        return Changed(answer, self._changed(model, frozenset({_part_condition(model.name, part.key)})))

    def _check_there(self, model: Model) -> None:
        if self.model(model.name) is not model:
            raise ModelNotFoundError.of("model", model.name, "another one of that name")


def _part_condition(name: str, key: PartKey) -> Hashable:
    return "part", name, *key


def _waits_for(model: Model, key: PartKey, closed: ClosedRound, num_missing: int, until_s: float) -> WouldBlock:
    condition, num_counted = _part_condition(model.name, key), len(closed.contributions)
    model.awaited.add(condition)
    term = f"parts of round {closed.round_id} of {model.name!r}"
    return WouldBlock(condition, Waiting("shard", term, num_counted - num_missing, num_counted), earliest_s=until_s)
