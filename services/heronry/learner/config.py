"""Settings of the learner service."""

from pydantic import Field

from heronry.runtime.settings import ServiceSettings


class LearnerServiceSettings(ServiceSettings):
    """What a learner can be told; what it learns, and how, comes with the run's spec."""

    num_checkpoints_kept: int = Field(3, ge=1, le=1000, description="checkpoints of a run that are kept")
    max_inference_streams: int = Field(256, ge=1, le=100_000, description="streams that ask for central inference")
    max_inference_lanes: int = Field(65_536, ge=1, le=1 << 24, description="lanes of one such stream")
