import math
from collections.abc import Callable

import pytest

from heronry.types.errors import InvalidArgumentError
from heronry.types.models import AdamOptimizer, Aggregation, ModelSettings, PrivacySettings, SgdOptimizer


def test_by_default_every_contribution_makes_a_version_and_weights_are_taken_as_they_are() -> None:
    settings = ModelSettings()

    assert settings.aggregation.num_contributions == 1
    assert settings.optimizer == SgdOptimizer(learning_rate=1.0, momentum=0.0)
    assert settings.privacy is None


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Aggregation(num_contributions=0), "aggregation.num_contributions"),
        (lambda: Aggregation(max_staleness=-1), "aggregation.max_staleness"),
        (lambda: SgdOptimizer(learning_rate=0.0), "optimizer.sgd.learning_rate"),
        (lambda: SgdOptimizer(momentum=1.0), "optimizer.sgd.momentum"),
        (lambda: AdamOptimizer(math.nan), "optimizer.adam.learning_rate"),
        (lambda: AdamOptimizer(1e-3, beta1=1.0), "optimizer.adam.beta1"),
        (lambda: AdamOptimizer(1e-3, beta2=-0.1), "optimizer.adam.beta2"),
        (lambda: AdamOptimizer(1e-3, epsilon=0.0), "optimizer.adam.epsilon"),
        (lambda: ModelSettings(num_versions_kept=0), "settings.num_versions_kept"),
        (lambda: PrivacySettings("step", 1.0, 1.0, 1e-5, 8.0), "privacy.unit"),
        (lambda: PrivacySettings("client", 0.0, 1.0, 1e-5, 8.0), "privacy.clipping_norm"),
        (lambda: PrivacySettings("client", 1.0, -1.0, 1e-5, 8.0), "privacy.noise_multiplier"),
        (lambda: PrivacySettings("client", 1.0, 1.0, 1.0, 8.0), "privacy.delta"),
        (lambda: PrivacySettings("client", 1.0, 1.0, 1e-5, math.inf), "privacy.epsilon_limit"),
    ],
)
def test_a_setting_out_of_range_names_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make()

    assert error.value.details["field"] == field
