"""`heronry privacy plan`: its flags."""

from typing import Annotated

import typer

from heronry.cli.output import console_for, print_json
from heronry.cli.privacy_mechanisms import MECHANISMS, Flags

Mechanism = Annotated[str, typer.Option("--mechanism", help=f"One of {', '.join(MECHANISMS)}.")]
Relation = Annotated[
    str,
    typer.Option(
        "--relation", help="add_or_remove_one, replace_one or zero_out_one; otherwise the mechanism's usual one."
    ),
]
Delta = Annotated[float | None, typer.Option("--delta", help="Of the claim; below 1 / clients.")]
Noise = Annotated[
    float | None, typer.Option("--noise-multiplier", metavar="Z", help="Noise over one client's bound: which epsilon?")
]
Target = Annotated[float | None, typer.Option("--target-epsilon", metavar="E", help="An epsilon: which noise?")]
Rounds = Annotated[int | None, typer.Option("--rounds", metavar="T", help="Releases of the whole run.")]
Rate = Annotated[
    float | None, typer.Option("--sampling-rate", metavar="Q", help="A client's chance to be in a round's cohort.")
]
Clients = Annotated[int | None, typer.Option("--clients", metavar="N", help="Clients there are.")]
Cohort = Annotated[
    int | None,
    typer.Option("--cohort", metavar="K", help="Clients a round, expected or fixed; what sums are divided by."),
]
Cap = Annotated[int | None, typer.Option("--cap", help="truncated-poisson: the largest cohort.")]
Participations = Annotated[
    int | None, typer.Option("--participations", help="Releases that one client takes part in; otherwise all rounds.")
]
Horizon = Annotated[
    int | None, typer.Option("--horizon", help="correlated, tree: releases paid for together; otherwise all rounds.")
]
Sensitivity = Annotated[
    float | None, typer.Option("--sensitivity", help="correlated: the strategy's sensitivity; otherwise 1.")
]
Parameters = Annotated[int | None, typer.Option("--parameters", metavar="P", help="distributed: the model's size.")]
IsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def plan(
    mechanism: Mechanism = "poisson",
    relation: Relation = "",
    delta: Delta = None,
    noise_multiplier: Noise = None,
    target_epsilon: Target = None,
    rounds: Rounds = None,
    sampling_rate: Rate = None,
    clients: Clients = None,
    cohort: Cohort = None,
    cap: Cap = None,
    participations: Participations = None,
    horizon: Horizon = None,
    sensitivity: Sensitivity = None,
    parameters: Parameters = None,
    is_json: IsJson = False,
) -> None:
    """Tell which epsilon a noise multiplier gives, or which noise an epsilon needs, by every sound accountant."""
    from heronry.cli.privacy_tables import plan_fields, show_plan  # NumPy, and dp-accounting when it is asked

    flags = Flags(rounds, sampling_rate, clients, cohort, cap, participations, horizon, sensitivity, parameters)
    fields = plan_fields(mechanism, relation, flags, delta, noise_multiplier, target_epsilon)
    show_plan(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)
