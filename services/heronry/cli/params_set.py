"""`heronry params set`: its options, by the part of a model's settings that each belongs to."""

from collections.abc import Mapping
from typing import Annotated, cast

import typer

from heronry.cli.access import Access
from heronry.cli.output import console_for, print_json
from heronry.cli.screen import print_line
from heronry.cli.usage import MAX_COUNT, MAX_SMALL_COUNT


def _count(minimum: int, text: str, maximum: int = MAX_SMALL_COUNT) -> object:
    return typer.Option(min=minimum, max=maximum, help=text)


def set_(
    access: Access,
    model: Annotated[str, typer.Argument(help="The model.")],
    cohort_size: Annotated[int | None, _count(1, "Synchronous: contributions that close a round.")] = None,
    quorum: Annotated[int | None, _count(1, "Synchronous: fewest that close it at its deadline.")] = None,
    deadline: Annotated[float | None, typer.Option(help="Synchronous: seconds a round is open.")] = None,
    num_extra: Annotated[int | None, _count(0, "Synchronous: workers invited above the cohort.")] = None,
    min_workers: Annotated[int | None, _count(1, "Synchronous: leases before a cohort is drawn.")] = None,
    late: Annotated[str | None, typer.Option(help="Synchronous: refuse or keep what comes too late.")] = None,
    num_contributions: Annotated[int | None, _count(1, "Buffered: contributions that make a version.")] = None,
    max_lead: Annotated[int | None, _count(0, "Stale-synchronous: how far ahead a worker may be.", MAX_COUNT)] = None,
    max_staleness: Annotated[int | None, _count(0, "Versions a contribution's base may lie behind.", MAX_COUNT)] = None,
    staleness_exponent: Annotated[
        float | None, typer.Option(help="Contributions count (1 + staleness) ** -exponent.")
    ] = None,
    max_norm: Annotated[float | None, typer.Option(help="Largest L2 norm of a contribution; 0: no bound.")] = None,
    max_weight: Annotated[float | None, typer.Option(help="Largest weight of a contribution.")] = None,
    requires_lease: Annotated[bool | None, typer.Option(help="Only workers with a lease may contribute.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the server's optimiser.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Of SGD.")] = None,
    beta1: Annotated[float | None, typer.Option(help="Of Adam and Yogi.")] = None,
    beta2: Annotated[float | None, typer.Option(help="Of Adam and Yogi.")] = None,
    epsilon: Annotated[float | None, typer.Option(help="Of Adam, Yogi and Adagrad.")] = None,
    group: Annotated[str, typer.Option(help="Figures of the optimiser are those of this group of tensors.")] = "",
    mixing_rate: Annotated[float | None, typer.Option(help="Of mixing.")] = None,
    versions_kept: Annotated[int | None, _count(1, "Versions kept beside the tagged ones.")] = None,
    is_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Change figures of a live model; what is not given stays. Without any, list what can be set.

    Mode, rule and kind of optimiser stay in any case.
    """
    from heronry.cli.params_changes import Figures, late_policy, refuse_no_figure, set_figures  # grpc is slow to load
    from heronry.cli.params_tables import show_settings  # as above

    consistency = {
        "cohort_size": cohort_size,
        "quorum": quorum,
        "deadline_s": deadline,
        "num_extra": num_extra,
        "min_workers": min_workers,
        "late": None if late is None else late_policy(late),
        "num_contributions": num_contributions,
        "max_lead": max_lead,
        "max_staleness": max_staleness,
        "staleness_exponent": staleness_exponent,
    }
    optimizer = {
        "learning_rate": learning_rate,
        "momentum": momentum,
        "beta1": beta1,
        "beta2": beta2,
        "epsilon": epsilon,
        "rate": mixing_rate,
    }
    limits = _given({"max_norm": max_norm, "max_weight": max_weight, "requires_lease": requires_lease})
    if max_norm == 0:
        limits["max_norm"] = None
    figures = Figures(_given(consistency), _given(optimizer), limits, versions_kept, group)
    if not figures:
        refuse_no_figure(console_for(is_json=True), access, model)
    fields = set_figures(access, model, figures)
    console = console_for(is_json=is_json)
    print_line(console, f"model {model}")
    show_settings(console, cast("Mapping[str, object]", fields["settings"]))
    if is_json:
        print_json(fields)


def _given(changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in changes.items() if value is not None}
