"""Run specs: what a run trains on, how, and until when."""

from heronry.spec.algorithms import AlgorithmSettings, DqnSettings, ExternalSettings, PpoSettings
from heronry.spec.documents import bundled_names, resolve
from heronry.spec.environment import EnvironmentSettings, WrapperSettings
from heronry.spec.environments import check_environment
from heronry.spec.fleet import FleetSettings, InferenceSettings
from heronry.spec.known_games import check_network
from heronry.spec.network import ConvolutionSettings, NetworkSettings
from heronry.spec.overrides import parse_overrides
from heronry.spec.policy_model import policy_settings
from heronry.spec.privacy import PrivacySection
from heronry.spec.run_spec import (
    EXPERIENCE,
    POLICY,
    CheckpointSettings,
    EvaluationSettings,
    LearnerSettings,
    ParamsSettings,
    ReplaySettings,
    RunSpec,
)

__all__ = [
    "EXPERIENCE",
    "POLICY",
    "AlgorithmSettings",
    "CheckpointSettings",
    "ConvolutionSettings",
    "DqnSettings",
    "EnvironmentSettings",
    "EvaluationSettings",
    "ExternalSettings",
    "FleetSettings",
    "InferenceSettings",
    "LearnerSettings",
    "NetworkSettings",
    "ParamsSettings",
    "PpoSettings",
    "PrivacySection",
    "ReplaySettings",
    "RunSpec",
    "WrapperSettings",
    "bundled_names",
    "check_environment",
    "check_network",
    "parse_overrides",
    "policy_settings",
    "resolve",
]
