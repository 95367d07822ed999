"""The replay service: experience in tables, in as blocks and out as batches."""

from heronry.replay.config import ReplaySettings
from heronry.replay.service import ReplayService, build

__all__ = ["ReplayService", "ReplaySettings", "build"]
