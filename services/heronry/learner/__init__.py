"""The learner: makes new weights of experience, by the algorithm of the run."""

from heronry.learner.config import LearnerServiceSettings as Settings
from heronry.learner.service import LearnerService, build

__all__ = ["LearnerService", "Settings", "build"]
