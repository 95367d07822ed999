"""The replay tables that a run spec implies."""

from heronry.spec.algorithms import DqnSettings, ExternalSettings
from heronry.spec.run_spec import EXPERIENCE, RunSpec
from heronry.types.errors import ConfigurationError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, RateLimiter, Selector, TableDefinition


def experience_table(spec: RunSpec) -> TableDefinition:
    """Return the table between fleets and learner: a queue of unrolls, or replay of transitions."""
    algorithm = spec.algorithm
    if isinstance(algorithm, DqnSettings):
        return _replay(spec, algorithm, algorithm.batch_size * algorithm.publish_period)
    if isinstance(algorithm, ExternalSettings):
        if algorithm.table == "replay":
            return _replay(spec, algorithm, algorithm.batch_size)
        _refuse_settings_of_replay(algorithm)
    return _queue(spec, algorithm.batch_size)


def _refuse_settings_of_replay(algorithm: ExternalSettings) -> None:
    """Refuse what a queue has not: it would change nothing."""
    for name in ("replay_size", "min_replay_size", "samples_per_insert", "num_steps", "priority_exponent"):
        value = getattr(algorithm, name)
        if value != ExternalSettings.model_fields[name].default:
            raise ConfigurationError.of(f"algorithm.{name}", value, "unset unless algorithm.table is 'replay'")


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


def _replay(spec: RunSpec, algorithm: DqnSettings | ExternalSettings, samples_of_an_update: int) -> TableDefinition:
    exponent = algorithm.priority_exponent
    if algorithm.min_replay_size > algorithm.replay_size:
        allowed = f"at most {algorithm.replay_size} (algorithm.replay_size)"
        raise ConfigurationError.of("algorithm.min_replay_size", algorithm.min_replay_size, allowed)
    # A program that gives no priorities need not know of them; the built-in learner gives them whatever the exponent.
    is_uniform = isinstance(algorithm, ExternalSettings) and exponent == 0.0
    return TableDefinition(
        table=EXPERIENCE,
        sampler=Selector.uniform() if is_uniform else Selector.prioritized(exponent),
        remover=Selector.fifo(),
        rate_limiter=_limiter(spec, algorithm, samples_of_an_update),
        max_size=algorithm.replay_size,
        pattern=Pattern(num_steps=algorithm.num_steps, period=1),
        acknowledgement=AcknowledgementLevel(spec.replay.acknowledgement or "process"),
        delivery=Delivery(spec.replay.delivery),
        seed=spec.seed,
    )


def _limiter(spec: RunSpec, algorithm: DqnSettings | ExternalSettings, samples_of_an_update: int) -> RateLimiter:
    ratio = algorithm.samples_per_insert
    if ratio is None:
        return RateLimiter.of_min_size(algorithm.min_replay_size)
    # Room for two whole blocks on the inserting side and two updates on the sampling side.
    items_of_a_block = spec.fleet.num_envs * spec.fleet.unroll_length
    buffer = 2 * max(ratio * items_of_a_block, samples_of_an_update, ratio, 1.0)
    return RateLimiter.sample_to_insert_ratio(ratio, algorithm.min_replay_size, buffer)
