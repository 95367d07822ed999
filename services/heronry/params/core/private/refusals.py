"""Models whose claim would not hold: by their settings, or by their tensors."""

from heronry.params.core.layout import ParameterLayout
from heronry.privacy.refusals import check_settings
from heronry.types.errors import InvalidArgumentError
from heronry.types.models import ModelSettings
from heronry.types.privacy import PrivacySettings


def check_sound(settings: ModelSettings, privacy: PrivacySettings, layout: ParameterLayout) -> None:
    """Refuse a model whose claim would not hold.

    Raises:
      InvalidArgumentError: naming the field and the reason.
    """
    if layout.others:
        allowed = "PARAMETER only (integers and running statistics have no clip and no noise)"
        raise InvalidArgumentError.of(f"schema.{layout.others[0].name}.role", layout.others[0].role.value, allowed)
    check_settings(settings, privacy)
