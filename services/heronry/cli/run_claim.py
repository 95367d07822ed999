"""What `heronry train` tells of a run's privacy: its claim before it begins, what was spent when it has ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from heronry.cli.screen import print_line

if TYPE_CHECKING:
    from rich.console import Console

    from heronry.spec import PrivacySection, RunSpec

Fields = Mapping[str, object]


def print_claim(console: "Console", spec: "RunSpec") -> None:
    """Say what the run will claim, and what it will not; nothing for a run without a claim."""
    if spec.privacy is None:
        return
    claim = spec.privacy
    print_line(
        console,
        f"privacy: the policy's versions, all together, for one {claim.unit.value} ({claim.relation.value}): epsilon "
        f"at most {claim.epsilon_limit:g} at delta {claim.delta:g}; {_bound(claim)}, {_noise(claim)}",
    )
    outside = "returns and losses, which this run shows; replay; when versions appear"
    print_line(console, f"  outside of the claim: {outside}")


def print_spent(console: "Console", fields: Fields) -> None:
    """Say what a run has spent, and where its ledger stands; nothing for a run without a claim."""
    told = cast("Fields | None", fields.get("privacy"))
    if told is None:
        return
    from heronry.types.claims import claim_line  # NumPy

    if told["unit"] is None:
        print_line(console, f"privacy: {told['statement']}")
        return
    ledger = cast("Fields", told["ledger"])
    place = f"{told['releases']:,} releases, ledger at row {ledger['row']}"
    print_line(console, f"privacy: {claim_line(told)}; {place}")


def _bound(claim: "PrivacySection") -> str:
    if claim.clip.fixed is not None:
        return f"clipping norm {claim.clip.fixed.norm:g}"
    return "a clipping norm that follows a quantile"


def _noise(claim: "PrivacySection") -> str:
    noise = claim.noise.value()
    kind = "independent" if claim.noise.independent is not None else "correlated"
    return f"{kind} noise of multiplier {noise.noise_multiplier:g}"
