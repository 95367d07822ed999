"""Secure sums as the SDK is asked for them: what is refused before anything is sent, and what has to be installed."""

import importlib
from types import ModuleType

import numpy as np
import pytest

from heronry.client.params import ParamsClient
from heronry.client.secure_sums import INSTALL_LINE
from heronry.types.contribution import ContributionKind
from heronry.types.errors import ConfigurationError, InvalidArgumentError
from heronry.types.privacy import DistributedNoise
from heronry.types.version import ParameterVersion

ARGUMENTS = {"base_version": ParameterVersion(1, 1), "claim": DistributedNoise(1.0, 3)}
WRONG = {
    "values that only a comparison makes a difference": {"kind": ContributionKind.WEIGHTS},
    "a weight above the bound": {"weight": 1.5},
    "a weight that turns the values": {"weight": -1.0},
    "no round": {"max_rounds": 0},
    "no time": {"timeout_s": "soon"},
    "a promise that is none": {"claim": None},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
async def test_wrong_arguments_are_refused_before_anybody_is_called(changes) -> None:
    client = ParamsClient("127.0.0.1:1")

    with pytest.raises(InvalidArgumentError, match=next(iter(changes))):
        await client.sum_securely("policy", np.zeros(3, np.float32), **{**ARGUMENTS, **changes})


async def test_without_the_packages_it_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = importlib.import_module

    def without_cryptography(name: str) -> ModuleType:
        if name == "heronry.client.secure_stream":
            raise ImportError("No module named 'cryptography'")
        return whole(name)

    monkeypatch.setattr(importlib, "import_module", without_cryptography)

    with pytest.raises(ConfigurationError) as refused:
        await ParamsClient("127.0.0.1:1").sum_securely("policy", np.zeros(3, np.float32), **ARGUMENTS)

    assert INSTALL_LINE in str(refused.value)
