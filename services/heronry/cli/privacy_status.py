"""`heronry privacy status`: a model's claim, and what is spent of it, asked of the service that keeps it."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, cast

import typer

from heronry.cli.access import Access
from heronry.cli.output import console_for, print_json
from heronry.cli.screen import print_line, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from heronry.types.privacy import ClientSpending

Fields = Mapping[str, object]
_DIGEST_SHOWN = 16
_BAR_WIDTH = 24


def status(
    access: Access,
    model: Annotated[str, typer.Argument(help="The model.")],
    has_clients: Annotated[bool, typer.Option("--clients", help="Tell what each client has spent.")] = False,
    is_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """State a model's claim, what is spent of its budget, and the newest row of the ledger."""
    fields = status_fields(access, model, has_clients=has_clients)
    show_status(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


def status_fields(access: Access, model: str, *, has_clients: bool) -> dict[str, object]:
    """Return a model's claim as JSON values; `clients` is None unless asked for."""
    from heronry.cli.params_service import AnyParamsClient, ask_params  # grpc is slow to load
    from heronry.types.claims import claim_fields

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        fields = claim_fields(model, await client.get_privacy_status(model))
        spendings = await client.list_client_spendings(model) if has_clients else None
        return {**fields, "clients": None if spendings is None else [_spending_fields(s) for s in spendings]}

    return ask_params(access, ask)


def show_status(console: "Console", told: Fields) -> None:
    """Print a claim in words, then its figures, a line each."""
    from heronry.types.claims import epsilon_text  # NumPy

    if told["unit"] is None:
        print_line(console, f"model {told['model']}: no claim of differential privacy is made")
    else:
        print_line(console, str(told["statement"]))
        _show_figures(console, told)
    clients = cast("Sequence[Fields] | None", told["clients"])
    if clients is not None and told["unit"] is not None:
        rows = [
            (str(c["client"]), f"{c['contributions']:,}", str(c["last_release"]), epsilon_text(c["epsilon_spent"]))
            for c in clients
        ]
        columns = ("client", "contributions", "last release", "epsilon")
        print_table(console, columns, rows, "no client is charged for itself: all pay together, or nobody has yet")


def _show_figures(console: "Console", told: Fields) -> None:
    from heronry.types.claims import epsilon_text  # NumPy

    limit = cast("float", told["epsilon_limit"])
    print_line(console, f"  unit: {told['unit']}; relation: {told['relation']}; delta: {told['delta']:g}")
    print_line(console, f"  epsilon: {epsilon_text(told['epsilon_spent'])} of {limit:g} is spent  {_bar(told)}")
    after = cast("float | None", told["epsilon_after"])
    verdict = " and is refused" if after is None or after > limit else ""
    by = f" (by {told['accountant']})" if told["epsilon_spent"] else ""
    print_line(console, f"  the next release makes it {epsilon_text(told['epsilon_after'])}{verdict}{by}")
    noise, norm = told["noise_multiplier"], told["clipping_norm"]
    print_line(console, f"  releases: {told['releases']:,}; noise multiplier: {noise:g}; clipping norm: {norm:.6g}")
    ledger = cast("Fields", told["ledger"])
    print_line(console, f"  ledger: row {ledger['row']}, digest {str(ledger['digest'])[:_DIGEST_SHOWN]}")


def _bar(told: Fields) -> str:
    """Return the share of the budget that is spent as a bar, in characters that every terminal has."""
    spent, limit = cast("float | None", told["epsilon_spent"]), cast("float", told["epsilon_limit"])
    share = 1.0 if spent is None else min(spent / limit, 1.0)
    full = round(share * _BAR_WIDTH)
    return f"[{'#' * full}{'.' * (_BAR_WIDTH - full)}] {100 * share:.0f} %"


def _spending_fields(spending: "ClientSpending") -> dict[str, object]:
    return {
        "client": spending.client_id,
        "contributions": spending.num_participations,
        "last_release": spending.last_release,
        "epsilon_spent": spending.epsilon_spent if math.isfinite(spending.epsilon_spent) else None,
    }
