"""What tests of whatever learns share: action spaces, and one thread for torch."""

import pytest
import torch

from heronry.maths.spaces import ActionSpace


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def discrete():
    return ActionSpace("discrete", num_actions=3)


@pytest.fixture
def box():
    return ActionSpace("box", shape=(2,), low=(-1.0, -1.0), high=(1.0, 1.0))
