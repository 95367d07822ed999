"""What the run promises and how it learns: every number of it public, and chosen before the first round."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """A claim (epsilon at delta, of a client) and the mechanism's public numbers."""

    epsilon: float | None
    num_clients: int = 200
    delta: float = 1e-5
    sampling_probability: float = 0.5
    num_rounds: int = 20
    clipping_norm: float = 0.4
    learning_rate: float = 1.0

    @property
    def denominator(self) -> float:
        """The expected size of a cohort: what the sum is divided by, whoever came."""
        return self.sampling_probability * self.num_clients

    def noise_multiplier(self) -> float:
        """Return the smallest noise multiplier for which the whole run spends at most epsilon; 0 without a claim."""
        if self.epsilon is None:
            return 0.0
        import dp_accounting
        from dp_accounting import dp_event, pld

        def run(noise_multiplier: float) -> dp_event.DpEvent:
            release = dp_event.GaussianDpEvent(noise_multiplier)
            sampled = dp_event.PoissonSampledDpEvent(self.sampling_probability, release)
            return dp_event.SelfComposedDpEvent(sampled, self.num_rounds)

        return float(dp_accounting.calibrate_dp_mechanism(pld.PLDAccountant, run, self.epsilon, self.delta))
