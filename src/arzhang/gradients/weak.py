"""Weak derivatives: ∇_θ p(z; θ) = c · (p⁺(z) − p⁻(z)), with a constant c and two distributions one can draw from.

Then ∇_θ E_p[f] = c · (E_p⁺[f] − E_p⁻[f]), for an f that need not be differentiable. Users add their own with
`register_weak_derivative`. A *coupling* says how the two draws depend on one another: it changes the variance, never
the mean, and none is best for every f.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Binomial,
    Categorical,
    Distribution,
    Exponential,
    Gamma,
    Geometric,
    Normal,
    Poisson,
    Uniform,
    Weibull,
)

from arzhang.errors import UsageError
from arzhang.gradients.distributions import ALTERNATIVES, compact

Coupling = Literal["independent", "shared", "antithetic"]


class WeakPair(NamedTuple):
    """One draw from each side of c · (p⁺ − p⁻), all three of the shape of the parameter."""

    constant: Tensor
    positive: Tensor
    negative: Tensor


WeakDerivative = Callable[[Distribution], WeakPair]
W = TypeVar("W", bound=Callable[..., WeakPair])

_registry: dict[tuple[type[Distribution], str, str], WeakDerivative] = {}


def register_weak_derivative(
    distribution: type[Distribution], parameter: str, *, coupling: Coupling = "shared"
) -> Callable[[W], W]:
    """Adds the weak derivative of a distribution in one of its parameters; a later one takes the place of an earlier.

    The function takes a distribution with scalar events and gives a `WeakPair`, drawn with torch's own samplers, for
    each element of the parameter. Where only a coupled pair is registered, `"independent"` draws it twice and takes
    one side of each.

    >>> from torch.distributions import Poisson
    >>> @register_weak_derivative(Poisson, "rate")
    ... def poisson(dist):
    ...     x = dist.sample()
    ...     return WeakPair(torch.ones_like(dist.rate), x + 1, x)
    """

    def keep(function: W) -> W:
        _registry[distribution, parameter, coupling] = function
        return function

    return keep


def weak_derivative(dist: Distribution, parameter: str, coupling: Coupling) -> tuple[str, WeakDerivative]:
    """The decomposition for a parameter as the user gave it, and the name of the parameter that it differentiates.

    The two differ where only an alternative has one: for logits it is that of probs, and autograd does the rest.
    """
    kind = type(dist)
    names = [parameter, *(other for group in ALTERNATIVES if parameter in group for other in group)]
    for name in names:
        if (function := _registry.get((kind, name, coupling))) is not None:
            return name, function
        if coupling == "independent" and (coupled := _registry.get((kind, name, "shared"))) is not None:
            return name, _uncoupled(coupled)
    raise UsageError(
        f"no weak derivative of {kind.__name__} in {parameter} with the coupling "
        f"{coupling!r}; there is {_listed(kind)}; others can be added with register_weak_derivative"
    )


def _uncoupled(coupled: WeakDerivative) -> WeakDerivative:
    def pair(dist: Distribution) -> WeakPair:
        one, other = coupled(dist), coupled(dist)
        return WeakPair(one.constant, one.positive, other.negative)

    return pair


def _listed(kind: type[Distribution]) -> str:
    own = sorted({f"{name} ({coupling})" for k, name, coupling in _registry if k is kind})
    if own:
        return f"for {kind.__name__}: {', '.join(own)}"
    return "for " + ", ".join(sorted({f"{k.__name__} in {name}" for k, name, _ in _registry}))


# --- Discrete -------------------------------------------------------------------------------------------------------


@register_weak_derivative(Bernoulli, "probs")
def bernoulli_probs(dist: Bernoulli) -> WeakPair:
    """∇_p Ber(z; p) = δ₁(z) − δ₀(z)."""
    one = torch.ones_like(dist.probs)
    return WeakPair(one, one, torch.zeros_like(one))


@register_weak_derivative(Categorical, "probs")
def categorical_probs(dist: Categorical) -> WeakPair:
    """∇_{p_k} Cat(z; p / Σp) = δ_k(z) − Cat(z; p) at Σp = 1."""
    support = torch.arange(dist.probs.shape[-1], device=dist.probs.device)
    drawn = dist.sample().unsqueeze(-1)
    return WeakPair(torch.ones_like(dist.probs), support.expand(dist.probs.shape), drawn.expand(dist.probs.shape))


@register_weak_derivative(Poisson, "rate")
def poisson_rate(dist: Poisson) -> WeakPair:
    """∇_λ Poi(z; λ) = Poi(z − 1; λ) − Poi(z; λ)."""
    x = dist.sample()
    return WeakPair(torch.ones_like(dist.rate), x + 1, x)


@register_weak_derivative(Binomial, "probs")
def binomial_probs(dist: Binomial) -> WeakPair:
    """∇_p Bin(z; n, p) = n · [Bin(z − 1; n−1, p) − Bin(z; n−1, p)]."""
    n = dist.total_count.expand(dist.probs.shape).to(dist.probs.dtype)
    x = Binomial((n - 1).clamp(min=0), probs=dist.probs, validate_args=False).sample()
    return WeakPair(n, x + 1, x)


@register_weak_derivative(Geometric, "probs")
def geometric_probs(dist: Geometric) -> WeakPair:
    """∇_p Geo(z; p) = 1/p · [Geo(z; p) − NegBin(z − 1; 2, p)]; NegBin(2, p) is the sum of two Geo(p)."""
    x = dist.sample()
    return WeakPair(1 / dist.probs, x, 1 + x + dist.sample())


# --- Continuous -----------------------------------------------------------------------------------------------------


def _weibull(u: Tensor) -> Tensor:
    """W ∼ Weibull(shape 2, scale √2), density w·exp(−w²/2), from a uniform u."""
    return torch.neg(u).log1p_().mul_(-2).sqrt_()


def _about_mean(dist: Normal, above: Tensor, below: Tensor) -> WeakPair:
    # ∇_μ N(z; μ, σ²) = 1/(σ√2π) · [p⁺ − p⁻], z± = μ ± σW
    c = 1 / (compact(dist.scale) * math.sqrt(2 * math.pi))
    at = torch.addcmul(dist.loc, dist.scale, above), torch.addcmul(dist.loc, dist.scale, below, value=-1)
    return WeakPair(c.expand(dist.loc.shape), *at)


@register_weak_derivative(Normal, "loc", coupling="independent")
def normal_loc_independent(dist: Normal) -> WeakPair:
    """Assignment 1c, γ: ∇_μ N(z; μ, σ²) = 1/(σ√2π) · [p⁺ − p⁻], z⁺ = μ + σW⁺ and z⁻ = μ − σW⁻."""
    return _about_mean(dist, _weibull(torch.rand_like(dist.loc)), _weibull(torch.rand_like(dist.loc)))


@register_weak_derivative(Normal, "loc", coupling="shared")
def normal_loc_shared(dist: Normal) -> WeakPair:
    """The same, W⁺ = W⁻."""
    w = _weibull(torch.rand_like(dist.loc))
    return _about_mean(dist, w, w)


@register_weak_derivative(Normal, "loc", coupling="antithetic")
def normal_loc_antithetic(dist: Normal) -> WeakPair:
    """The same, W⁺ from u and W⁻ from 1 − u."""
    u = torch.rand_like(dist.loc).clamp_(min=torch.finfo(dist.loc.dtype).tiny)
    return _about_mean(dist, _weibull(u), (-2 * u.log()).sqrt())


def _maxwell(like: Tensor) -> Tensor:
    """M, double-sided Maxwell: density m²·exp(−m²/2)/√2π; |M| is the length of a normal vector in three dimensions."""
    ε = torch.randn_like(like)  # ε's sign says nothing of ε², so that it serves as M's
    return (ε**2 - 2 * torch.log1p(-torch.rand_like(like))).sqrt().copysign(ε)


@register_weak_derivative(Normal, "scale", coupling="independent")
def normal_scale_independent(dist: Normal) -> WeakPair:
    """∇_σ N(z; μ, σ²) = 1/σ · [p⁺ − N(z; μ, σ²)], z⁺ = μ + σM."""
    m = _maxwell(dist.loc)
    return WeakPair(1 / dist.scale, dist.loc + dist.scale * m, dist.loc + dist.scale * torch.randn_like(dist.loc))


@register_weak_derivative(Normal, "scale", coupling="shared")
def normal_scale_shared(dist: Normal) -> WeakPair:
    """The same: M·U is normal where U is uniform on (0, 1)."""
    m = _maxwell(dist.loc)
    return WeakPair(1 / dist.scale, dist.loc + dist.scale * m, dist.loc + dist.scale * m * torch.rand_like(m))


@register_weak_derivative(Exponential, "rate")
def exponential_rate(dist: Exponential) -> WeakPair:
    """∇_λ Exp(z; λ) = 1/λ · [Exp(z; λ) − Gamma(z; 2, λ)]; Gamma(2, λ) is the sum of two Exp(λ)."""
    x = dist.sample()
    return WeakPair(1 / dist.rate, x, x + dist.sample())


@register_weak_derivative(Gamma, "rate")
def gamma_rate(dist: Gamma) -> WeakPair:
    """∇_b Gamma(z; a, b) = a/b · [Gamma(z; a, b) − Gamma(z; a+1, b)]."""
    x = dist.sample()
    return WeakPair(dist.concentration / dist.rate, x, x + torch.empty_like(x).exponential_() / dist.rate)


@register_weak_derivative(Weibull, "scale")
def weibull_scale(dist: Weibull) -> WeakPair:
    """∇_s: in the rate θ = s^−α of z^α it is 1/θ · [W − Gamma(2, θ)^(1/α)]; dθ/ds = −αθ/s turns the sides around."""
    one, two = torch.empty_like(dist.scale).exponential_(), torch.empty_like(dist.scale).exponential_()
    root = 1 / dist.concentration
    return WeakPair(dist.concentration / dist.scale, dist.scale * (one + two) ** root, dist.scale * one**root)


@register_weak_derivative(Uniform, "high")
def uniform_high(dist: Uniform) -> WeakPair:
    """∇_b U(z; a, b) = 1/(b−a) · [δ_b − U(a, b)]."""
    return WeakPair(1 / (dist.high - dist.low), dist.high, dist.sample())


@register_weak_derivative(Uniform, "low")
def uniform_low(dist: Uniform) -> WeakPair:
    """∇_a U(z; a, b) = 1/(b−a) · [U(a, b) − δ_a]."""
    return WeakPair(1 / (dist.high - dist.low), dist.sample(), dist.low)
