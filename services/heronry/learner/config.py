"""Settings of the learner service."""

from pydantic import Field

from heronry.runtime.settings import ServiceSettings


class LearnerServiceSettings(ServiceSettings):
    """What a learner can be told; what it learns, and how, comes with the run's spec."""

    num_checkpoints_kept: int = Field(3, ge=1, le=1000, description="checkpoints of a run that are kept")
