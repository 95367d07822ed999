"""Settings of the parameter service."""

from typing import Final

from pydantic import Field

from heronry.runtime.settings import ServiceSettings

_MIB: Final = 1 << 20


class ParamsSettings(ServiceSettings):
    """What `python -m heronry.params` can be told."""

    lease_s: float = Field(10.0, gt=0, le=3600, description="a worker silent for longer loses its lease")
    max_model_bytes: int = Field(2048 * _MIB, ge=1, description="largest model that can be registered")
    max_journal_bytes: int = Field(64 * _MIB, ge=1 << 16, description="a checkpoint is made when the journal is larger")
    max_frame_bytes: int = Field(256 * _MIB, ge=0, description="memory for versions kept ready to be sent")
    max_idle_bytes: int = Field(256 * _MIB, ge=0, description="memory kept for buffers that nobody uses at the moment")
    max_open_uploads: int = Field(6, ge=1, le=1024, description="uploads above 1 MiB that are put together at a time")
    shared_memory: bool = Field(default=True, description="whether processes on this machine may share memory with it")
    max_loans: int = Field(64, ge=0, le=512, description="workers on this machine that memory is lent to at a time")
    max_lent_bytes: int = Field(1024 * _MIB, ge=0, description="bytes of memory lent to all such workers together")
    shard_patience_s: float = Field(
        10.0, gt=0, le=3600, description="how long a shard waits for a part that the first shard has counted"
    )
    insecure_deterministic_noise: int | None = Field(
        None, ge=0, lt=2**64, description="seed of predictable noise, for tests: voids every privacy claim, for good"
    )
    checkpoint_url: str = Field(
        "", description="copy checkpoints below this fsspec URL, and start from there when DATA_DIR holds none"
    )
    num_checkpoints_kept: int = Field(3, ge=1, le=1000, description="checkpoints kept below CHECKPOINT_URL")
