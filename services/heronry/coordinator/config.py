"""Settings of the coordinator."""

from pydantic import Field

from heronry.runtime.settings import ServiceSettings


class CoordinatorSettings(ServiceSettings):
    """What a coordinator can be told beside what every service can."""

    run: str = Field("", description="start this run by itself: the name of a bundled spec or a YAML file")
    run_id: str = Field("", description="name of that run and of its folder; default: the spec's name")
    algorithm: str = Field("", description="algorithm of that run; default: the spec's")
    seed: int | None = Field(None, ge=0, lt=2**31, description="seed of that run; default: the spec's")
    overrides: tuple[str, ...] = Field((), description="section.key=value settings of that run; may repeat")
    autoresume: bool = Field(default=True, description="go on with a run that had not ended")
    lease_s: float = Field(5.0, gt=0, le=3600, description="a service that is silent for longer counts as dead")
