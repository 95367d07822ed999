"""Settings of the fleet service."""

from pydantic import Field

from heronry.runtime.settings import ServiceSettings


class FleetServiceSettings(ServiceSettings):
    """What a fleet can be told; what it plays, and how, comes with the run's spec."""

    max_evaluations: int = Field(8, ge=1, le=1024, description="evaluations that may wait or run at a time")
