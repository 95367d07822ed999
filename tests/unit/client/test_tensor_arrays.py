import numpy as np
import pytest
import torch

from heronry.client.tensor_arrays import as_array, named_arrays
from heronry.types.errors import SchemaMismatchError


class Exported:
    """A tensor of some other library: it speaks DLPack alone."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __dlpack__(self, **options: object) -> object:
        return self._array.__dlpack__(**options)  # type: ignore[arg-type]  # as they come

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()  # type: ignore[return-value]  # an enum and a number


def test_a_tensor_of_torch_is_seen_in_place() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)

    array = as_array("values.w", tensor)
    tensor[0, 0] = 7.0

    np.testing.assert_array_equal(array, [[7, 1, 2], [3, 4, 5]])


def test_a_tensor_that_requires_its_gradient_is_seen_in_place() -> None:
    parameter = torch.nn.Parameter(torch.zeros(2))

    as_array("values.w", parameter)[:] = 3.0

    assert parameter.tolist() == [3.0, 3.0]


def test_a_tensor_of_another_library_is_seen_in_place() -> None:
    memory = np.arange(3, dtype=np.float32)

    array = as_array("values.w", Exported(memory))

    assert np.shares_memory(array, memory)


def test_bfloat16_which_numpy_lacks_becomes_float32() -> None:
    array = as_array("values.w", torch.tensor([1.5, -2.0], dtype=torch.bfloat16))

    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.array([1.5, -2.0], np.float32))


def test_an_array_stays_as_it_is() -> None:
    array = np.zeros((2, 3))[:, ::2]

    assert as_array("values.w", array) is array


@pytest.mark.parametrize("value", ["x", [0.0, 1.0], None, 3, torch.zeros(1).to_sparse()])
def test_what_is_no_tensor_is_named(value: object) -> None:
    with pytest.raises(SchemaMismatchError) as caught:
        named_arrays("values", {"w": value})

    assert caught.value.details["field"] == "values.w"
