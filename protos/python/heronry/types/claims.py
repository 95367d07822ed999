"""A model's privacy claim as plain values that JSON can carry, and in one line."""

import math
from collections.abc import Mapping

from heronry.types.privacy import PrivacyStatus


def claim_fields(model: str, told: PrivacyStatus) -> dict[str, object]:
    """Return a claim and what is spent of it; without one its figures are None, as is an infinite epsilon."""
    fields: dict[str, object] = {
        "model": model,
        "has_claim": told.has_claim,
        "is_void": told.is_void,
        "statement": told.statement,
    }
    figures = {
        "unit": told.unit and told.unit.value,
        "relation": told.relation and told.relation.value,
        "mechanism": told.mechanism,
        "delta": told.delta,
        "epsilon_spent": _finite(told.epsilon_spent),
        "epsilon_after": _finite(told.epsilon_after),
        "epsilon_limit": told.epsilon_limit,
        "accountant": told.accountant,
        "releases": told.num_releases,
        "noise_multiplier": told.noise_multiplier,
        "clipping_norm": told.clipping_norm,
        "ledger": {"row": told.ledger_sequence, "digest": told.ledger_digest.hex()},
    }
    return fields | (figures if told.unit is not None else dict.fromkeys(figures))


def claim_line(fields: Mapping[str, object]) -> str:
    """Return a claim, as `claim_fields` has it, and what is spent of it in one line."""
    if fields["unit"] is None:
        return "no claim of differential privacy is made"
    figures = (
        f"epsilon {epsilon_text(fields['epsilon_spent'])} of {fields['epsilon_limit']:g} spent "
        f"at delta {fields['delta']:g}, unit {fields['unit']}, {fields['mechanism']}"
    )
    return f"VOID (deterministic noise): {figures}" if fields["is_void"] else figures


def epsilon_text(epsilon: object) -> str:
    """Return an epsilon as people read it; None stands for infinity."""
    return f"{epsilon:.4f}" if isinstance(epsilon, float) else "unbounded"


def _finite(epsilon: float) -> float | None:
    """Return an epsilon as JSON knows it: it has no infinity."""
    return float(epsilon) if math.isfinite(epsilon) else None
