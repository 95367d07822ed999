"""Settings of the algorithms; `name` tells which one a spec means."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from heronry.spec.section import Section

Fraction = Annotated[float, Field(ge=0, le=1)]


class PpoSettings(Section):
    """Proximal policy optimisation on a queue of unrolls (Schulman et al. 2017)."""

    name: Literal["ppo"] = "ppo"
    batch_size: PositiveInt = 8
    """Unrolls of one update; an unroll is `fleet.unroll_length` steps of one environment."""
    minibatch_size: PositiveInt = 256
    """Steps of one gradient step; at most `batch_size * fleet.unroll_length`."""
    epochs: PositiveInt = 10
    """Passes over each batch: how often each sample is used."""
    discount: Fraction = 0.99
    gae_lambda: Fraction = 0.95
    learning_rate: PositiveFloat = 3e-4
    clip: PositiveFloat = 0.2
    """Bound of the probability ratio's distance from 1."""
    anneal_learning_rate: bool = False
    """Let the learning rate fall linearly to zero at `max_env_steps`."""
    anneal_clip: bool = False
    """Let the clip fall linearly to zero at `max_env_steps`."""
    entropy_coefficient: NonNegativeFloat = 0.0
    value_coefficient: NonNegativeFloat = 0.5
    max_gradient_norm: PositiveFloat = 0.5
    adam_epsilon: PositiveFloat = 1e-5
    normalize_advantages: bool = True
    target_kl: PositiveFloat | None = None
    """Approximate KL divergence at which the epochs of an update end early."""


class DqnSettings(Section):
    """Double Q-learning with prioritised n-step replay (van Hasselt et al. 2016; Schaul et al. 2016)."""

    name: Literal["dqn"] = "dqn"
    batch_size: PositiveInt = 64
    """Items of one gradient step."""
    discount: Fraction = 0.99
    num_steps: PositiveInt = 1
    """Steps of the n-step return."""
    learning_rate: PositiveFloat = 1e-3
    adam_epsilon: PositiveFloat = 1e-5
    max_gradient_norm: PositiveFloat = 10.0
    double: bool = True
    """Choose the next action with the online network, value it with the target network."""
    target_update_period: PositiveInt = 250
    """Gradient steps between copies of the online network to the target network."""
    publish_period: PositiveInt = 32
    """Gradient steps of one update: a new version is published after that many."""
    replay_size: PositiveInt = 100_000
    """Items held."""
    min_replay_size: PositiveInt = 1_000
    """Items before the first gradient step."""
    samples_per_insert: PositiveFloat = 8.0
    """Items learnt from per item collected: how often each sample is used."""
    priority_exponent: NonNegativeFloat = 0.6
    importance_exponent_initial: Fraction = 0.4
    importance_exponent_final: Fraction = 1.0
    epsilon_initial: Fraction = 1.0
    """Chance of a random action at the start of training."""
    epsilon_final: Fraction = 0.05
    epsilon_decay_steps: PositiveInt = 10_000
    """Environment steps of one fleet over which epsilon falls linearly."""
    anneal_learning_rate: bool = False
    """Let the learning rate fall linearly to zero at `max_env_steps`."""


class ExternalSettings(Section):
    """A learner outside the mesh: the user's program samples, registers the model and pushes to it.

    The fleet acts with a categorical or Gaussian policy as for PPO; the server optimiser is what
    the program registers the model with.
    """

    name: Literal["external"] = "external"
    table: Literal["queue", "replay"] = "queue"
    """`queue`: every unroll once, in order. `replay`: transitions, sampled again and again, the newest alone."""
    batch_size: PositiveInt = 8
    """Unrolls, or transitions, that the program samples at once; bounds the queue."""
    replay_size: PositiveInt = 100_000
    """Transitions held; this and what follows is for `replay`."""
    min_replay_size: PositiveInt = 1_000
    """Transitions before the first is sampled."""
    samples_per_insert: PositiveFloat | None = None
    """Transitions sampled per one collected, held from both sides; unset: fleets and program wait for nobody."""
    num_steps: PositiveInt = 1
    """Steps of a transition."""
    priority_exponent: NonNegativeFloat = 0.0
    """0 samples uniformly; else by the priorities that the program gives."""


AlgorithmSettings = Annotated[PpoSettings | DqnSettings | ExternalSettings, Field(discriminator="name")]

ALGORITHMS: tuple[type[PpoSettings | DqnSettings | ExternalSettings], ...] = (
    PpoSettings,
    DqnSettings,
    ExternalSettings,
)
