"""What the gradient study's curves must be: d/dμ E[f(z)], z ∼ N(μ, σ²), and the estimators' variances."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float64
from torch import Tensor

from arzhang.gradients import Estimator, FiniteDifference, MeasureValued, Pathwise, ScoreFunction

F = Callable[[Tensor], Tensor]
Means = Float64[Tensor, " means"]

POINTS = 20_001


def _normal() -> tuple[Tensor, Tensor]:
    """(nodes, weights) for E over N(0, 1): the trapezoidal rule, for smooth f exact to rounding."""
    x = torch.linspace(-12, 12, POINTS, dtype=torch.float64).unsqueeze(-1)
    return x, torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * (24 / (POINTS - 1))


def _weibull() -> tuple[Tensor, Tensor]:
    """The same for Weibull(2, √2), density w·exp(−w²/2)."""
    w = torch.linspace(0, 12, POINTS, dtype=torch.float64).unsqueeze(-1)
    return w, w * torch.exp(-(w**2) / 2) * (12 / (POINTS - 1))


def _uniform() -> tuple[Tensor, Tensor, Tensor]:
    """For u on (0, 1), (log u, log(1−u), weights): by u = 1/(1 + e^−x), which tames the logarithms at both ends."""
    x = torch.linspace(-45, 45, POINTS, dtype=torch.float64).unsqueeze(-1)
    low, high = torch.nn.functional.logsigmoid(x), torch.nn.functional.logsigmoid(-x)
    return low, high, torch.exp(low + high) * (90 / (POINTS - 1))


def gradient(f: F, μ: Means, σ: float) -> Means:
    """E[f(z) (z − μ)/σ²]."""
    x, weight = _normal()
    return (weight * f(μ + σ * x) * x).sum(0) / σ


def _spread(values: Tensor, weight: Tensor) -> Means:
    mean = (weight * values).sum(0)
    return (weight * (values - mean) ** 2).sum(0)


def variance(f: F, estimator: Estimator, μ: Means, σ: float) -> Means | None:
    """Var of a single-sample gradient in μ (of fitted baselines: in the limit of many samples), or None if unknown."""
    match estimator:
        case Pathwise(antithetic=False, sobol=False):
            x, weight = _normal()
            z = (μ + σ * x).requires_grad_()
            values = f(z)
            if not values.requires_grad:
                return torch.zeros_like(μ)
            return _spread(torch.autograd.grad(values.sum(), z)[0], weight)
        case ScoreFunction(baseline=None | "leave_one_out" | "optimal" | "delta" as baseline):
            return _of_score(f, baseline, μ, σ)
        case MeasureValued(coupling=coupling):
            return _of_pair(f, coupling, μ, σ)
        case FiniteDifference(step=h):
            x, weight = _normal()
            return _spread((f(μ + h + σ * x) - f(μ - h + σ * x)) / (2 * h), weight)
    return None


def _of_score(f: F, baseline: str | None, μ: Means, σ: float) -> Means:
    x, weight = _normal()
    values, score = f(μ + σ * x), x / σ
    if baseline == "leave_one_out":
        values = values - (weight * values).sum(0)
    elif baseline == "optimal":
        values = values - (weight * values * score**2).sum(0) / (weight * score**2).sum(0)
    elif baseline == "delta":
        at = μ.clone().requires_grad_()
        zero = 0 * at.sum()  # keeps a step, too, on autograd's graph
        (first,) = torch.autograd.grad(f(at).sum() + zero, at, create_graph=True)
        (second,) = torch.autograd.grad(first.sum() + zero, at)
        d = σ * x
        values = values - f(μ) - first.detach() * d - second / 2 * d**2
    return _spread(values * score, weight)


def _of_pair(f: F, coupling: str, μ: Means, σ: float) -> Means:
    c = 1 / (σ * math.sqrt(2 * math.pi))
    if coupling == "antithetic":
        low, high, weight = _uniform()
        return c**2 * _spread(f(μ + σ * (-2 * low).sqrt()) - f(μ - σ * (-2 * high).sqrt()), weight)
    w, weight = _weibull()
    above, below = f(μ + σ * w), f(μ - σ * w)
    if coupling == "shared":
        return c**2 * _spread(above - below, weight)
    return c**2 * (_spread(above, weight) + _spread(below, weight))
