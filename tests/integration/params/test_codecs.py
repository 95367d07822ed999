"""Codecs both ways: each reader and each round gets what its codec promises."""

import asyncio

import numpy as np
import pytest

from heronry.api.params.v1 import params_pb2 as pb
from heronry.native.parameter_packing import pack_parameters, unpack_parameters
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError
from heronry.types.models import ModelSettings
from heronry.types.tensors import MergeRule, TensorRole
from heronry.wire.versions import version_to_proto

NUM = 1 << 19
ROLES = {"seen": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS)}
CODECS = {
    ParameterCodec.BF16: pb.PARAMETER_CODEC_BF16,
    ParameterCodec.F16: pb.PARAMETER_CODEC_F16,
    ParameterCodec.INT8: pb.PARAMETER_CODEC_INT8,
}


def tensors(values: np.ndarray, seen: int = 3) -> dict[str, np.ndarray]:
    return {"weight": values.astype(np.float32), "seen": np.array(seen, np.int64)}


def normal(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=NUM).astype(np.float32)


def bound_of(codec: ParameterCodec, values: np.ndarray) -> np.ndarray | float:
    """Return what rounding may cost: half a unit in the last place, or one step of the block's scale."""
    if codec is ParameterCodec.BF16:
        return np.abs(values) * 2.0**-8
    if codec is ParameterCodec.F16:
        return np.abs(values) * 2.0**-11 + 2.0**-25
    return float(np.abs(values).max()) / 127 * (1 + 1e-6)


def unpacked(codec: ParameterCodec, packed: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the values of a packed version, and what it says in `seen`."""
    values = np.empty(NUM, np.float32)
    begin = unpack_parameters(codec, packed, 8, values)
    return values, int(packed[begin:].copy().view(np.int64)[0])


@pytest.mark.parametrize("codec", CODECS)
async def test_a_version_is_pulled_within_the_bound_of_its_codec(mesh, codec: ParameterCodec) -> None:
    values = normal(0)
    await mesh.register(tensors(values), roles=ROLES)

    pulls = await asyncio.gather(*(mesh.pull_raw(codec=CODECS[codec]) for _ in range(3)))

    got, seen = unpacked(codec, pulls[0].packed)
    assert np.all(np.abs(got - values) <= bound_of(codec, values))
    assert seen == 3
    assert {p.manifest.codec for p in pulls} == {CODECS[codec]}
    assert len({p.packed.tobytes() for p in pulls}) == 1
    assert (await mesh.client.get_model("policy")).num_bytes_sent == 3 * pulls[0].manifest.num_bytes


@pytest.mark.parametrize("codec", CODECS)
async def test_a_contribution_is_counted_within_the_bound_of_its_codec(mesh, codec: ParameterCodec) -> None:
    base, delta = normal(1), normal(2)
    version = await mesh.register(tensors(base), roles=ROLES)
    packed = pack_parameters(codec, delta, [np.frombuffer(np.int64(4).tobytes(), np.uint8)], seed=5)

    answer = await mesh.push_raw(mesh.upload_of(packed, version, kind=ContributionKind.DELTA, codec=codec))
    pulled = await mesh.pull_raw()

    got = pulled.packed[: 4 * NUM].view(np.float32).astype(np.float64) - base
    assert answer.counted
    assert np.all(np.abs(got - delta) <= bound_of(codec, delta) + 1e-5)
    assert pulled.packed[4 * NUM :].view(np.int64)[0] == 7
    assert (await mesh.client.get_model("policy")).num_bytes_received == packed.nbytes


async def test_a_reader_that_has_a_version_gets_the_largest_changes_since(mesh) -> None:
    base = normal(3)
    version = await mesh.register(tensors(base), roles=ROLES)
    delta = np.zeros(NUM, np.float32)
    delta[100:150] = 1.0
    pushed = np.concatenate([delta.view(np.uint8), np.zeros(8, np.uint8)])
    await mesh.push_raw(mesh.upload_of(pushed, version, kind=ContributionKind.DELTA))

    fields = {"base": version_to_proto(version), "codec": pb.PARAMETER_CODEC_TOP_K, "top_k_share": 50 / NUM}
    pulled = await mesh.pull_raw(**fields)

    got, _ = unpacked(ParameterCodec.TOP_K, pulled.packed)
    newest = (base.astype(np.float64) + delta).astype(np.float32)
    np.testing.assert_array_equal(got[100:150], (newest - base)[100:150])
    assert not got[:100].any()
    assert not got[150:].any()
    assert pulled.manifest.base_version.number == 1
    assert pulled.manifest.num_bytes == 50 * 8 + 8


async def test_a_base_that_is_not_held_exactly_gets_a_full_answer(mesh) -> None:
    values = normal(4)
    version = await mesh.register(tensors(values), ModelSettings(num_versions_kept=1), ROLES)
    unknown = version_to_proto(version)
    unknown.content_hash = b"x" * 32

    lossy = await mesh.pull_raw(base=unknown, codec=pb.PARAMETER_CODEC_BF16)
    exact = await mesh.pull_raw(base=unknown, codec=pb.PARAMETER_CODEC_TOP_K)

    assert not lossy.manifest.HasField("base_version")
    assert lossy.manifest.num_bytes == 2 * NUM + 8
    assert exact.manifest.codec == pb.PARAMETER_CODEC_F32
    np.testing.assert_array_equal(exact.packed[: 4 * NUM].view(np.float32), values)


async def test_watchers_get_their_codec(mesh) -> None:
    values = normal(5)
    await mesh.register(tensors(values), roles=ROLES)
    request = pb.WatchRequest(model="policy", with_values=True, codec=pb.PARAMETER_CODEC_BF16)
    stream = aiter(mesh.stub.Watch(request))

    manifest = (await anext(stream)).manifest
    chunks = [(await anext(stream)).chunk for _ in range(manifest.num_chunks)]

    got, _ = unpacked(ParameterCodec.BF16, np.frombuffer(b"".join(c.data for c in chunks), np.uint8))
    assert np.all(np.abs(got - values) <= bound_of(ParameterCodec.BF16, values))


async def test_what_a_codec_cannot_hold_and_shares_out_of_range_are_refused(mesh) -> None:
    version = await mesh.register({"weight": np.array([1e6, 1.0], np.float32)})

    too_large = await mesh.refusal(mesh.pull_raw(codec=pb.PARAMETER_CODEC_F16))
    base = version_to_proto(version)
    share = await mesh.refusal(mesh.pull_raw(codec=pb.PARAMETER_CODEC_TOP_K, base=base, top_k_share=2.0))

    assert isinstance(too_large, InvalidArgumentError)
    assert "codec: got 'f16'" in str(too_large)
    assert isinstance(share, InvalidArgumentError)
    assert "top_k_share" in str(share)
