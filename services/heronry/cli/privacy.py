"""`heronry privacy`: plan a budget before a run, look after it while it lasts, prove it afterwards."""

import typer

from heronry.cli.access import reaches_service
from heronry.cli.privacy_audit import audit
from heronry.cli.privacy_ledger import export, verify
from heronry.cli.privacy_plan import plan
from heronry.cli.privacy_status import status

HELP = "Plan differential privacy, see what is claimed and spent, audit it, verify and export the ledger."
app = typer.Typer(name="privacy", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def privacy() -> None:
    """Plan differential privacy, see what is claimed and spent, audit it, verify and export the ledger."""


app.command("plan")(plan)
app.command("status")(reaches_service(status))
app.command("audit")(reaches_service(audit))
app.command("verify")(verify)
app.command("export")(export)
