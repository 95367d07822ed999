"""What operators change of models."""

from heronry.params.core.conditions import tag_condition
from heronry.params.core.durability.records import deleted, rolled_back, tagged, updated
from heronry.params.core.model_update import ModelUpdate
from heronry.params.core.optimizers.from_settings import optimizer_of
from heronry.params.core.resources import ModelResources
from heronry.params.core.rollback import plan_rollback
from heronry.params.core.sharding.followers import Followers
from heronry.params.core.sharding.shardable import check_leading, check_shardable, check_whole
from heronry.types.blocking import Changed
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.version import ParameterVersion


class Administration(Followers):
    """Tags, rolls back, changes and drops models."""

    _resources: ModelResources

    def tag(self, name: str, number: int, tag: str) -> Changed[ParameterVersion]:
        """Keep a version, 0 being the newest, under a tag."""
        model = self.model(name)
        published = model.history.select(number=number or None)
        model.history.check_tag(tag)
        self._log.append(tagged(name, tag, published), model.settings.acknowledgement)
        model.history.tag(tag, published.version.number)
        return Changed(published.version, self._changed(model, frozenset({tag_condition(name, tag)})))

    def rollback(
        self,
        name: str,
        number: int | None,
        tag: str | None,
        request_id: str,
        time_s: float,
        *,
        asks_all_shards: bool = False,
    ) -> Changed[ParameterVersion]:
        """Publish an earlier version's values under a new number, once a request id; see `Model.apply_rollback`.

        Of a model in shards all are asked, the first one last; a later one holds the values until that has done so.

        Raises:
          VersionNotFoundError: that version cannot be read any more.
          InvalidArgumentError: neither number nor tag, or no request id.
        """
        model = self.model(name)
        if not asks_all_shards:
            check_whole(name, model.settings, "rollback")
        if (version := model.rolled_back(request_id)) is not None:
            return Changed(version)
        if not number and not tag:
            raise InvalidArgumentError.of("which", "nothing", "a number or a tag")
        if model.is_following:
            return self._hold_for_rollback(model, number, tag, request_id)
        selected = model.history.select(number=number, tag=tag)
        rollback = plan_rollback(model, selected, request_id, time_s)
        state = None if model.privacy is None else model.privacy.without_release(time_s)
        self._log.append(rolled_back(model, rollback, selected), model.settings.acknowledgement)
        if model.privacy is not None and state is not None:
            # Not before: while the round goes on, its noise is that of the release it was drawn for.
            model.privacy.restore(state)
            model.privacy.required_guard.made()
        return Changed(rollback.published.version, self._changed(model, model.commit_rollback(rollback)))

    def update(self, name: str, update: ModelUpdate) -> Changed[ModelSettings]:
        """Change the settings of a live model; a round that is thereby complete is closed by `close_due`."""
        model = self.model(name)
        check_leading(name, model.settings, "update")
        settings = update.applied_to(model.settings)
        check_shardable(settings)
        optimizer_of(settings, model.layout)
        self._log.append(updated(name, settings), settings.acknowledgement)
        return Changed(settings, self._changed(model, model.change(settings)))

    def delete(self, name: str) -> Changed[None]:
        """Drop a model with its versions; whoever waits for something of it is told that there is no such model."""
        level = self.model(name).settings.acknowledgement
        # A checkpoint may hold the model although its contributions are not written: a restart must not restore it.
        is_unwritten = level is AcknowledgementLevel.MEMORY
        head = self._resources.guards.head
        self._log.append(deleted(name, head), AcknowledgementLevel.PROCESS if is_unwritten else level)
        return Changed(None, self._drop(name))
