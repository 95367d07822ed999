"""The replay tables that a run spec implies."""

from heronry.spec.algorithms import DqnSettings
from heronry.spec.run_spec import EXPERIENCE, RunSpec
from heronry.types.errors import ConfigurationError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, RateLimiter, Selector, TableDefinition


def experience_table(spec: RunSpec) -> TableDefinition:
    """Return the table between fleets and learner: a queue of unrolls, or replay for Q-learning."""
    if isinstance(spec.algorithm, DqnSettings):
        return _replay(spec, spec.algorithm)
    return _queue(spec, spec.algorithm.batch_size)


def _queue(spec: RunSpec, batch_size: int) -> TableDefinition:
    size = queue_size(spec, batch_size)
    unroll = Pattern(num_steps=spec.fleet.unroll_length, period=spec.fleet.unroll_length)
    return TableDefinition(
        table=EXPERIENCE,
        sampler=Selector.fifo(),
        remover=Selector.fifo(),
        rate_limiter=RateLimiter.queue(size),
        max_size=size,
        max_times_sampled=1,
        # In lockstep every unroll is learnt from, exactly once, also when a stream breaks.
        max_lag=None if spec.lockstep else spec.replay.max_lag,
        pattern=unroll,
        acknowledgement=AcknowledgementLevel(spec.replay.acknowledgement or "memory"),
        delivery=Delivery.AT_LEAST_ONCE if spec.lockstep else Delivery(spec.replay.delivery),
        seed=spec.seed,
    )


def queue_size(spec: RunSpec, batch_size: int) -> int:
    """Return how many unrolls the queue holds.

    A fleet's block enters whole, one unroll a lane. Beside it the queue must hold what is one short of
    a batch: with less room the fleet would wait for the learner and the learner for the fleet.
    """
    least = max(2, spec.fleet.num_envs + batch_size - 1)
    if spec.replay.queue_size is None:
        return max(least, 2 * batch_size)
    if spec.replay.queue_size < least:
        raise ConfigurationError.of(
            "replay.queue_size",
            spec.replay.queue_size,
            f"at least {least} (fleet.num_envs + algorithm.batch_size - 1)",
        )
    return spec.replay.queue_size


def _replay(spec: RunSpec, algorithm: DqnSettings) -> TableDefinition:
    ratio = algorithm.samples_per_insert
    # Room for two whole blocks on the inserting side and two updates on the sampling side.
    items_of_a_block = spec.fleet.num_envs * spec.fleet.unroll_length
    samples_of_an_update = algorithm.batch_size * algorithm.publish_period
    buffer = 2 * max(ratio * items_of_a_block, samples_of_an_update, ratio, 1.0)
    return TableDefinition(
        table=EXPERIENCE,
        sampler=Selector.prioritized(algorithm.priority_exponent),
        remover=Selector.fifo(),
        rate_limiter=RateLimiter.sample_to_insert_ratio(ratio, algorithm.min_replay_size, buffer),
        max_size=algorithm.replay_size,
        pattern=Pattern(num_steps=algorithm.num_steps, period=1),
        acknowledgement=AcknowledgementLevel(spec.replay.acknowledgement or "process"),
        delivery=Delivery(spec.replay.delivery),
        seed=spec.seed,
    )
