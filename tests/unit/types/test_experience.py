import importlib.util
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.types.errors import ConfigurationError, InvalidArgumentError
from heronry.types.experience import Batch

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")


def received(dtype: str, *shape: int) -> np.ndarray:
    """An array over received bytes: read-only."""
    values = np.arange(int(np.prod(shape))).astype(dtype)
    return np.frombuffer(values.tobytes(), dtype).reshape(shape)


def batch_of(columns: dict[str, np.ndarray], batch_size: int, **facts: Any) -> Batch:
    keys = received("<u8", batch_size)
    defaults: dict[str, Any] = {
        "probabilities": np.full(batch_size, 1 / batch_size),
        "priorities": np.ones(batch_size),
        "times_sampled": received("<u4", batch_size),
        "behaviour_epochs": keys,
        "behaviour_numbers": keys,
        "table_size": batch_size,
    }
    return Batch(columns=columns, keys=keys, **(defaults | facts))


def test_without_lengths_every_step_is_valid() -> None:
    batch = batch_of({"reward": received("<f4", 3, 2)}, 2)

    np.testing.assert_array_equal(batch.mask, np.ones((3, 2), np.bool_))


def test_the_mask_ends_each_row_at_its_length() -> None:
    batch = batch_of({"reward": received("<f4", 4, 3)}, 3, lengths=np.array([1, 4, 2], np.uint32))

    expected = [[1, 1, 1], [0, 1, 1], [0, 1, 0], [0, 1, 0]]
    np.testing.assert_array_equal(batch.mask, np.array(expected, np.bool_))


def test_the_mask_has_the_steps_of_the_longest_column_whatever_was_squeezed() -> None:
    columns = {"first": received("<f4", 3, 8), "square": received("<f4", 3, 3), "action": received("<i4", 5, 3)}

    assert batch_of(columns, 3).mask.shape == (5, 3)
    assert batch_of({"first": columns["first"]}, 3).mask.shape == (1, 3)


def test_items_drawn_for_want_of_others_have_the_largest_weight() -> None:
    batch = batch_of({}, 3, probabilities=np.array([0.5, 0.0, 0.125]))

    np.testing.assert_allclose(batch.importance_weights(1.0), [0.25, 1.0, 1.0])
    nothing = batch_of({}, 2, probabilities=np.zeros(2))
    np.testing.assert_array_equal(nothing.importance_weights(0.4), [1.0, 1.0])


@given(
    st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=20),
    st.floats(0.0, 1.0),
    st.integers(1, 10**9),
)
def test_importance_weights_are_those_of_the_paper(probabilities: list[float], beta: float, table_size: int) -> None:
    batch = batch_of({}, len(probabilities), probabilities=np.array(probabilities), table_size=table_size)

    raw = [(table_size * p) ** -beta for p in probabilities]
    expected = np.array([w / max(raw) for w in raw])
    weights = batch.importance_weights(beta)

    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


@pytest.mark.parametrize("beta", [-0.1, float("nan"), float("inf")])
def test_a_beta_that_cannot_be_is_refused(beta: float) -> None:
    with pytest.raises(InvalidArgumentError, match="beta"):
        batch_of({}, 1).importance_weights(beta)


def test_arrays_are_read_by_dlpack_without_a_copy_and_stay_read_only() -> None:
    column = batch_of({"observation": received("<f4", 2, 3, 4)}, 3).columns["observation"]

    seen = np.from_dlpack(column)

    assert np.shares_memory(seen, column)
    assert not seen.flags.writeable


@needs_torch
@pytest.mark.parametrize("dtype", ["<f4", "<f2", "|u1", "<i4", "<i8", "|b1"])
def test_tensors_share_the_memory_of_the_batch(dtype: str) -> None:
    column = received(dtype, 2, 3, 4)

    tensor = batch_of({"x": column}, 3).torch()["x"]

    assert tensor.shape == (2, 3, 4)
    assert tensor.data_ptr() == column.ctypes.data
    np.testing.assert_array_equal(tensor.numpy(), column)


@needs_torch
def test_tensors_go_to_the_device_asked_for() -> None:
    tensors = batch_of({"x": received("<f4", 2, 3)}, 3).torch("cpu")

    assert tensors["x"].device.type == "cpu"


@needs_jax
def test_jax_reads_a_column_by_dlpack() -> None:
    import jax.numpy as jnp  # absent where only the SDK is installed

    column = received("<f4", 2, 3)

    np.testing.assert_array_equal(np.asarray(jnp.from_dlpack(column)), column)


def test_without_pytorch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("heronry.types.experience.importlib.import_module", absent)

    with pytest.raises(ConfigurationError, match="pip install torch"):
        batch_of({}, 1).torch()
