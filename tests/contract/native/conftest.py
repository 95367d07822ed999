"""Both twins, or the one there is."""

import pytest

from heronry.native.backend import Loops, load


@pytest.fixture(params=["native", "numpy"], scope="session")
def loops(request: pytest.FixtureRequest) -> Loops:
    try:
        return load(request.param)
    except ImportError as error:
        pytest.skip(f"native: {error}")


@pytest.fixture(scope="session")
def twins() -> list[Loops]:
    """Both twins for laws that compare them."""
    try:
        return [load("native"), load("numpy")]
    except ImportError as error:
        pytest.skip(f"native: {error}")
