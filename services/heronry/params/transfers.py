"""The memory through which values come and go, shared by all models of a service."""

from dataclasses import dataclass

from heronry.params.config import ParamsSettings
from heronry.params.contributions import Contributions
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.downloads import Downloads
from heronry.params.frames import FrameCache
from heronry.params.loans import LoanLimits, Loans
from heronry.params.shared_buffers import SharedBuffers
from heronry.params.shared_versions import SharedVersions
from heronry.params.staging import Staging
from heronry.runtime.clock import Clock
from heronry.runtime.descriptor_socket import DescriptorSocket


@dataclass(frozen=True)
class Transfers:
    """Both ways with the memory they use; outlives the runs that take turns in a service."""

    pool: BufferPool
    buffers: SharedBuffers
    staging: Staging
    loans: Loans
    frames: FrameCache
    contributions: Contributions
    downloads: Downloads
    _shared: SharedVersions
    _socket: DescriptorSocket

    @classmethod
    def of(cls, settings: ParamsSettings, clock: Clock) -> "Transfers":
        """Make everything of the settings; takes no memory yet."""
        socket = DescriptorSocket()
        pool = BufferPool(settings.max_idle_bytes)
        buffers = SharedBuffers(pool, is_enabled=settings.shared_memory)
        staging = Staging(pool, settings.max_open_uploads, settings.stall_s)
        max_loans = settings.max_loans if settings.shared_memory else 0
        loans = Loans(socket, LoanLimits(max_loans, settings.max_lent_bytes, settings.max_model_bytes))
        frames = FrameCache(settings.max_frame_bytes, pool)
        shared = SharedVersions(buffers, socket)
        contributions = Contributions(staging, pool, loans, frames, settings.stall_s, clock)
        downloads = Downloads(frames, shared, clock)
        return cls(pool, buffers, staging, loans, frames, contributions, downloads, shared, socket)

    def clear(self) -> None:
        """Forget the versions of a run that is over."""
        self.frames.clear()
        self._shared.clear()

    async def close(self) -> None:
        """Share nothing any more, and let go of what nobody uses."""
        await self._socket.close()
        self.buffers.close()
        self.pool.clear()
