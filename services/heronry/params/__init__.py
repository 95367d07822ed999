"""The parameter service: models, their versions, and rounds of contributions to them."""

from heronry.params.build import build
from heronry.params.config import ParamsSettings

__all__ = ["ParamsSettings", "build"]
