"""Whether fleets have their policy evaluated here, and what does it."""

from heronry.learner.inference.engine import InferenceEngine
from heronry.types.errors import FailedPreconditionError
from heronry.types.inference import InferenceStatistics

# A fleet may be told of its run before the learner is.
_RETRY_AFTER_S = 0.2


class InferenceHost:
    """Holds the engine of the assigned run, while there is one; for one event loop."""

    def __init__(self) -> None:
        self._engine: InferenceEngine | None = None

    @property
    def engine(self) -> InferenceEngine | None:
        """The engine of the assigned run; None when idle or when fleets evaluate the policy themselves."""
        return self._engine

    def engine_of(self, run_id: str) -> InferenceEngine:
        """Return the engine of a run.

        Raises:
          FailedPreconditionError: there is none now.
        """
        engine = self._engine
        if engine is None or engine.core.run_id != run_id:
            assigned = "none" if engine is None else repr(engine.core.run_id)
            raise FailedPreconditionError(
                f"no central inference for run {run_id!r} here (have: {assigned})", retry_after_s=_RETRY_AFTER_S
            )
        return engine

    def statistics(self) -> InferenceStatistics:
        """Return all figures; nothing without an engine."""
        return InferenceStatistics() if self._engine is None else self._engine.statistics()

    def take(self, engine: InferenceEngine) -> None:
        """Serve a run."""
        self._engine = engine

    async def leave(self, engine: InferenceEngine) -> None:
        """Serve it no more."""
        if self._engine is engine:
            self._engine = None
        await engine.close(f"run {engine.core.run_id!r} has left this learner")
