"""What readers of models ask for, and wait for."""

from heronry.params.core.catalogue import Catalogue
from heronry.params.core.conditions import news_condition, number_condition, tag_condition
from heronry.params.core.sharding.recovery import lost
from heronry.params.core.versions import Published
from heronry.types.contribution import RoundNews
from heronry.types.errors import FailedPreconditionError, VersionNotFoundError
from heronry.types.models import ModelSettings
from heronry.types.version import ParameterVersion


class Readers(Catalogue):
    """Finds versions and closed rounds."""

    def select(self, name: str, number: int | None, tag: str | None, may_wait: bool) -> Published:
        """Return a version by number or tag, the newest when neither is given.

        Raises:
          WouldBlock: there is no such version yet and the caller may wait.
          VersionNotFoundError: there is none, or it is no longer kept.
        """
        model = self._awaited(name, may_wait)
        try:
            return model.history.select(number=number, tag=tag)
        except VersionNotFoundError:
            newest = model.history.newest.version.number
            if not may_wait or (number is not None and number <= newest):
                raise
            condition = tag_condition(name, tag) if tag is not None else number_condition(name, number or 0)
            raise self._waits(model, condition, f"version {tag or number} of {name!r}", newest, number or 0) from None

    def newer(self, name: str, than: ParameterVersion | None, may_wait: bool) -> Published | None:
        """Return the newest version when it is newer than a reader's; any is, when the epochs differ.

        Returns:
          None when the reader has the newest one and does not wait.

        Raises:
          WouldBlock: the reader has the newest one.
        """
        model = self._awaited(name, may_wait)
        newest = model.history.newest
        if than is None or _is_other(newest.version, than):
            return newest
        if not may_wait:
            return None
        condition = number_condition(name, than.number + 1)
        raise self._waits(model, condition, f"version of {name!r}", newest.version.number, than.number + 1)

    def news_of_rounds(self, name: str, after_round: int, told: ModelSettings | None) -> RoundNews:
        """Return the rounds of a shard that have closed since `after_round`, oldest first, and what it is set to now.

        Raises:
          WouldBlock: none has, and the settings are those that were `told`.
          FailedPreconditionError: the model is no first shard.
          DataLossError: rounds that the caller needs are no longer known, or it is ahead of this shard.
        """
        model = self.model(name)
        if model.settings.shard is None or model.is_following:
            raise _refused("model", name, "the first shard: rounds are remembered of it, for those that follow")
        newest, oldest = model.round.round_id - 1, model.round.round_id - len(model.closed_rounds)
        if not oldest - 1 <= after_round <= newest:
            raise lost(name, f"after_round: got {after_round}, allowed: {oldest - 1} to {newest} (rounds remembered)")
        later = [closed for closed in model.closed_rounds if closed.round_id > after_round]
        if not later and model.settings == told:
            term = f"round of {name!r}"
            raise self._waits(model, news_condition(name), term, model.round.round_id - 1, after_round + 1)
        return RoundNews(tuple(later), model.settings)


def _is_other(newest: ParameterVersion, than: ParameterVersion) -> bool:
    """Tell whether a reader of `than` has yet to read the newest version.

    A later number than the newest one's, or another content under it, is of a model that was deleted since.
    """
    if than.epoch != newest.epoch or than.number != newest.number:
        return True
    return bool(than.content_hash) and than.content_hash != newest.content_hash


def _refused(field: str, value: object, allowed: str) -> FailedPreconditionError:
    details = {"field": field, "value": str(value), "allowed": allowed}
    return FailedPreconditionError(f"{field}: got {value!r}, allowed: {allowed}", details=details)
