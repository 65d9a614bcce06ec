"""What the gradient study's curves must be: d/dμ E[f(z)], z ∼ N(μ, σ²), and the estimators' variances."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float64
from torch import Tensor

from arzhang.gradients import Estimator, FiniteDifference, MeasureValued, Pathwise, ScoreFunction

F = Callable[[Tensor], Tensor]
Means = Float64[Tensor, " means"]

POINTS = 20_000
TOLERANCE = 0.02  # an integral that half as many points change by more, of its largest, does not converge
LEAST = 1e-20  # below that it is zero, and rounding is all that is left of it


def _midpoints(low: float, high: float, points: int) -> tuple[Tensor, float]:
    """The middles of equal cells, and a cell's width: none of them at 0, where an f such as log|z| has its pole."""
    width = (high - low) / points
    return (low + width * (torch.arange(points, dtype=torch.float64) + 0.5)).unsqueeze(-1), width


def _normal(points: int) -> tuple[Tensor, Tensor]:
    """(nodes, weights) for E over N(0, 1): for smooth f exact to rounding, for steps to a cell's width."""
    x, width = _midpoints(-12, 12, points)
    return x, torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * width


def _weibull(points: int) -> tuple[Tensor, Tensor]:
    """The same for Weibull(2, √2), density w·exp(−w²/2); exact to 10⁻⁷."""
    w, width = _midpoints(0, 12, points)
    return w, w * torch.exp(-(w**2) / 2) * width


def _uniform(points: int) -> tuple[Tensor, Tensor, Tensor]:
    """For u on (0, 1), (log u, log(1−u), weights): by u = 1/(1 + e^−x), which tames the logarithms at both ends."""
    x, width = _midpoints(-45, 45, points)
    low, high = torch.nn.functional.logsigmoid(x), torch.nn.functional.logsigmoid(-x)
    return low, high, torch.exp(low + high) * width


def _settled(integral: Callable[[int], Tensor]) -> Tensor | None:
    """The integral by all points; None where it does not converge."""
    fine, coarse = integral(POINTS), integral(POINTS // 2)
    if not fine.isfinite().all() or (fine - coarse).abs().max() > TOLERANCE * fine.abs().max() + LEAST:
        return None
    return fine


def gradient(f: F, μ: Means, σ: float) -> Means | None:
    """E[f(z) (z − μ)/σ²], or None where there is none."""

    def integral(points: int) -> Tensor:
        x, weight = _normal(points)
        one = weight * f(μ + σ * x) * x / σ
        return torch.stack([one.sum(0), one.abs().sum(0)])  # an expectation converges absolutely or not at all

    both = _settled(integral)
    return None if both is None else both[0]


def _spread(values: Tensor, weight: Tensor) -> Means:
    mean = (weight * values).sum(0)
    return (weight * (values - mean) ** 2).sum(0)


def variance(f: F, estimator: Estimator, μ: Means, σ: float) -> Means | None:
    """Var of a single-sample gradient in μ (of fitted baselines: in the limit of many samples), or None if unknown
    or infinite."""
    match estimator:
        case Pathwise(antithetic=False, sobol=False):
            return _settled(lambda points: _of_path(f, μ, σ, points))
        case ScoreFunction(baseline=None | "leave_one_out" | "optimal" | "delta" as baseline):
            return _settled(lambda points: _of_score(f, baseline, μ, σ, points))
        case MeasureValued(coupling=coupling):
            return _settled(lambda points: _of_pair(f, coupling, μ, σ, points))
        case FiniteDifference(step=h):
            return _settled(lambda points: _of_difference(f, h, μ, σ, points))
    return None


def _of_path(f: F, μ: Means, σ: float, points: int) -> Means:
    x, weight = _normal(points)
    z = (μ + σ * x).requires_grad_()
    values = f(z)
    if not values.requires_grad:
        return torch.zeros_like(μ)
    return _spread(torch.autograd.grad(values.sum(), z)[0], weight)


def _of_difference(f: F, h: float, μ: Means, σ: float, points: int) -> Means:
    x, weight = _normal(points)
    return _spread((f(μ + h + σ * x) - f(μ - h + σ * x)) / (2 * h), weight)


def _of_score(f: F, baseline: str | None, μ: Means, σ: float, points: int) -> Means:
    x, weight = _normal(points)
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


def _of_pair(f: F, coupling: str, μ: Means, σ: float, points: int) -> Means:
    c = 1 / (σ * math.sqrt(2 * math.pi))
    if coupling == "antithetic":
        low, high, weight = _uniform(points)
        return c**2 * _spread(f(μ + σ * (-2 * low).sqrt()) - f(μ - σ * (-2 * high).sqrt()), weight)
    w, weight = _weibull(points)
    above, below = f(μ + σ * w), f(μ - σ * w)
    if coupling == "shared":
        return c**2 * _spread(above - below, weight)
    return c**2 * (_spread(above, weight) + _spread(below, weight))
