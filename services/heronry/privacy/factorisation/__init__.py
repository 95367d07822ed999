"""Correlated noise: strategy matrices, their sensitivities and their streaming recurrences.

A release is `X_t + (C^-1 Z)_t`: Gaussian noise `Z` is drawn once for a horizon, and the lower-triangular strategy
matrix `C` correlates it so that it nearly cancels out of the prefix sums, which is what a model's weights are.
"""

from heronry.privacy.factorisation.banded import BandedToeplitz
from heronry.privacy.factorisation.buffer_fit import fit_buffers
from heronry.privacy.factorisation.buffered import BufferedToeplitz
from heronry.privacy.factorisation.documents import strategy_from_document, strategy_to_document
from heronry.privacy.factorisation.prefix_errors import max_error, rms_error
from heronry.privacy.factorisation.recurrence import Draw, Recurrence, RecurrenceState
from heronry.privacy.factorisation.sensitivity import toeplitz_sensitivity
from heronry.privacy.factorisation.strategy import Strategy, noise_deviation, strategy_of
from heronry.privacy.factorisation.tree import TreeAggregation

__all__ = [
    "BandedToeplitz",
    "BufferedToeplitz",
    "Draw",
    "Recurrence",
    "RecurrenceState",
    "Strategy",
    "TreeAggregation",
    "fit_buffers",
    "max_error",
    "noise_deviation",
    "rms_error",
    "strategy_from_document",
    "strategy_of",
    "strategy_to_document",
    "toeplitz_sensitivity",
]
