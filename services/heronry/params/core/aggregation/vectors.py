"""Vectors of a model in pooled memory."""

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout, Vector


def new_vector(layout: ParameterLayout, pool: BufferPool) -> Vector:
    """Return a `[P]` vector of any content."""
    return pool.take(layout.num_parameters * layout.dtype.itemsize).view(layout.dtype)
