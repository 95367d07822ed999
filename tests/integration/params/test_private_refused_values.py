"""NaN pushed to a private model at the real service: refused by name, and counted as zeros of its client."""

import numpy as np
import pytest

from heronry.client import BufferedAsynchronous, ModelSettings
from heronry.types.contribution import ContributionKind
from heronry.types.errors import FailedPreconditionError, InvalidContributionError
from heronry.types.privacy import (
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)
from heronry.wire.chunks import CHUNK_BYTES

PRIVACY = PrivacySettings(
    unit=PrivacyUnit.CLIENT,
    relation=NeighbourRelation.ZERO_OUT_ONE,
    population=10,
    delta=1e-3,
    epsilon_limit=100.0,
    clip=FixedClip(1.0),
    noise=IndependentNoise(2.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False),
)
# Of the larger one the header is asked about before its values have come.
SIZES = [4, CHUNK_BYTES // 4 + 3]


@pytest.mark.parametrize("num", SIZES)
async def test_a_refused_contribution_fills_its_place_in_the_round_and_is_paid_for(mesh, num) -> None:
    settings = ModelSettings(consistency=BufferedAsynchronous(2), privacy=PRIVACY)
    base = await mesh.register({"weight": np.zeros(num, np.float32)}, settings)
    values = np.zeros(num, np.float32)
    values[-1] = np.nan

    def push(client_id: str, values: np.ndarray, **fields: object):
        fields = {"kind": ContributionKind.DELTA, "client_id": client_id, **fields}
        return mesh.push_raw(mesh.upload_of(values.view(np.uint8), base, **fields), client_id)

    checked = await mesh.refusal(push("a", values, request_id="0", validate_only=True))
    told = await mesh.refusal(push("a", values, request_id="1"))
    another = await mesh.refusal(push("a", np.zeros(num, np.float32), request_id="2"))
    pending = (await mesh.client.get_model("policy")).num_pending
    await push("b", np.zeros(num, np.float32))

    for error in (checked, told):
        assert isinstance(error, InvalidContributionError)
        assert error.details["index"] == f"[{num - 1}]"
    assert isinstance(another, FailedPreconditionError)
    assert "one contribution a client and release" in str(another)
    assert pending == 1
    assert (await mesh.client.get_model("policy")).version.number == 2
    spendings = await mesh.client.list_client_spendings("policy")
    assert {s.client_id: s.num_participations for s in spendings} == {"a": 1, "b": 1}
