"""Settings of the replay service."""

from pathlib import Path
from typing import Final

from pydantic import Field

from heronry.runtime.settings import ServiceSettings

_MIB: Final = 1 << 20


class ReplaySettings(ServiceSettings):
    """What a replay service can be told."""

    max_bytes: int = Field(2048 * _MIB, ge=_MIB, description="bytes of steps that all tables together may hold")
    max_batch_bytes: int = Field(256 * _MIB, ge=4096, description="bytes of the largest batch a reader may ask for")
    shared_memory: bool = Field(True, description="whether readers on this machine may take batches by shared memory")
    max_shared_bytes: int = Field(1024 * _MIB, ge=0, description="bytes of memory lent to all such readers together")
    append_credits: int = Field(4, ge=1, le=1024, description="unanswered blocks that a writer may have under way")
    storage_dir: Path | None = Field(
        None, description="where tables lie that outlive the process; default: DATA_DIR/replay, and in a run's folder"
    )
    max_resident_bytes: int = Field(
        0, ge=0, description="bytes of a table's steps kept in memory where there are files for more; 0: no bound"
    )
    snapshot_log_bytes: int = Field(
        64 * _MIB, ge=1 << 16, description="bytes of a table's log after which its state is written anew"
    )
    shard: int = Field(0, ge=0, le=4095, description="number of this service in the keys of its items")
    waiting_period_s: float = Field(1.0, gt=0, description="how often a waiting caller is told why it waits")
