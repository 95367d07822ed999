"""`heronry privacy audit`: try to refute a claim by canaries, at the live mechanism."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, cast

import typer

from heronry.cli.access import Access
from heronry.cli.output import console_for, print_json
from heronry.cli.screen import print_line

if TYPE_CHECKING:
    from rich.console import Console

Fields = Mapping[str, object]
_REFUTED_EXIT_CODE = 1

Like = Annotated[
    str, typer.Option("--like", metavar="MODEL", help="Take the claim of a model of the service; its budget stays.")
]
Mechanism = Annotated[
    str, typer.Option("--mechanism", help="fixed, poisson, without-replacement, correlated or tree; not with --like.")
]
Noise = Annotated[
    float | None, typer.Option("--noise-multiplier", metavar="Z", help="Noise over one client's bound; needed.")
]
Delta = Annotated[float | None, typer.Option("--delta", help="Of the claim; needed.")]
Rounds = Annotated[int | None, typer.Option("--rounds", metavar="T", help="Releases; otherwise 1, with --like 8.")]
Rate = Annotated[float | None, typer.Option("--sampling-rate", metavar="Q", help="poisson: needed.")]
Cohort = Annotated[int | None, typer.Option("--cohort", metavar="K", help="without-replacement: needed.")]
Participations = Annotated[
    int | None, typer.Option("--participations", help="correlated: releases of a canary; otherwise 1.")
]
Separation = Annotated[int, typer.Option("--separation", min=1, help="correlated: releases from one to the next.")]
Buffers = Annotated[int, typer.Option("--buffers", min=1, max=8, help="correlated: vectors of its state.")]
Canaries = Annotated[int, typer.Option("--canaries", metavar="M", min=2, max=100_000, help="Clients that it plays.")]
Guesses = Annotated[int, typer.Option("--guesses", metavar="R", min=1, help="Canaries that are guessed of.")]
IsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def audit(
    access: Access,
    like: Like = "",
    mechanism: Mechanism = "",
    noise_multiplier: Noise = None,
    delta: Delta = None,
    rounds: Rounds = None,
    sampling_rate: Rate = None,
    cohort: Cohort = None,
    participations: Participations = None,
    separation: Separation = 1,
    buffers: Buffers = 4,
    canaries: Canaries = 200,
    guesses: Guesses = 50,
    is_json: IsJson = False,
) -> None:
    """Bound epsilon from below, in one run with canaries; ends with 1 when the bound is above the claim.

    The canaries contribute to a model of the audit's own, with a budget of its own, which is dropped afterwards; at a
    service that is started for it, unless --address or --like name one.
    """
    from heronry.cli.privacy_audit_claim import AuditFlags  # NumPy
    from heronry.cli.privacy_audit_run import audit_fields  # grpc is slow to load

    flags = AuditFlags(
        mechanism, noise_multiplier, delta, rounds, sampling_rate, cohort, participations, separation, buffers
    )
    fields = audit_fields(access, like, flags, canaries, guesses)
    show_audit(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)
    if fields["is_refuted"]:
        raise typer.Exit(_REFUTED_EXIT_CODE)


def show_audit(console: "Console", found: Fields) -> None:
    """Print what was done, the two epsilons, and what they say."""
    print_line(console, f"{found['mechanism']}; delta {found['delta']:g}, relation {found['relation']}")
    done = f"{found['canaries']:,} canaries, {found['included']:,} of them there, in releases: {found['releases']:,}"
    print_line(console, f"  {done}; {found['right']:,} of {found['guesses']:,} guesses are right")
    confidence, epsilon = cast("float", found["confidence"]), cast("float | None", found["epsilon_claimed"])
    claimed = "unbounded" if epsilon is None else f"{epsilon:.4f}"
    bound = f"epsilon is at least {found['epsilon_bound']:.4f} (with {confidence:.0%} confidence)"
    print_line(console, f"  {bound}; claimed: {claimed}")
    if found["is_void"]:
        print_line(console, "  the service makes deterministic noise, for tests: it claims nothing")
    verdict = "REFUTED: the claim does not hold" if found["is_refuted"] else "not refuted"
    most = cast("float", found["epsilon_bound_most"])
    print_line(console, f"  {verdict}; so many guesses refute up to {most:.4f}")
