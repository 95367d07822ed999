"""Figures of private models for Prometheus: public ones alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from heronry.params.core.models import Models
from heronry.params.core.private.model_privacy import ModelPrivacy
from heronry.types.models import ModelInfo

_GAUGES: Final = {
    "epsilon": ("privacy_epsilon", "Epsilon spent at the claim's delta"),
    "epsilon_limit": ("privacy_epsilon_limit", "Epsilon at which releases are refused"),
    "is_void": ("privacy_void", "Whether a test mode has voided the claim"),
}
_COUNTERS: Final = {
    "num_releases": ("privacy_releases", "Releases reserved in the ledger"),
    "num_noise_checks": ("noise_checks", "Releases since the start whose noise was tested"),
    "num_noise_alarms": ("noise_alarms", "Tests that the noise failed; sound noise fails one in 10^12"),
}


@dataclass(frozen=True)
class Spending:
    """What may be told of one model's privacy."""

    epsilon: float
    epsilon_limit: float
    is_void: bool
    num_releases: int
    num_noise_checks: int
    num_noise_alarms: int


class PrivacyReader:
    """Reads what models have spent; belongs to whoever is at their owner.

    Epsilon is asked for once a release: it takes an accountant up to some tenths of a second, and the models wait.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, float], float]] = {}

    def read(self, models: Models, infos: Iterable[ModelInfo]) -> dict[str, Spending]:
        """Return the figures of the models that make a claim, or made one, by name."""
        privacies = {info.model: models.model(info.model).privacy for info in infos}
        found = {name: self._spending(name, each) for name, each in privacies.items() if each is not None}
        self._known = {name: self._known[name] for name in found}
        return found

    def _spending(self, name: str, privacy: ModelPrivacy) -> Spending:
        guard, settings = privacy.required_guard, privacy.claim.settings
        # A horizon is paid for before its first release.
        place = guard.num_releases, privacy.state.horizon, settings.delta
        known = self._known.get(name)
        if known is None or known[0] != place:
            known = self._known[name] = place, guard.spent().epsilon
        checks = privacy.noise_checks
        figures = guard.num_releases, checks.num_checks, checks.num_alarms
        return Spending(known[1], settings.epsilon_limit, guard.is_void, *figures)


def privacy_metrics(spendings: Mapping[str, Spending]) -> Iterator[Metric]:
    """Yield the figures by model."""
    for attribute, (name, text) in _GAUGES.items():
        gauge = GaugeMetricFamily(f"heronry_params_{name}", text, labels=("model",))
        yield _filled(gauge, attribute, spendings)
    for attribute, (name, text) in _COUNTERS.items():
        counter = CounterMetricFamily(f"heronry_params_{name}", text, labels=("model",))
        yield _filled(counter, attribute, spendings)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, attribute: str, spendings: Mapping[str, Spending]
) -> GaugeMetricFamily | CounterMetricFamily:
    for model, spending in spendings.items():
        family.add_metric((model,), getattr(spending, attribute))
    return family
