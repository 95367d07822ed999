"""Accounting: events, what they spend, budgets, plans. dp-accounting is loaded by what needs it, when it does."""

from heronry.privacy.accounting.accountant import Accountant, AccountantName, Spent
from heronry.privacy.accounting.amplified import CohortsWithoutReplacement, PoissonCohorts, TruncatedPoissonCohorts
from heronry.privacy.accounting.budget import Budget
from heronry.privacy.accounting.closed_form import gaussian_epsilon, gaussian_noise_multiplier
from heronry.privacy.accounting.events import (
    Event,
    event_from_document,
    event_to_document,
    gaussian,
    new_event,
    repeated,
)
from heronry.privacy.accounting.library import INSTALL_LINE, load_library
from heronry.privacy.accounting.mechanism import Mechanism
from heronry.privacy.accounting.planning import Plan, PlannedBound, plan
from heronry.privacy.accounting.skellam import SkellamDpEvent, skellam_rdp
from heronry.privacy.accounting.unamplified import (
    CorrelatedHorizons,
    FixedCohorts,
    LocalNoise,
    SkellamShares,
    TreeHorizons,
)

__all__ = [
    "INSTALL_LINE",
    "Accountant",
    "AccountantName",
    "Budget",
    "CohortsWithoutReplacement",
    "CorrelatedHorizons",
    "Event",
    "FixedCohorts",
    "LocalNoise",
    "Mechanism",
    "Plan",
    "PlannedBound",
    "PoissonCohorts",
    "SkellamDpEvent",
    "SkellamShares",
    "Spent",
    "TreeHorizons",
    "TruncatedPoissonCohorts",
    "event_from_document",
    "event_to_document",
    "gaussian",
    "gaussian_epsilon",
    "gaussian_noise_multiplier",
    "load_library",
    "new_event",
    "plan",
    "repeated",
    "skellam_rdp",
]
