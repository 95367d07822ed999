"""A model in several shards, without anything between them."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.decoding import decode_packed
from heronry.params.core.durability.state_folder import StateFolder
from heronry.params.core.models import Models
from heronry.params.core.private.guards import FolderGuards
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind, ParameterCodec
from heronry.types.models import ModelSettings, Shard
from heronry.types.shards import split_schema
from heronry.types.tensors import ModelSchema, Roles
from heronry.types.version import ParameterVersion

NAME = "policy"


class ShardBench:
    """The shards of one model, each with a folder; shard 0 of 1 is a whole model."""

    def __init__(self, folder: Path, num_shards: int) -> None:
        self.num_shards = num_shards
        self.patience_s = 0.0
        self.schema: ModelSchema | None = None
        self._folder = folder
        self._folders: list[StateFolder | None] = [None] * num_shards
        self.shards: list[Models] = []
        for index in range(num_shards):
            self.shards.append(self._opened(index))

    def restart(self, index: int, *, checkpoint: bool = False) -> list[Exception]:
        """Kill a shard and start it again from its folder; return what it found damaged."""
        folder = self._folders[index]
        if checkpoint:
            folder.write(self.shards[index].begin_checkpoint())
        folder.close()
        self.shards[index] = self._opened(index)
        return self.problems

    def close(self) -> None:
        for folder in self._folders:
            folder.close()

    def register(self, tensors: dict[str, np.ndarray], roles: Roles | None = None, **settings: object) -> None:
        self.schema = ModelSchema.of(tensors, roles)
        flat = self.schema.pack(tensors)
        for index, models in enumerate(self.shards):
            shard = Shard(index, self.num_shards, "host:1" if index else "")
            own = ModelSettings(**settings, shard=shard if self.num_shards > 1 else None)
            part = self.ranges[index]
            values = np.frombuffer(flat[part.start_byte : part.stop_byte], np.uint8).copy()
            models.register(NAME, part.schema, own, values, 100.0)

    @property
    def ranges(self):
        return split_schema(self.schema, self.num_shards)

    def push(self, tensors: dict[str, np.ndarray], *names: object, **fields: object) -> Acknowledgement:
        """Push the parts to the later shards, then the first one's."""
        for index in range(1, self.num_shards):
            self.push_part(index, tensors, *names, **fields)
        return self.push_part(0, tensors, *names, **fields)

    def push_part(
        self,
        index: int,
        tensors: dict[str, np.ndarray],
        request_id: str,
        client_id: str = "worker",
        base_number: int | None = None,
        kind: ContributionKind = ContributionKind.GRADIENT,
        **fields: object,
    ) -> Acknowledgement:
        first, part = self.first.history.newest.version, self.ranges[index]
        base = ParameterVersion(first.epoch, base_number or first.number)
        header = ContributionHeader(NAME, client_id, request_id, base, kind, **fields)
        packed = np.frombuffer(self.schema.pack(tensors)[part.start_byte : part.stop_byte], np.uint8).copy()
        models = self.shards[index]
        answer = models.admit(header, packed.size, client_id, 0.0)
        if answer is not None:
            return answer
        decoded = decode_packed(models.model(NAME).layout, ParameterCodec.F32, packed, BufferPool(0))
        return models.push(header, decoded, packed.size, 0.0, 100.0).value

    def follow(self) -> None:
        """Have the later shards apply all that the first one has closed."""
        for index in range(1, self.num_shards):
            self.follow_one(index)

    def follow_one(self, index: int, now_s: float = 0.0) -> None:
        models = self.shards[index]
        after = models.followed_round(models.model(NAME))
        if after < self.first.round.round_id - 1:
            for closed in self.shards[0].news_of_rounds(NAME, after, None).closed:
                models.follow(models.model(NAME), closed, self.patience_s, now_s)

    @property
    def first(self):
        return self.shards[0].model(NAME)

    @property
    def second(self):
        return self.shards[1].model(NAME)

    @property
    def numbers(self) -> list[int]:
        return [models.model(NAME).history.newest.version.number for models in self.shards]

    @property
    def flat(self) -> bytes:
        """The newest values of all shards, one after the other."""
        return b"".join(models.model(NAME).history.newest.flat.tobytes() for models in self.shards)

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        return self.schema.views(self.flat)

    def _opened(self, index: int) -> Models:
        folder = StateFolder(self._folder / f"{self.num_shards}-{index}")
        self._folders[index] = folder
        recovered = folder.recover()
        folder.enter(recovered.epoch + 1)
        models = Models(
            folder,
            recovered.epoch + 1,
            10.0,
            pool=BufferPool(0),
            spill_dir=self._folder,
            chance=random.Random(0),
            guards=FolderGuards(self._folder, "bench"),
            new_flat=lambda num_bytes: np.empty(num_bytes, np.uint8),
        )
        self.problems = [*models.restore(recovered), *recovered.problems]
        if recovered.is_empty:
            folder.rotate()
        else:
            folder.write(models.begin_checkpoint())
        return models


@pytest.fixture
def open_shards(tmp_path: Path) -> Callable[[int], ShardBench]:
    opened: list[ShardBench] = []

    def open_them(num_shards: int) -> ShardBench:
        opened.append(ShardBench(tmp_path, num_shards))
        return opened[-1]

    yield open_them
    for bench in opened:
        bench.close()
