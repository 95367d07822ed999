"""Optimiser steps, an operation at a time."""

import numpy as np

from heronry.native.arrays import Vector
from heronry.native.twins.arguments import require_vectors
from heronry.native.twins.vector_sums import largest_magnitude


def sgd_step(
    newest: Vector,
    difference: Vector,
    velocity: Vector,
    rate: float,
    momentum: float,
    nesterov: bool,
    out: Vector,
    velocity_out: Vector,
) -> float:
    """Step along the velocity."""
    require_vectors(
        like=out, out_vector=out, newest=newest, difference=difference, velocity=velocity, velocity_out=velocity_out
    )
    real = out.dtype.type
    with np.errstate(over="ignore", invalid="ignore"):
        moved = velocity * real(momentum) + difference
        direction = difference + moved * real(momentum) if nesterov else moved
        out[:] = newest + direction * real(rate)
    velocity_out[:] = moved
    return largest_magnitude(out)


def adam_step(
    newest: Vector,
    difference: Vector,
    moment1: Vector,
    moment2: Vector,
    corrected_rate: float,
    beta1: float,
    beta2: float,
    root_correction: float,
    epsilon: float,
    is_yogi: bool,
    out: Vector,
    moment1_out: Vector,
    moment2_out: Vector,
) -> float:
    """Step along the first moment over the root of the second."""
    require_vectors(
        like=out,
        out_vector=out,
        newest=newest,
        difference=difference,
        moment1=moment1,
        moment2=moment2,
        moment1_out=moment1_out,
        moment2_out=moment2_out,
    )
    real = out.dtype.type
    with np.errstate(over="ignore", invalid="ignore"):
        square = difference * difference
        share = square * real(1.0 - beta2)
        first = moment1 * real(beta1) + difference * real(1.0 - beta1)
        second = moment2 - np.sign(moment2 - square) * share if is_yogi else moment2 * real(beta2) + share
        root = np.sqrt(second) / real(root_correction) + real(epsilon)
        out[:] = newest + first / root * real(corrected_rate)
    moment1_out[:], moment2_out[:] = first, second
    return largest_magnitude(out)


def adagrad_step(
    newest: Vector, difference: Vector, sums: Vector, rate: float, epsilon: float, out: Vector, sums_out: Vector
) -> float:
    """Step along the difference over the root of its summed squares."""
    require_vectors(like=out, out_vector=out, newest=newest, difference=difference, sums=sums, sums_out=sums_out)
    real = out.dtype.type
    with np.errstate(over="ignore", invalid="ignore"):
        summed = sums + difference * difference
        out[:] = newest + difference / (np.sqrt(summed) + real(epsilon)) * real(rate)
    sums_out[:] = summed
    return largest_magnitude(out)
