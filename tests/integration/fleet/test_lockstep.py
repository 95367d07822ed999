"""A lockstep run: fixed lag, and bit for bit the same each time."""

import hashlib

import numpy as np

from heronry.types.contribution import ContributionKind


async def learn(mesh, table, num_updates):
    """Play the learner: weights that depend on every byte of every batch; return digests and versions."""
    version = base = await mesh.begin()
    digests, versions = [], []
    async for batch in mesh.replay.sample(table, batch_size=4, timeout_s=10.0):
        digest = hashlib.sha256(b"".join(batch.columns[path].tobytes() for path in sorted(batch.columns))).hexdigest()
        digests.append(digest)
        versions.append(sorted(set(batch.behaviour_numbers.tolist())))
        if len(digests) == num_updates:
            return digests, versions, base.number
        tensors = mesh.tensors(seed=int(digest[:8], 16))
        tensors["policy/head/weight"] *= np.float32(50.0)
        acknowledgement = await mesh.params.push("policy", tensors, kind=ContributionKind.WEIGHTS, base_version=version)
        version = acknowledgement.version
    raise AssertionError("the stream ended")


async def test_batch_k_is_acted_with_the_version_before_the_last(make_mesh, table):
    async with make_mesh(lockstep=True) as mesh:
        _, versions, base = await learn(mesh, table, 8)

    assert versions == [[base + max(0, k - 1)] for k in range(8)]


async def test_two_runs_are_bit_for_bit_the_same(make_mesh, table):
    runs = []
    for _ in range(2):
        async with make_mesh(lockstep=True) as mesh:
            runs.append(await learn(mesh, table, 8))

    assert runs[0] == runs[1]


async def test_blocks_smaller_than_a_batch_keep_the_lag(make_mesh, table):
    async with make_mesh(lockstep=True, fleet={"num_envs": 2, "unroll_length": 8}) as mesh:
        _, versions, base = await learn(mesh, table, 6)

    assert versions == [[base + max(0, k - 1)] for k in range(6)]
