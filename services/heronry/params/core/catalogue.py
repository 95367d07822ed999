"""The models of a service by name."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from heronry.params.core.conditions import (
    Conditions,
    model_condition,
    news_condition,
    number_condition,
    round_condition,
    waits,
)
from heronry.params.core.model import Model
from heronry.types.blocking import WouldBlock
from heronry.types.errors import ModelNotFoundError
from heronry.types.models import ModelInfo
from heronry.types.privacy import ClientSpending, PrivacyStatus

_MOST_DELETED: Final = 1024


class Catalogue:
    """Finds models, and makes callers wait for those that are yet to come."""

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}
        self._deleted: OrderedDict[str, None] = OrderedDict()

    def model(self, name: str) -> Model:
        """Return a model.

        Raises:
          ModelNotFoundError: there is none of that name.
        """
        if name not in self._models:
            raise ModelNotFoundError.of("model", name, sorted(self._models))
        return self._models[name]

    def info(self, name: str, now_s: float) -> ModelInfo:
        """Describe a model."""
        return self.model(name).info(now_s)

    def infos(self, now_s: float) -> list[ModelInfo]:
        """Describe all models, sorted by name."""
        return [self._models[name].info(now_s) for name in sorted(self._models)]

    def count_refused(self, name: str, client_id: str, error_name: str) -> None:
        """Count a refusal under its error, when there is such a model."""
        if name in self._models:
            self._models[name].count_refused(client_id, error_name)

    def count_sent(self, name: str, num_bytes: int) -> None:
        """Count bytes of a version sent, when there is such a model; from one thread, which may be another one."""
        model = self._models.get(name)
        if model is not None:
            model.figures.count_sent(num_bytes)

    @property
    def num_bytes(self) -> int:
        """Bytes of one version of every model; callable from any thread."""
        return sum(model.num_bytes for model in list(self._models.values()))

    def figures(self) -> dict[str, float]:
        """Sum up all models; callable from any thread."""
        models = list(self._models.values())
        # Who was drawn for a secret cohort, and how many were, is told nobody.
        told = [m for m in models if m.privacy is None or not m.privacy.keeps_cohort]
        return {
            "versions": float(sum(m.history.newest.version.number for m in models)),
            "accepted": float(sum(m.figures.num_accepted for m in told)),
            "refused": float(sum(m.figures.num_refused for m in told)),
        }

    @property
    def keeps_cohorts(self) -> bool:
        """Whether the claim of some model rests on nobody's knowing who took part; callable from any thread."""
        return any(m.privacy is not None and m.privacy.keeps_cohort for m in list(self._models.values()))

    def privacy_status(self, name: str) -> PrivacyStatus:
        """State what is claimed of a model, and what has been spent."""
        model = self.model(name)
        if model.privacy is not None:
            return model.privacy.status(name)
        statement = (
            f"No privacy claim is made for model {name!r}: contributions are aggregated without clipping or noise."
        )
        return PrivacyStatus(has_claim=False, statement=statement)

    def client_spendings(self, name: str) -> list[ClientSpending]:
        """Return what each client of a model has spent, sorted; nothing where everybody pays together."""
        privacy = self.model(name).privacy
        return [] if privacy is None else privacy.required_guard.clients()

    def close(self) -> None:
        """Let go of the files and buffers of all models."""
        for model in self._models.values():
            model.close()

    def _add(self, model: Model) -> None:
        self._models[model.name] = model
        self._deleted.pop(model.name, None)

    def _drop(self, name: str) -> Conditions:
        """Take a model out; whoever waits for something of it is woken, to be told so."""
        model = self._models.pop(name)
        self._deleted[name] = None
        while len(self._deleted) > _MOST_DELETED:
            self._deleted.popitem(last=False)
        model.close()
        # A flood of other waits may have driven these out, for which readers wait without a deadline.
        newest, opened = model.history.newest.version.number, model.round.round_id
        next_ones = {
            number_condition(name, newest + 1),
            round_condition(name, opened + 1),
            news_condition(name),
        }
        return model.awaited.all() | next_ones

    def _awaited(self, name: str, may_wait: bool) -> Model:
        """Return a model, or make a caller wait that may; not for one that was deleted."""
        if may_wait and name not in self._models and name not in self._deleted:
            raise waits(model_condition(name), "reader", f"model {name!r}", 0, 1)
        return self.model(name)

    def _waits(self, model: Model, condition: Hashable, term: str, value: int, bound: int) -> WouldBlock:
        model.awaited.add(condition)
        return waits(condition, "reader", term, value, bound)

    @staticmethod
    def _changed(model: Model, conditions: Conditions) -> Conditions:
        model.awaited.remove(conditions)
        return conditions
