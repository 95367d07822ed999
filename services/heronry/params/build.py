"""Puts the service together."""

from heronry.params.config import ParamsSettings
from heronry.params.service import ParamsService


def build(settings: ParamsSettings) -> ParamsService:
    """Return the service of these settings, not started."""
    return ParamsService(settings)
