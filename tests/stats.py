"""Bounds for what is random: from the central limit theorem, in float64, two-sided, with one failure rate for all.

The whole suite fails by chance once in 50,000 runs at most: `FAILURE_RATE`, shared evenly among `CHECKS` comparisons
(Bonferroni). A bound that could not fail would prove nothing, so each check also plants an error of a size that the
test states, and demands that the same bound rejects it.
"""

from statistics import NormalDist

import torch
from torch import Tensor

FAILURE_RATE = 2e-5
CHECKS = 4000  # numbers compared, in the whole suite; more than that is an error, not a wider bound

_compared = 0


def deviations() -> float:
    """How many standard errors an honest number may stray."""
    return NormalDist().inv_cdf(1 - FAILURE_RATE / CHECKS / 2)


def check_mean(samples: Tensor, truth: Tensor | float, *, planted: float) -> None:
    """The mean of independent samples (n, …) is `truth`; a mean that lies `planted` beside it would be noticed."""
    samples, truth = _prepared(samples, truth)
    error = samples.mean(0) - truth
    bound = deviations() * samples.std(0) / samples.shape[0] ** 0.5
    # What is constant has no error but that of rounding.
    bound = bound + 1e-10 * (1 + truth.abs())
    _judge(error, bound, planted, "mean")


def check_variance(samples: Tensor, truth: Tensor | float, *, planted: float) -> None:
    """The variance of independent samples (n, …) is `truth`; a variance `planted` times that beside it is noticed."""
    samples, truth = _prepared(samples, truth)
    square = (samples - samples.mean(0)) ** 2
    error = square.mean(0) - truth
    bound = deviations() * square.std(0) / samples.shape[0] ** 0.5 + 1e-10 * (1 + truth.abs())
    _judge(error, bound, planted * truth.clamp(min=1e-6), "variance")


def _prepared(samples: Tensor, truth: Tensor | float) -> tuple[Tensor, Tensor]:
    global _compared
    assert samples.dtype == torch.float64, "statistical bounds are for float64"
    assert samples.shape[0] >= 1000, "too few samples for the central limit theorem"
    truth = torch.as_tensor(truth, dtype=torch.float64).expand(samples.shape[1:])
    _compared += truth.numel()
    assert _compared <= CHECKS, "more comparisons than CHECKS: raise it, which widens every bound a little"
    return samples, truth


def _judge(error: Tensor, bound: Tensor, planted: float | Tensor, what: str) -> None:
    assert bool((error.abs() <= bound).all()), f"{what}: off by {error.tolist()}, allowed {bound.tolist()}"
    for sign in (1, -1):
        missed = ~((error + sign * planted).abs() > bound)
        assert not bool(missed.any()), f"{what}: the bound {bound.tolist()} would not notice an error of {planted}"
