"""Audits: what can be refuted of a claim by looking at releases alone, at a stated confidence.

An audit bounds epsilon from below. A bound above the claimed epsilon proves that the claim does not hold; a bound below
it proves nothing, as an audit finds the faults only that its canaries and its guesses can see.
"""

from heronry.privacy.audit.bounds import one_run_epsilon, one_run_p_value
from heronry.privacy.audit.filters import matched_filter, noise_rows, scores_of
from heronry.privacy.audit.one_run import OneRunAudit, OneRunResult, audit_in_one_run
from heronry.privacy.audit.two_worlds import TwoWorlds, audit_two_worlds, two_worlds_epsilon

__all__ = [
    "OneRunAudit",
    "OneRunResult",
    "TwoWorlds",
    "audit_in_one_run",
    "audit_two_worlds",
    "matched_filter",
    "noise_rows",
    "one_run_epsilon",
    "one_run_p_value",
    "scores_of",
    "two_worlds_epsilon",
]
