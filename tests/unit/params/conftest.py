"""Models small enough to be worked out by hand."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.decoding import decode_packed
from heronry.params.core.durability.journal import Record
from heronry.params.core.durability.state_folder import StateFolder
from heronry.params.core.models import Models
from heronry.params.core.private.guards import FolderGuards
from heronry.params.core.rounds import Place
from heronry.types.blocking import Changed
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind
from heronry.types.errors import HeronryError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion


class FakeLog:
    """Keeps records instead of writing them; raises `error` when it is set."""

    def __init__(self) -> None:
        self.records: list[tuple[Record, AcknowledgementLevel]] = []
        self.error: Exception | None = None

    def append(self, record: Record, level: AcknowledgementLevel) -> Place | None:
        if self.error is not None:
            raise self.error
        if level is AcknowledgementLevel.MEMORY:
            return None
        self.records.append((record, level))
        return Place(0, len(self.records))

    def rotate(self) -> int:
        return 1


def flat_of(*values: float) -> np.ndarray:
    return np.array(values, np.float32).view(np.uint8)


class Bench:
    """One model `policy` of a few float32 parameters, and a client that pushes to it."""

    def __init__(self, log: FakeLog | StateFolder | None = None, epoch: int = 1) -> None:
        self._folder = log.path if isinstance(log, StateFolder) else Path(tempfile.gettempdir())
        self.log = FakeLog() if log is None else log
        self.pool = BufferPool(1 << 20)
        self.models = Models(
            self.log,
            epoch,
            10.0,
            pool=self.pool,
            spill_dir=Path(tempfile.gettempdir()),
            chance=random.Random(0),
            guards=FolderGuards(self._folder, "bench"),
            new_flat=lambda num_bytes: np.empty(num_bytes, np.uint8),
        )
        self.now_s = 0.0
        self.woken: set[object] = set()
        self._epoch = epoch
        self._num_requests = 0

    def register(self, *values: float, **settings: object) -> ParameterVersion:
        schema = ModelSchema.of({"weight": np.array(values, np.float32)})
        outcome = self.models.register("policy", schema, ModelSettings(**settings), flat_of(*values), 100.0)
        return outcome.value[0]

    def register_schema(self, schema: ModelSchema, tensors: dict[str, np.ndarray], **settings: object) -> None:
        flat = np.frombuffer(schema.pack(tensors), np.uint8)
        self.models.register("policy", schema, ModelSettings(**settings), flat, 100.0)

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
        return self.push_flat(self.header(**fields), flat_of(*values))

    def push_flat(self, header: ContributionHeader, flat: np.ndarray) -> Acknowledgement:
        decoded = decode_packed(self.models.model(header.model).layout, header.codec, flat, self.pool)
        arguments = (header, decoded, flat.nbytes, header.client_id, self.now_s, 100.0)
        return self._noted(self.models.admit_and_push(*arguments))

    def join(self, *client_ids: str) -> list[int]:
        """Register workers; return their tokens."""
        leases = [self.models.register_worker("policy", c, 1, self.now_s) for c in client_ids]
        return [self._noted(lease).fencing_token for lease in leases]

    def close_due(self) -> float | None:
        return self._noted(self.models.close_due(self.now_s, 100.0))

    def info(self):
        return self.models.info("policy", self.now_s)

    def worker(self, client_id: str):
        return next(w for w in self.models.worker_infos("policy", self.now_s) if w.client_id == client_id)

    def _noted(self, changed: Changed):
        self.woken |= changed.conditions
        if isinstance(changed.value, HeronryError):
            raise changed.value
        return changed.value

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
        bench.problems = [*bench.models.restore(recovered), *recovered.problems]
        if recovered.is_empty:
            folder.rotate()
        else:
            folder.write(bench.models.begin_checkpoint())
        return bench, folder

    yield open_again
    for folder in opened:
        folder.close()


@pytest.fixture
def rounds_of() -> Callable[[int], BufferedAsynchronous]:
    return BufferedAsynchronous
