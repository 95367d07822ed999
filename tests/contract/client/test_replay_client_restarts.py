"""A writer over restarts, its own and the service's."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.types.columns import ColumnSpec
from heronry.types.errors import FencedError
from heronry.types.patterns import Pattern
from heronry.types.run import ServiceRole
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 5)
NUMBERS: Any = {"columns": (ColumnSpec("number", ElementType.INT32, ()),), "num_lanes": 1}
FREE = TableDefinition("t", Selector.fifo(), Selector.fifo(), RateLimiter.of_min_size(1), 100, pattern=Pattern(1, 1))


def numbers(*values: int) -> dict[str, np.ndarray]:
    return {"number": np.array(values, np.int32).reshape(-1, 1)}


async def test_a_writer_goes_on_with_a_table_that_is_restored_as_it_was_earlier(
    clients: SimpleNamespace, services: Any
) -> None:
    await clients.replay.create_table(FREE)
    async with clients.replay.writer("t", **NUMBERS) as writer:
        await writer.append(numbers(1), VERSION)
        await writer.flush()
        await clients.replay.save_snapshot("t")
        await writer.append(numbers(2), VERSION)
        await writer.flush()

        await services.stop(ServiceRole.REPLAY)
        await services.start(ServiceRole.REPLAY)
        await clients.replay.create_table(FREE)
        await writer.append(numbers(3), VERSION)
        await writer.flush()

    batches = clients.replay.sample("t", batch_size=2, without_replacement=True, timeout_s=10.0)
    batch = await anext(batches)
    await batches.aclose()
    # The second was in no snapshot.
    np.testing.assert_array_equal(batch.columns["number"], [[1, 3]])


async def test_a_writer_that_starts_again_in_its_old_epoch_is_refused_instead_of_ignored(
    clients: SimpleNamespace,
) -> None:
    await clients.replay.create_table(FREE)
    async with clients.replay.writer("t", writer_id="w", writer_epoch=7, **NUMBERS) as writer:
        await writer.append(numbers(1), VERSION)

    with pytest.raises(FencedError, match=r"writer_epoch: got 7, allowed: at least 8 .*'w'"):
        async with clients.replay.writer("t", writer_id="w", writer_epoch=7, **NUMBERS):
            pytest.fail("the service would take its blocks for those of the first")

    async with clients.replay.writer("t", writer_id="w", writer_epoch=8, **NUMBERS) as writer:
        await writer.append(numbers(2), VERSION)
    assert (await clients.replay.get_table("t")).num_items == 2
