"""What a run leaves: its claim, what was spent of it, and what the policy reaches."""

from dataclasses import asdict, dataclass
from typing import Any

from private_cartpole.settings import Setting

from heronry.types.privacy import PrivacyStatus

# What a claim about versions says nothing of.
OUTSIDE = (
    "the returns on the clients' own CartPoles (`returns.own`): a simulation may show them, a service may not",
    "which seeds were run, and the choice between runs: whoever runs twice on the same clients has spent twice",
    "that a client takes part in the learning at all, and what its process does beside contributing",
)


@dataclass(frozen=True)
class Returns:
    """Mean returns of greedy policies on episodes used for nothing else.

    Attributes:
      own: on the clients' own CartPoles.
      worst_client: on the one that does worst.
      others: on CartPoles drawn from the same public ranges, that nobody learned on.
      untrained: of the policy that the run began with, on those of the clients.
    """

    own: float
    worst_client: float
    others: float
    untrained: float


def claim_of(status: PrivacyStatus) -> dict[str, Any]:
    """Return a claim as a document."""
    if not status.has_claim or status.unit is None or status.relation is None:
        return {"has_claim": False, "statement": status.statement}
    return {
        "has_claim": True,
        "statement": status.statement,
        "outside": list(OUTSIDE),
        "is_void": status.is_void,
        "mechanism": status.mechanism,
        "unit": status.unit.value,
        "relation": status.relation.value,
        "delta": status.delta,
        "epsilon_limit": status.epsilon_limit,
        "epsilon_spent": status.epsilon_spent,
        "accountant": status.accountant,
        "num_releases": status.num_releases,
        "noise_multiplier": status.noise_multiplier,
        "clipping_norm": status.clipping_norm,
        "ledger_head": {"sequence": status.ledger_sequence, "digest": status.ledger_digest.hex()},
    }


def run_document(
    setting: Setting, seed: int, status: PrivacyStatus, returns: Returns, seconds: float
) -> dict[str, Any]:
    """Return a run as a document."""
    return {
        "claim": claim_of(status),
        "settings": asdict(setting),
        "seed": seed,
        "returns": asdict(returns),
        "seconds": round(seconds, 1),
    }
