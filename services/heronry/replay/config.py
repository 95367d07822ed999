"""Settings of the replay service."""

from typing import Final

from pydantic import Field

from heronry.runtime.settings import ServiceSettings

_MIB: Final = 1 << 20


class ReplaySettings(ServiceSettings):
    """What a replay service can be told."""

    max_bytes: int = Field(2048 * _MIB, ge=_MIB, description="bytes of steps that all tables together may hold")
    max_batch_bytes: int = Field(256 * _MIB, ge=4096, description="bytes of the largest batch a reader may ask for")
    append_credits: int = Field(4, ge=1, le=1024, description="unanswered blocks that a writer may have under way")
    waiting_period_s: float = Field(1.0, gt=0, description="how often a waiting caller is told why it waits")
