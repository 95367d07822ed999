"""What `heronry privacy status` and the end of a run show of a claim."""

import io
import json
import math

import pytest
from rich.console import Console

from heronry.cli.privacy_status import show_status
from heronry.cli.run_claim import print_claim, print_spent
from heronry.spec import RunSpec
from heronry.types.claims import claim_fields, claim_line
from heronry.types.privacy import NeighbourRelation, PrivacyStatus, PrivacyUnit

TOLD = PrivacyStatus(
    has_claim=True,
    statement="Model 'policy': all published versions together are private. " * 4,
    mechanism="independent rounded Gaussian noise",
    unit=PrivacyUnit.CLIENT,
    relation=NeighbourRelation.ZERO_OUT_ONE,
    delta=1e-3,
    epsilon_limit=8.0,
    epsilon_spent=2.0,
    epsilon_after=8.5,
    accountant="PLD",
    num_releases=1200,
    clipping_norm=0.25,
    noise_multiplier=2.0,
    ledger_sequence=13,
    ledger_digest=bytes(range(32)),
)
CLAIM = {
    "unit": "client",
    "relation": "zero_out_one",
    "population": 10,
    "delta": 1e-3,
    "epsilon_limit": 8.0,
    "clip": {"fixed": {"norm": 1.5}},
    "noise": {"independent": {"noise_multiplier": 12.0, "sampler": "rounded_gaussian", "is_amplified": False}},
    "publishes_returns": True,
}


def console(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, highlight=False)


def shown(told: PrivacyStatus, clients: list[dict[str, object]] | None = None) -> list[str]:
    screen = console()
    show_status(screen, {**claim_fields("policy", told), "clients": clients})
    return screen.file.getvalue().splitlines()


def test_a_claim_is_told_in_words_folded_to_the_terminal_and_in_figures() -> None:
    lines = shown(TOLD)

    assert lines[0].startswith("Model 'policy'")
    assert max(map(len, lines)) <= 80
    assert "  epsilon: 2.0000 of 8 is spent  [######..................] 25 %" in lines
    assert "  the next release makes it 8.5000 and is refused (by PLD)" in lines
    assert "  releases: 1,200; noise multiplier: 2; clipping norm: 0.25" in lines
    assert "  ledger: row 13, digest 0001020304050607" in lines


def test_clients_have_a_row_each() -> None:
    lines = shown(TOLD, [{"client": "a\x1b[2J", "contributions": 3, "last_release": 7, "epsilon_spent": 1.5}])

    assert lines[-1].split() == ["a\\x1b[2J", "3", "7", "1.5000"]


def test_clients_without_charges_of_their_own_are_said_to_have_none() -> None:
    assert "no client is charged for itself" in shown(TOLD, [])[-1]


def test_a_model_without_a_claim_says_so_and_nothing_more() -> None:
    assert shown(PrivacyStatus(False, "none"), []) == ["model policy: no claim of differential privacy is made"]


def test_an_unbounded_epsilon_is_told_and_fits_into_json() -> None:
    void = PrivacyStatus(**{**vars(TOLD), "epsilon_spent": math.inf, "is_void": True, "has_claim": False})
    fields = claim_fields("policy", void)

    assert json.loads(json.dumps(fields, allow_nan=False))["epsilon_spent"] is None
    assert claim_line(fields).startswith("VOID (deterministic noise): epsilon unbounded of 8 spent")
    assert "100 %" in "".join(shown(void))


def test_a_run_says_what_it_will_claim_and_what_not() -> None:
    screen = console(400)

    print_claim(screen, RunSpec.from_dict({"environment": {"id": "E"}, "max_env_steps": 256, "privacy": CLAIM}))

    first, second = screen.file.getvalue().splitlines()
    assert "for one client (zero_out_one): epsilon at most 8 at delta 0.001" in first
    assert "clipping norm 1.5, independent noise of multiplier 12" in first
    assert "outside of the claim: returns and losses, which this run shows" in second


def test_a_run_without_a_claim_says_nothing_of_privacy() -> None:
    screen = console()

    print_claim(screen, RunSpec.from_dict({"environment": {"id": "E"}}))
    print_spent(screen, {"privacy": None})

    assert screen.file.getvalue() == ""


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (TOLD, "privacy: epsilon 2.0000 of 8 spent at delta 0.001, unit client"),
        (PrivacyStatus(False, "what was spent is not known: away"), "privacy: what was spent is not known: away"),
    ],
)
def test_a_run_says_what_it_has_spent_or_that_nobody_knows(told: PrivacyStatus, words: str) -> None:
    screen = console(400)

    print_spent(screen, {"privacy": claim_fields("policy", told)})

    assert screen.file.getvalue().startswith(words)
