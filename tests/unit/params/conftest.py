"""Models small enough to be worked out by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heronry.params.core.journal import Record
from heronry.params.core.models import Models
from heronry.params.core.state_folder import StateFolder
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import Aggregation, ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion


class FakeLog:
    """Keeps records instead of writing them; raises `error` when it is set."""

    def __init__(self) -> None:
        self.records: list[tuple[Record, AcknowledgementLevel]] = []
        self.error: Exception | None = None

    def append(self, record: Record, level: AcknowledgementLevel) -> None:
        if self.error is not None:
            raise self.error
        self.records.append((record, level))

    def rotate(self) -> int:
        return 1


def flat_of(*values: float) -> np.ndarray:
    return np.array(values, np.float32).view(np.uint8)


class Bench:
    """One model `policy` of a few float32 parameters, and a client that pushes to it."""

    def __init__(self, log: FakeLog | StateFolder | None = None, epoch: int = 1) -> None:
        self.log = FakeLog() if log is None else log
        self.models = Models(self.log, epoch, lease_s=10.0)
        self.now_s = 0.0
        self._epoch = epoch
        self._num_requests = 0

    def register(self, *values: float, **settings: object) -> ParameterVersion:
        schema = ModelSchema.of({"weight": np.array(values, np.float32)})
        outcome = self.models.register("policy", schema, ModelSettings(**settings), flat_of(*values), 100.0)
        return outcome.value[0]

    def header(self, **fields: object) -> ContributionHeader:
        self._num_requests += 1
        defaults: dict[str, object] = {
            "model": "policy",
            "client_id": "worker",
            "request_id": f"request-{self._epoch}-{self._num_requests}",
            "base_version": self.version,
            "kind": ContributionKind.WEIGHTS,
        }
        return ContributionHeader(**{**defaults, **fields})

    def push(self, *values: float, **fields: object) -> Acknowledgement:
        header, flat = self.header(**fields), flat_of(*values)
        return self.models.admit_and_push(header, flat, header.client_id, self.now_s, 100.0).value

    @property
    def model(self):
        return self.models.model("policy")

    @property
    def version(self) -> ParameterVersion:
        return self.model.history.newest.version

    @property
    def values(self) -> np.ndarray:
        return self.model.history.newest.flat.view(np.float32)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="session")
def make_bench() -> Callable[..., Bench]:
    return Bench


@pytest.fixture
def open_folder(tmp_path: Path) -> Callable[[], tuple[Bench, StateFolder]]:
    """Open the state folder as a service does, restoring what it holds; earlier openings are closed as by a crash."""
    opened: list[StateFolder] = []

    def open_again() -> tuple[Bench, StateFolder]:
        for folder in opened:
            folder.close()
        folder = StateFolder(tmp_path / "params")
        opened.append(folder)
        recovered = folder.recover()
        folder.enter(recovered.epoch + 1)
        bench = Bench(folder, recovered.epoch + 1)
        bench.problems = [*recovered.problems, *bench.models.restore(recovered)]
        if recovered.is_empty:
            folder.rotate()
        else:
            folder.write(bench.models.begin_checkpoint())
        return bench, folder

    yield open_again
    for folder in opened:
        folder.close()


@pytest.fixture
def rounds_of() -> Callable[[int], Aggregation]:
    return lambda num_contributions: Aggregation(num_contributions=num_contributions)
