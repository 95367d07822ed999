"""Steps of the server optimisers, each one pass over values and state.

A difference is the negative of a gradient: it is added. All vectors are `[P]`, float32 or float64, of one type and
length in a call; each operation is rounded to that type. Outputs may be the inputs of the same name. Every step
returns the largest magnitude of `out`, NaN or infinity when any value is one. O(P).

All raise TypeError for unlike types or gaps and ValueError for unlike lengths.
"""

import math

from heronry.native.arrays import Vector
from heronry.native.backend import LOOPS, Loops


def sgd_step(
    newest: Vector,
    difference: Vector,
    velocity: Vector,
    rate: float,
    momentum: float,
    nesterov: bool,
    out: Vector,
    velocity_out: Vector,
    *,
    loops: Loops = LOOPS,
) -> float:
    """Fill `v' = momentum v + d` and `out = w + rate v'`; with Nesterov `out = w + rate (d + momentum v')`.

    Source: Sutskever et al. 2013, equations 1 to 4, as `torch.optim.SGD` without dampening.
    """
    return loops.sgd_step(newest, difference, velocity, rate, momentum, nesterov, out, velocity_out)


def adam_step(
    newest: Vector,
    difference: Vector,
    moment1: Vector,
    moment2: Vector,
    rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    num_steps: int,
    is_yogi: bool,
    out: Vector,
    moment1_out: Vector,
    moment2_out: Vector,
    *,
    loops: Loops = LOOPS,
) -> float:
    """Fill moments and `out = w + rate m1^ / (sqrt(m2^) + epsilon)`, with corrected moments.

    `m1' = beta1 m1 + (1 - beta1) d`; `m2' = beta2 m2 + (1 - beta2) d^2`, for Yogi
    `m2' = m2 - (1 - beta2) sign(m2 - d^2) d^2`. `num_steps` counts this step too: 1 at the first.

    Raises:
      ValueError: `num_steps` is below 1, or a length differs.

    Source: Kingma and Ba 2015, Algorithm 1; Zaheer et al. 2018, Algorithm 2.
    """
    if num_steps < 1:
        raise ValueError(f"num_steps: {num_steps}, needed: at least 1, counting this one")
    corrected_rate = rate / (1.0 - beta1**num_steps)
    root_correction = math.sqrt(1.0 - beta2**num_steps)
    return loops.adam_step(
        newest,
        difference,
        moment1,
        moment2,
        corrected_rate,
        beta1,
        beta2,
        root_correction,
        epsilon,
        is_yogi,
        out,
        moment1_out,
        moment2_out,
    )


def adagrad_step(
    newest: Vector,
    difference: Vector,
    sums: Vector,
    rate: float,
    epsilon: float,
    out: Vector,
    sums_out: Vector,
    *,
    loops: Loops = LOOPS,
) -> float:
    """Fill `s' = s + d^2` and `out = w + rate d / (sqrt(s') + epsilon)`.

    Source: Duchi et al. 2011, section 1.1, the diagonal form.
    """
    return loops.adagrad_step(newest, difference, sums, rate, epsilon, out, sums_out)
