"""Return estimators over unrolls, all on one backward scan.

Axes: T time, B batch. Row t holds the step from observation t to its true successor: `rewards` is
the reward received on reaching it, `next_values` its value (the final observation's at an episode's
end, never the next episode's first). Termination makes the value of the successor 0; truncation
keeps it. Both cut the chain between row t and row t + 1. Rows with `mask` False (the step on which
an environment resets itself) get 0 and pass nothing on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.native import return_scan
from heronry.types.tensors import FloatArray

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Steps:
    """What all estimators read; [T, B] each.

    Attributes:
      rewards: float32.
      terminated, truncated: bool, of the step itself.
      mask: bool, whether the step counts.
      discount: γ of every step that does not terminate.
    """

    rewards: FloatArray
    terminated: BoolArray
    truncated: BoolArray
    discount: float
    mask: BoolArray | None = None

    def discounts(self) -> FloatArray:
        """Return γ_{t+1}: `discount`, 0 at termination."""
        return (~self.terminated).astype(np.float32) * np.float32(self.discount)

    def chain(self) -> FloatArray:
        """Return 1 where row t + 1 continues row t's episode, else 0; the last row is cut by the scan."""
        cut = self.terminated | self.truncated
        return (~cut).astype(np.float32)

    def masked(self, array: FloatArray) -> FloatArray:
        """Zero the rows that do not count, in place."""
        if self.mask is not None:
            array *= self.mask
        return array


def generalized_advantages(steps: Steps, values: FloatArray, next_values: FloatArray, gae_lambda: float) -> FloatArray:
    """Return GAE(λ) advantages [T, B].

    Add `values` for the TD(λ) returns that a value function is fitted to.

    Source: Schulman et al. 2016, "High-dimensional continuous control using generalized advantage
    estimation", equation 16.
    """
    discounts = steps.discounts()
    deltas = steps.masked(steps.rewards + discounts * next_values - values)
    coefficients = steps.masked(discounts * steps.chain() * np.float32(gae_lambda))
    return return_scan(deltas, coefficients)


def lambda_returns(steps: Steps, next_values: FloatArray, td_lambda: float) -> FloatArray:
    """Return TD(λ) returns [T, B]: G_t = r + γ ((1 - λ) v_{t+1} + λ G_{t+1}).

    The unroll's last row and an episode's last row bootstrap fully from `next_values`.

    Source: Sutton and Barto 2018, equation 12.18.
    """
    discounts = steps.discounts()
    mixing = steps.chain() * np.float32(td_lambda)
    mixing[-1:] = 0.0
    bootstrapped = (discounts - discounts * mixing) * next_values
    return return_scan(steps.masked(steps.rewards + bootstrapped), steps.masked(discounts * mixing))


def bootstrapped_returns(steps: Steps, next_values: FloatArray) -> FloatArray:
    """Return n-step returns [T, B] that reach to the end of the unroll or of the episode."""
    return lambda_returns(steps, next_values, 1.0)


def n_step_returns(steps: Steps, next_values: FloatArray, num_steps: int) -> FloatArray:
    """Return n-step returns [T, B] over a sliding window of `num_steps` rows.

    A window that reaches an episode's end or the unroll's end stops there, with the true number
    of steps k: Σ_{i<k} γ^i r_{t+i} + γ^k v_{t+k}.
    """
    discounts = steps.discounts()
    continues = steps.chain()
    continues[-1:] = 0.0
    one_step = steps.rewards + discounts * next_values
    returns = one_step
    for _ in range(num_steps - 1):
        longer = steps.rewards[:-1] + discounts[:-1] * returns[1:]
        returns = np.concatenate([np.where(continues[:-1] > 0, longer, one_step[:-1]), one_step[-1:]])
    return steps.masked(returns)


@dataclass(frozen=True)
class WindowReturns:
    """What a window of experience says about its first step; [B] each.

    Attributes:
      rewards: Σ_{i<k} γ^i r_i float32, over the k steps up to the episode's or the window's end.
      discounts: float32, γ^k, or 0 where step k terminated: the factor of the bootstrapped value.
      last: int64, k - 1, the row whose `next_observation` is bootstrapped from.
    """

    rewards: FloatArray
    discounts: FloatArray
    last: npt.NDArray[np.int64]


def window_returns(steps: Steps) -> WindowReturns:
    """Return the n-step return of each window's first row, the bootstrapped value left out.

    All T rows of a window follow one another in time; the rows after its first episode end belong
    to another episode and are not looked at.
    """
    ended = steps.terminated | steps.truncated
    num_rows = len(ended)
    last = np.where(ended.any(axis=0), ended.argmax(axis=0), num_rows - 1)
    powers = np.float32(steps.discount) ** np.arange(num_rows + 1, dtype=np.float32)
    within = np.arange(num_rows)[:, None] <= last
    rewards = (steps.rewards * powers[:-1, None] * within).sum(axis=0, dtype=np.float32)
    terminates = steps.terminated[last, np.arange(len(last))]
    return WindowReturns(rewards, np.where(terminates, np.float32(0.0), powers[last + 1]), last)


@dataclass(frozen=True)
class VTrace:
    """V-trace targets; [T, B] each.

    Attributes:
      returns: vs_t, what the value function is fitted to.
      advantages: ρ_t (r_{t+1} + γ vs_{t+1} - v_t), for the policy gradient.
    """

    returns: FloatArray
    advantages: FloatArray


def v_trace(
    steps: Steps,
    values: FloatArray,
    next_values: FloatArray,
    log_ratios: FloatArray,
    *,
    trace_lambda: float = 1.0,
    max_rho: float = 1.0,
    max_c: float = 1.0,
) -> VTrace:
    """Return V-trace targets for behaviour unlike the target policy.

    Args:
      steps: the unroll.
      values: v_t [T, B] of the target policy's value function.
      next_values: of the true successors, [T, B].
      log_ratios: log π(a_t) - log μ(a_t): target over behaviour, not the reverse. [T, B].
      trace_lambda: λ of the traces.
      max_rho: ρ̄, bound of the correction of each step's error.
      max_c: c̄ <= ρ̄, bound of the traces.

    Source: Espeholt et al. 2018, "IMPALA", equation 1 and section 4.2.
    """
    ratios = np.exp(log_ratios)
    rhos = np.minimum(np.float32(max_rho), ratios)
    discounts = steps.discounts()
    deltas = steps.masked(rhos * (steps.rewards + discounts * next_values - values))
    traces = np.float32(trace_lambda) * np.minimum(np.float32(max_c), ratios)
    corrections = return_scan(deltas, steps.masked(discounts * steps.chain() * traces))
    returns = steps.masked(values + corrections)
    # The policy's target bootstraps from vs at the successor; at a cut there is none, but its value.
    next_returns = next_values.copy()
    next_returns[:-1] = np.where(steps.chain()[:-1] > 0, returns[1:], next_values[:-1])
    advantages = steps.masked(rhos * (steps.rewards + discounts * next_returns - values))
    return VTrace(returns, advantages)
