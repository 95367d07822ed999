"""Settings of the parameter service."""

from pydantic import Field

from heronry.runtime.settings import ServiceSettings


class ParamsSettings(ServiceSettings):
    """What `python -m heronry.params` can be told."""

    lease_s: float = Field(10.0, gt=0, le=3600, description="a worker silent for longer loses its lease")
    max_model_bytes: int = Field(2 << 30, ge=1, description="largest model that can be registered")
    max_journal_bytes: int = Field(64 << 20, ge=1 << 16, description="a checkpoint is made when the journal is larger")
    max_frame_bytes: int = Field(256 << 20, ge=0, description="memory for versions kept ready to be sent")
