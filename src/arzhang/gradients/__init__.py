"""The derivative of an expectation in its distribution's parameters, by any estimator that applies. (Assignment 1)"""

from arzhang.gradients.checks import Function
from arzhang.gradients.estimators import (
    Estimator,
    FiniteDifference,
    MeasureValued,
    Pathwise,
    ScoreFunction,
    ZeroGradientWarning,
)
from arzhang.gradients.expectation import expectation, per_sample_gradients
from arzhang.gradients.finite import Enumerate, GumbelSoftmax, StraightThrough
from arzhang.gradients.weak import Coupling, WeakPair, register_weak_derivative

__all__ = [
    "Coupling",
    "Enumerate",
    "Estimator",
    "FiniteDifference",
    "Function",
    "GumbelSoftmax",
    "MeasureValued",
    "Pathwise",
    "ScoreFunction",
    "StraightThrough",
    "WeakPair",
    "ZeroGradientWarning",
    "expectation",
    "per_sample_gradients",
    "register_weak_derivative",
]
