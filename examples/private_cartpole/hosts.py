"""A process that hosts some of the clients: each of them has its own identity, lease, invitations and contributions."""

import asyncio
import contextlib
from asyncio import TaskGroup
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np
from private_cartpole.clients import Clients
from private_cartpole.policy import Array

from heronry.client import (
    ConnectionOptions,
    ContributionKind,
    FailedPreconditionError,
    FencedError,
    Invitation,
    ParamsClient,
    Worker,
)

NUM_PROCESSES = 4
WEIGHTS = "policy"


@contextmanager
def hosted(address: str, model: str, client_ids: Sequence[str], *, seed: int, num_rounds: int) -> Iterator[None]:
    """Have processes take part for these clients; they leave when the rounds are over."""
    context = get_context("spawn")
    shares = [list(share) for share in np.array_split(np.array(client_ids), NUM_PROCESSES)]
    processes = [context.Process(target=_take_part, args=(address, model, s, seed, num_rounds)) for s in shares]
    for process in processes:
        process.start()
    try:
        yield
    except BaseException:
        for process in processes:
            process.terminate()
        raise
    finally:
        for process in processes:
            process.join()


def _take_part(address: str, model: str, client_ids: Sequence[str], seed: int, num_rounds: int) -> None:
    asyncio.run(Host(address, model, client_ids, seed=seed).take_part(num_rounds))


class Host:
    """Answers the invitations of its clients; those that came while it was computing are computed together."""

    def __init__(self, address: str, model: str, client_ids: Sequence[str], *, seed: int) -> None:
        self._address, self._model = address, model
        self._client_ids = [str(client_id) for client_id in client_ids]
        self._clients = Clients(self._client_ids, seed=seed)
        self._invited: asyncio.Queue[tuple[Worker, str, Invitation]] = asyncio.Queue()

    async def take_part(self, num_rounds: int) -> None:
        """Take part in so many rounds."""
        async with (
            ParamsClient(self._address, _options(f"host of {self._client_ids[0]}")) as reader,
            TaskGroup() as tasks,
        ):
            taking_part = [tasks.create_task(self._join(client_id)) for client_id in self._client_ids]
            taking_part.append(tasks.create_task(self._answer(reader)))
            await self._end(reader, num_rounds)
            for task in taking_part:
                task.cancel()

    async def _end(self, reader: ParamsClient, num_rounds: int) -> None:
        """Wait for the version that the last round makes."""
        async with contextlib.aclosing(reader.watch(self._model, with_values=False)) as versions:
            async for parameters in versions:
                if parameters.version.number > num_rounds:
                    return

    async def _join(self, client_id: str) -> None:
        async with (
            ParamsClient(self._address, _options(client_id)) as params,
            params.worker(self._model) as worker,
            contextlib.aclosing(worker.rounds()) as invitations,
        ):
            async for invitation in invitations:
                await self._invited.put((worker, client_id, invitation))

    async def _answer(self, reader: ParamsClient) -> None:
        while True:
            waiting = [await self._invited.get()]
            while not self._invited.empty():
                waiting.append(self._invited.get_nowait())
            newest = max(invitation.base_version.number for _, _, invitation in waiting)
            # An invitation to a round that has closed since is an invitation no more.
            waiting = [entry for entry in waiting if entry[2].base_version.number == newest]
            weights = (await reader.pull(self._model, number=newest))[WEIGHTS]
            client_ids = [client_id for _, client_id, _ in waiting]
            updates = await asyncio.to_thread(self._clients.updates, np.asarray(weights), client_ids, newest)
            await asyncio.gather(*(_push(worker, updates[name], invitation) for worker, name, invitation in waiting))


async def _push(worker: Worker, update: Array, invitation: Invitation) -> None:
    # A round that closed meanwhile counts its absent members as zero.
    with contextlib.suppress(FailedPreconditionError, FencedError):
        await worker.push(
            {WEIGHTS: update},
            kind=ContributionKind.DELTA,
            base_version=invitation.base_version,
            round_id=invitation.round_id,
        )


def _options(client_id: str) -> ConnectionOptions:
    # A hundred floats need no memory lent to each client.
    return ConnectionOptions(client_id=client_id, retry_s=30.0, timeout_s=60.0, shares_memory=False)
