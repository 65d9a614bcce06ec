"""Weak derivatives: every row of the table as an identity of densities, as exact expectations, and as what is drawn."""

import math
from collections.abc import Callable

import pytest
import torch
from stats import check_mean
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Binomial,
    Categorical,
    Distribution,
    Exponential,
    Gamma,
    Geometric,
    Laplace,
    NegativeBinomial,
    Normal,
    Poisson,
    Uniform,
    Weibull,
)

from arzhang.errors import UsageError
from arzhang.gradients import MeasureValued, WeakPair, expectation, per_sample_gradients, register_weak_derivative

N = 200_000


def f64(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


COUNTS = torch.arange(400, dtype=torch.float64)
GRID = torch.linspace(1e-9, 60, 600_001, dtype=torch.float64)
LINE = torch.linspace(-30, 30, 600_001, dtype=torch.float64)


def weibull(z: Tensor) -> Tensor:
    """Density of Weibull(2, √2), and 0 below 0."""
    return torch.where(z > 0, z * torch.exp(-(z**2) / 2), 0.0)


def maxwell(z: Tensor) -> Tensor:
    return z**2 * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def p(dist: Distribution) -> Callable[[Tensor], Tensor]:
    return lambda z: dist.log_prob(z).exp()


def shifted(dist: Distribution) -> Callable[[Tensor], Tensor]:
    """Density of X + 1."""
    return lambda z: torch.where(z >= 1, dist.log_prob((z - 1).clamp(min=0)).exp(), 0.0)


# name: (distribution of θ, θ, support, c, p⁺, p⁻), as the table of truths has them
a, b, α = 2.5, 1.5, 1.7
IDENTITIES: dict[str, tuple[Callable[[Tensor], Distribution], float, Tensor, float, Callable, Callable]] = {
    "Bernoulli": (lambda t: Bernoulli(t), 0.3, f64(0, 1), 1, lambda z: (z == 1).double(), lambda z: (z == 0).double()),
    "Poisson": (lambda t: Poisson(t), 2.5, COUNTS, 1, shifted(Poisson(f64(2.5))), p(Poisson(f64(2.5)))),
    "Normal mean": (
        lambda t: Normal(t, 0.8),
        0.4,
        LINE,
        1 / (0.8 * math.sqrt(2 * math.pi)),
        lambda z: weibull((z - 0.4) / 0.8) / 0.8,
        lambda z: weibull((0.4 - z) / 0.8) / 0.8,
    ),
    "Normal scale": (
        lambda t: Normal(0.4, t),
        0.8,
        LINE,
        1 / 0.8,
        lambda z: maxwell((z - 0.4) / 0.8) / 0.8,
        p(Normal(f64(0.4), 0.8)),
    ),
    "Exponential": (lambda t: Exponential(t), b, GRID, 1 / b, p(Exponential(f64(b))), p(Gamma(f64(2.0), b))),
    "Gamma": (lambda t: Gamma(a, t), b, GRID, a / b, p(Gamma(f64(a), b)), p(Gamma(f64(a + 1), b))),
    # θ is the rate of x^α: torch's scale is θ^(−1/α); the density of G^(1/α), G ∼ Gamma(2, θ), is Gamma(x^α)·α·x^(α−1)
    "Weibull": (
        lambda t: Weibull(t ** (-1 / α), α),
        b,
        GRID[1:],
        1 / b,
        p(Weibull(f64(b ** (-1 / α)), α)),
        lambda z: Gamma(f64(2.0), b).log_prob(z**α).exp() * α * z ** (α - 1),
    ),
    "Binomial": (
        lambda t: Binomial(5, t),
        0.3,
        COUNTS[:6],
        5,
        shifted(Binomial(4, f64(0.3), validate_args=False)),
        lambda z: torch.where(z <= 4, Binomial(4, f64(0.3)).log_prob(z.clamp(max=4)).exp(), 0.0),
    ),
    # torch's NegativeBinomial(n, probs) has probs = 1 − p
    "Geometric": (
        lambda t: Geometric(t),
        0.3,
        COUNTS,
        1 / 0.3,
        p(Geometric(f64(0.3))),
        shifted(NegativeBinomial(f64(2.0), 1 - 0.3)),
    ),
}


@pytest.mark.parametrize("row", IDENTITIES)
def test_the_table_is_an_identity_of_densities(row: str) -> None:
    make, at, support, c, plus, minus = IDENTITIES[row]
    θ = torch.full_like(support, at).requires_grad_()
    (derivative,) = torch.autograd.grad(make(θ).log_prob(support).exp().sum(), θ)
    torch.testing.assert_close(c * (plus(support) - minus(support)), derivative, rtol=1e-9, atol=1e-12)


def test_the_rows_with_point_masses() -> None:
    """Uniform(0, θ): 1/θ·[f(θ) − E f], the derivative of the mean of f over (0, θ); Categorical: f(k) − E f."""
    θ = f64(1.7).requires_grad_()
    mean = (1 - torch.cos(θ)) / θ + θ**2 / 24  # E f, f = sin z + z²/8
    (derivative,) = torch.autograd.grad(mean, θ)
    torch.testing.assert_close((wave(θ) - mean).detach() / θ.detach(), derivative, rtol=1e-13, atol=0)
    p, levels = f64(0.2, 0.5, 0.3).requires_grad_(), wave(torch.arange(3))
    mean = (Categorical(p).probs * levels).sum()  # through p/Σp: along the simplex
    (derivative,) = torch.autograd.grad(mean, p)
    torch.testing.assert_close(levels - mean.detach(), derivative, rtol=1e-13, atol=1e-15)


def test_couplings_are_those_of_the_table() -> None:
    """Shared draws, pair by pair; those that are independent are not correlated. Planted: 0.05 in the correlation."""
    from arzhang.gradients.weak import weak_derivative

    many = torch.full((N,), 0.4, dtype=torch.float64)

    def pair(dist: Distribution, name: str, coupling: str) -> WeakPair:
        torch.manual_seed(4)
        return weak_derivative(dist, name, coupling)[1](dist)

    for dist, name in ((Poisson(many), "rate"), (Binomial(5, many), "probs")):
        _, one, other = pair(dist, name, "shared")
        assert torch.equal(one, other + 1)
    _, one, other = pair(Geometric(many), "probs", "shared")
    assert bool((other >= one + 1).all())
    for dist in (Exponential(many), Gamma(3 * many, many)):  # p⁻ = p⁺ + an independent Exp(rate)
        _, one, other = pair(dist, "rate", "shared")
        check_mean(other - one, 1 / 0.4, planted=0.1)
        check_mean((other - one) * one, one.mean() / 0.4, planted=0.3)
    _, one, other = pair(Weibull(many, 2 * many), "scale", "shared")
    assert bool((one > other).all())  # Gamma(2) is Exp plus Exp
    _, one, other = pair(Normal(0 * many, many), "loc", "shared")
    assert torch.equal(one, -other)
    _, one, other = pair(Normal(0 * many, many), "loc", "antithetic")
    torch.testing.assert_close(torch.exp(-((one / 0.4) ** 2) / 2) + torch.exp(-((other / 0.4) ** 2) / 2), 0 * many + 1)
    _, one, other = pair(Normal(0 * many, many), "scale", "shared")  # M and M·U
    ratio = other / one
    assert bool(((ratio >= 0) & (ratio < 1)).all())
    check_mean(ratio, 0.5, planted=0.02)
    for dist, name in (
        (Poisson(many), "rate"),
        (Geometric(many), "probs"),
        (Exponential(many), "rate"),
        (Normal(0 * many, many), "loc"),
        (Normal(0 * many, many), "scale"),
    ):
        _, one, other = pair(dist, name, "independent")
        check_mean((one - one.mean()) * (other - other.mean()) / (one.std() * other.std()), 0.0, planted=0.05)


# name: (parameter values, distribution, f, exact E[f] as a differentiable function of the parameters)
def over(support: Tensor) -> Callable[[Distribution, Callable], Tensor]:
    return lambda d, f: (d.log_prob(support.unsqueeze(-1)).exp() * f(support.unsqueeze(-1))).sum(0)


def on_grid(grid: Tensor) -> Callable[[Distribution, Callable], Tensor]:
    def integral(d: Distribution, f: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.trapezoid(d.log_prob(grid.unsqueeze(-1)).exp() * f(grid.unsqueeze(-1)), grid, dim=0)

    return integral


def of_uniform(d: Distribution, f: Callable[[Tensor], Tensor]) -> Tensor:
    u = torch.linspace(0, 1, 20_001, dtype=torch.float64).unsqueeze(-1)
    return torch.trapezoid(f(d.low + (d.high - d.low) * u), u.squeeze(-1), dim=0)


def wave(z: Tensor) -> Tensor:
    z = z.double()
    return torch.sin(z) + z**2 / 8


Case = tuple[Callable[..., Distribution], dict[str, Tensor], Callable[[Distribution, Callable], Tensor]]
CASES: dict[str, Case] = {
    "Bernoulli probs": (lambda probs: Bernoulli(probs=probs), {"probs": f64(0.2, 0.7)}, over(COUNTS[:2])),
    "Bernoulli logits": (lambda logits: Bernoulli(logits=logits), {"logits": f64(-1.0, 0.5)}, over(COUNTS[:2])),
    "Binomial probs": (lambda probs: Binomial(5, probs=probs), {"probs": f64(0.2, 0.7)}, over(COUNTS[:6])),
    "Binomial logits": (lambda logits: Binomial(5, logits=logits), {"logits": f64(-1.0, 0.5)}, over(COUNTS[:6])),
    "Binomial of one": (lambda probs: Binomial(1, probs=probs), {"probs": f64(0.2, 0.7)}, over(COUNTS[:2])),
    "Poisson rate": (lambda rate: Poisson(rate), {"rate": f64(0.8, 2.5)}, over(COUNTS[:100])),
    "Geometric probs": (lambda probs: Geometric(probs=probs), {"probs": f64(0.3, 0.7)}, over(COUNTS)),
    "Geometric logits": (lambda logits: Geometric(logits=logits), {"logits": f64(-0.5, 0.5)}, over(COUNTS)),
    "Normal both": (Normal, {"loc": f64(0.5, -1.0), "scale": f64(0.8, 1.2)}, on_grid(LINE)),
    "Exponential rate": (Exponential, {"rate": f64(0.8, 2.5)}, on_grid(GRID)),
    "Gamma rate": (lambda rate: Gamma(f64(2.5, 1.8), rate), {"rate": f64(0.8, 2.5)}, on_grid(GRID)),
    "Weibull scale": (lambda scale: Weibull(scale, f64(1.7, 2.5)), {"scale": f64(0.8, 2.0)}, on_grid(GRID)),
    "Uniform both": (Uniform, {"low": f64(-0.5, 1.0), "high": f64(0.8, 3.0)}, of_uniform),
}


@pytest.mark.parametrize("coupling", ["independent", "shared"])
@pytest.mark.parametrize("case", CASES)
def test_every_row_gives_the_derivative_of_the_exact_expectation(case: str, coupling: str) -> None:
    """In the parameter that the user gave, f = sin z + z²/8. Planted: a tenth of the samples' standard deviation."""
    make, values, exact = CASES[case]
    values = {name: value.clone().requires_grad_() for name, value in values.items()}
    truth = torch.autograd.grad(exact(make(**values), wave).sum(), list(values.values()))
    generator = torch.Generator().manual_seed(11)
    estimator = MeasureValued(coupling)
    samples = per_sample_gradients(wave, make(**values), estimator=estimator, n=N, generator=generator)
    assert list(samples) == list(values)
    for name, expected in zip(values, truth, strict=True):
        for i in range(2):
            σ = samples[name][:, i].std().item()
            check_mean(samples[name][:, i], expected[i], planted=max(0.1 * σ, 1e-6))


@pytest.mark.parametrize("name", ["probs", "logits"])
def test_categorical_along_the_simplex(name: str) -> None:
    """∂/∂p_k through p/Σp is f(k) − E f, also by logits. Planted: a tenth of the standard deviation, or 1e-6."""
    p = f64(0.2, 0.5, 0.3)
    given = (p if name == "probs" else p.log() + 2).requires_grad_()
    levels = wave(torch.arange(3))
    samples = per_sample_gradients(
        wave, Categorical(**{name: given}), estimator=MeasureValued(), n=N, generator=torch.Generator().manual_seed(2)
    )[name]
    with torch.no_grad():
        truth = levels - (p * levels).sum() if name == "probs" else p * (levels - (p * levels).sum())
    for k in range(3):
        check_mean(samples[:, k], truth[k], planted=max(0.1 * samples[:, k].std().item(), 1e-6))


def test_users_add_their_own() -> None:
    """Laplace in its location: 1/(2b)·[Exp above μ − Exp below μ]. Planted: 0.02."""
    with pytest.raises(
        UsageError, match=r"no weak derivative of Laplace in loc.*Available here: Pathwise, ScoreFunction"
    ):
        expectation(wave, Laplace(f64(0.5).requires_grad_(), 1.0), estimator=MeasureValued())

    @register_weak_derivative(Laplace, "loc")
    def laplace(dist: Laplace) -> WeakPair:
        y = Exponential(1 / dist.scale).sample()
        # ∂_μ exp(−|z − μ|/b)/2b = sign(z − μ)/b · p(z) = 1/2b · [Exp(1/b) above μ − Exp(1/b) below μ]
        return WeakPair(1 / (2 * dist.scale), dist.loc + y, dist.loc - y)

    try:
        μ = f64(0.5).requires_grad_()
        samples = per_sample_gradients(
            wave, Laplace(μ, 0.7), estimator=MeasureValued(), n=N, generator=torch.Generator().manual_seed(3)
        )["loc"]
        (truth,) = torch.autograd.grad(on_grid(LINE)(Laplace(μ, 0.7), wave).sum(), μ)
        check_mean(samples, truth, planted=0.02)
    finally:
        from arzhang.gradients import weak

        weak._registry.pop((Laplace, "loc", "shared"))


def test_a_coupling_that_does_not_exist_names_those_that_do() -> None:
    dist = Normal(0.0, torch.ones((), requires_grad=True))
    with pytest.raises(UsageError, match=r"Normal in scale.*antithetic.*scale \(independent\), scale \(shared\)"):
        expectation(wave, dist, estimator=MeasureValued("antithetic"))


def test_draws_follow_what_the_table_names() -> None:
    """E[W] = √(π/2), E[|M|] = 2√(2/π), E[M²] = 3, E[(MU)²] = 1. Planted: 0.02."""
    from arzhang.gradients.weak import weak_derivative

    dist = Normal(torch.zeros(N, dtype=torch.float64), torch.ones(N, dtype=torch.float64))
    torch.manual_seed(0)
    for coupling in ("independent", "shared", "antithetic"):
        pair = weak_derivative(dist, "loc", coupling)[1](dist)
        check_mean(pair.positive, math.sqrt(math.pi / 2), planted=0.02)
        check_mean(-pair.negative, math.sqrt(math.pi / 2), planted=0.02)
    for coupling in ("independent", "shared"):
        pair = weak_derivative(dist, "scale", coupling)[1](dist)
        check_mean(pair.positive.abs(), 2 * math.sqrt(2 / math.pi), planted=0.02)
        check_mean(pair.positive, 0.0, planted=0.05)
        check_mean(pair.positive**2, 3.0, planted=0.1)
        check_mean(pair.negative**2, 1.0, planted=0.05)
