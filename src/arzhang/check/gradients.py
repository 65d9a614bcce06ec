"""Problem 1: estimators of d/dμ E[f(z)], z ∼ N(μ, σ²), and their simulation."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from arzhang.check.code import Code, as_tensor
from arzhang.check.comparison import Sampled, compare, compare_means
from arzhang.check.findings import Finding, Stopped, right, wrong

Function = Callable[[Tensor], Tensor]

FUNCTIONS: dict[str, Function] = {
    "3z": lambda z: 3 * z,
    "z²": lambda z: z**2,
    "cos z": torch.cos,
    "exp(z/2)": lambda z: torch.exp(z / 2),
}
SETTINGS = ((0.5, 2.0), (-1.0, 0.5))
"""μ and σ; not 1, so that a forgotten σ shows."""
CALLS, PAIRS = 160, 150
"""Calls of an estimator that draws its own noise, and draws in each."""


def _places() -> list[tuple[str, Function, float, float]]:
    return [
        (f"f = {name}, μ = {mu:g}, σ = {sigma:g}", f, mu, sigma)
        for name, f in FUNCTIONS.items()
        for mu, sigma in SETTINGS
    ]


def _derivative(f: Function, z: Tensor) -> Tensor:
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        return torch.autograd.grad(f(z).sum(), z)[0]


def _noise(n: int = 7) -> Tensor:
    return torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def _averaged(exercise: str, user: Code, args: tuple, n: int, place: str) -> Tensor:
    """An estimate; named, where the samples were not averaged."""
    value = user(*args)
    found = as_tensor(value)
    if found is not None and found.shape == (n,):
        raise Stopped(f"{exercise}.not_averaged", n=n)
    return user.numbers(value, (), place).detach()


# ------------------------------------------------------------------------------------------------------- 1a


def pathwise(user: Code) -> list[Finding]:
    """α with the noise given: exact."""
    noise, places = _noise(), _places()
    got = [_averaged("1a", user, (f, mu, sigma, noise), len(noise), at) for at, f, mu, sigma in places]

    def formula(made: frozenset[str]) -> list[Tensor]:
        return [alpha(made, f, mu, sigma, noise) for _, f, mu, sigma in places]

    return compare("1a", [place[0] for place in places], got, formula(frozenset()), formula, ALPHA)


ALPHA = (
    "of_sigma", "times_sigma", "sigma_unused", "variance_for_sigma", "root_of_sigma", "noise_unused", "value",
    "only_square", "zero", "sum", "sign",
)  # fmt: skip


def alpha(made: frozenset[str], f: Function, mu: float, sigma: float, noise: Tensor) -> Tensor:
    """1/N Σ f′(μ + σε), or what it is with mistakes made."""
    scale = sigma
    if "sigma_unused" in made:
        scale = 1.0
    elif "variance_for_sigma" in made:
        scale = sigma**2
    elif "root_of_sigma" in made:
        scale = sigma**0.5
    elif "noise_unused" in made:
        scale = 0.0
    z = mu + scale * noise
    each = f(z) if "value" in made else 2 * z if "only_square" in made else _derivative(f, z)
    each = each * noise if "of_sigma" in made else each * sigma if "times_sigma" in made else each
    each = each * (0 if "zero" in made else -1 if "sign" in made else 1)
    return each.sum() if "sum" in made else each.mean()


# ------------------------------------------------------------------------------------------------------- 1b


def score_function(user: Code) -> list[Finding]:
    """β with the samples given: exact."""
    noise, places = _noise(), _places()
    drawn = [mu + sigma * noise for _, _, mu, sigma in places]
    got = [
        _averaged("1b", user, (f, mu, sigma, z), len(z), at)
        for (at, f, mu, sigma), z in zip(places, drawn, strict=True)
    ]

    def formula(made: frozenset[str]) -> list[Tensor]:
        return [beta(made, f, mu, sigma, z) for (_, f, mu, sigma), z in zip(places, drawn, strict=True)]

    return compare("1b", [place[0] for place in places], got, formula(frozenset()), formula, BETA)


BETA = (
    "mean_not_subtracted", "sigma_missing", "sigma_once", "score_of_sigma", "density", "in_z", "baseline",
    "f_missing", "f_at_mean", "no_score", "sum", "zero",
)  # fmt: skip


def beta(made: frozenset[str], f: Function, mu: float, sigma: float, z: Tensor) -> Tensor:
    """1/N Σ f(z) (z − μ)/σ², or what it is with mistakes made."""
    centred = z if "mean_not_subtracted" in made else z - mu
    score = centred / (1 if "sigma_missing" in made else sigma if "sigma_once" in made else sigma**2)
    if "score_of_sigma" in made:
        score = ((z - mu) ** 2 / sigma**2 - 1) / sigma
    if "density" in made:
        score = score * Normal(mu, sigma).log_prob(z).exp()
    if "no_score" in made:
        score = Normal(mu, sigma).log_prob(z)
    score = -score if "in_z" in made else score * 0 if "zero" in made else score
    values = torch.ones_like(z) if "f_missing" in made else f(torch.full_like(z, mu)) if "f_at_mean" in made else f(z)
    values = values - values.mean() if "baseline" in made else values
    return (values * score).sum() if "sum" in made else (values * score).mean()


# ------------------------------------------------------------------------------------------------------- 1c


def measure_valued(user: Code) -> list[Finding]:
    """γ draws its own noise: means by the central limit theorem, then the variance, which tells couplings apart."""
    torch.manual_seed(2)
    np.random.seed(2)
    places = _places()
    sampled = []
    for name, (at, f, mu, sigma) in zip([n for n in FUNCTIONS for _ in SETTINGS], places, strict=True):
        results = torch.stack([_averaged("1c", user, (f, mu, sigma, PAIRS), PAIRS, at) for _ in range(CALLS)])
        if len(results.unique()) == 1:
            raise Stopped("1c.noise_reused" if float(results[0]) else "1c.nothing", at=at)
        sampled.append(Sampled(name, results))

    def formula(made: frozenset[str]) -> list[float]:
        return [gamma(made, f, mu, sigma) for _, f, mu, sigma in places]

    truth = formula(frozenset())
    found = compare_means("1c", sampled, truth, formula, GAMMA)
    if found[0].level == "right":
        return found + _coupling(sampled[0].results)
    if found[0].id in ("1c.both_plus", "1c.normal"):  # both give 0 in the mean; the variance for f = 3z tells
        twice = float(sampled[0].results.var()) * PAIRS > 9 * (2 + (4 - math.pi)) / (4 * math.pi)
        return [dataclasses.replace(found[0], id="1c.normal" if twice else "1c.both_plus")]
    return found


GAMMA = (
    "sigma_missing", "sigma_unused", "points_unscaled", "sigma_squared", "two_pi", "root_pi", "root_two",
    "constant_missing", "swapped", "scale_half", "scale_two", "scale_one", "normal", "half_normal", "both_plus",
    "sign", "sum", "not_divided",
)  # fmt: skip


def gamma(made: frozenset[str], f: Function, mu: float, sigma: float) -> float:
    """E γ = c E[f(μ + σy⁺) − f(μ − σy⁻)] by quadrature over the quantiles of y, or what it is with mistakes made."""
    scale, shape = math.sqrt(2), 2.0
    if "swapped" in made:
        scale, shape = 2.0, math.sqrt(2)
    scale = {"scale_half": 0.5, "scale_two": 2.0, "scale_one": 1.0}.get(next(iter(made), ""), scale)
    u, w = _quadrature()
    y = scale * (-torch.log1p(-u)) ** (1 / shape)
    if "normal" in made or "half_normal" in made:
        y = torch.special.ndtri((1 + u) / 2 if "half_normal" in made else u)
    step = 1.0 if made & {"sigma_unused", "points_unscaled"} else sigma
    constant = 1 / (sigma * math.sqrt(2 * math.pi))
    if made & {"sigma_missing", "sigma_unused"}:
        constant *= sigma
    constant *= {
        "sigma_squared": 1 / sigma, "two_pi": 1 / math.sqrt(2 * math.pi), "root_pi": math.sqrt(2),
        "root_two": math.sqrt(math.pi), "constant_missing": math.sqrt(2 * math.pi), "sign": -1, "sum": PAIRS,
        "not_divided": PAIRS * math.sqrt(2 * math.pi) * sigma,
    }.get(next(iter(made), ""), 1)  # fmt: skip
    lower = mu + step * y if "both_plus" in made else mu - step * y
    return float(constant * (w * (f(mu + step * y) - f(lower))).sum())


@cache
def _quadrature(points: int = 400) -> tuple[Tensor, Tensor]:
    """Points in (0, 1) and their weights (Gauss and Legendre)."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)


def _coupling(results: Tensor) -> list[Finding]:
    """For f = 3z a pair's variance is 9(4−π)/(2π) if its draws are independent, twice that if they are one draw."""
    m, variance = 3.0, float(results.var()) * PAIRS
    exact = {
        "independent": m**2 * (4 - math.pi) / (2 * math.pi),
        "shared": m**2 * (4 - math.pi) / math.pi,
        "antithetic": 0.00723 * m**2,
    }
    slack = 6 * math.sqrt(2 / len(results))  # of a variance of normal numbers, relative: beyond FAILURE_RATE
    fitting = [name for name, value in exact.items() if abs(variance / value - 1) < slack]
    if "independent" in fitting:
        return [right("1c.independent", variance=variance, truth=exact["independent"])]
    known = f"1c.{fitting[0]}" if fitting else "1c.variance"
    return [wrong(known, variance=variance, truth=exact["independent"])]


# ------------------------------------------------------------------------------------------------------- 1d


def simulate(user: Code) -> list[Finding]:
    """An estimator that remembers what it gave: mean and variance are then exact."""
    mus, sigma, n, repeats = [-1.0, 0.0, 2.0], 1.5, 4, 25
    f = FUNCTIONS["cos z"]
    given: dict[float, list[float]] = {}
    odd: list[tuple[str, object]] = []
    wanted = {"f": f, "sigma": sigma, "n": n}

    def estimator(f: Function, mu: float, sigma: float, n: int) -> Tensor:
        handed = {"f": f, "sigma": sigma, "n": n}
        odd.extend((name, value) for name, value in handed.items() if value != wanted[name])
        mu = float(mu)
        value = mu + (1 + abs(mu)) * torch.randn((), dtype=torch.float64)
        given.setdefault(round(mu, 6), []).append(float(value))
        return value

    torch.manual_seed(3)
    got = user(estimator, f, mus, sigma, n, repeats)
    if not (isinstance(got, tuple | list) and len(got) == 2):
        raise Stopped("code.two", name=user.name, kind=type(got).__name__)
    if odd:
        return [wrong("1d.handed", name=odd[0][0], got=str(odd[0][1]), calls=len(odd))]
    counts = {mu: len(given.get(round(mu, 6), [])) for mu in mus}
    for mu, count in counts.items():
        if count != repeats:
            return [wrong("1d.calls", mu=mu, got=count, wanted=repeats)]
    table = torch.tensor([given[round(mu, 6)] for mu in mus], dtype=torch.float64)
    if any(len(row.unique()) == 1 for row in table):
        return [wrong("1d.reseeded")]
    shape = (len(mus),)
    means = user.numbers(got[0], shape).detach()
    variances = user.numbers(got[1], shape).detach()
    places = [f"{what} at μ = {mu:g}" for what in ("mean", "variance") for mu in mus]

    def formula(made: frozenset[str]) -> Sequence[Tensor]:
        return [*_moments(made, table)[0], *_moments(made, table)[1]]

    return compare("1d", places, [*means, *variances], formula(frozenset()), formula, MOMENTS)


MOMENTS = ("biased", "deviation", "of_mean", "second_moment", "swapped", "times_n", "median")


def _moments(made: frozenset[str], table: Tensor) -> tuple[Tensor, Tensor]:
    n, repeats = 4, table.shape[1]
    means, variances = table.mean(1), table.var(1)
    if "biased" in made:
        variances = variances * (repeats - 1) / repeats
    if "second_moment" in made:
        variances = table.square().mean(1)
    variances = variances * n if "times_n" in made else variances / repeats if "of_mean" in made else variances
    if "deviation" in made:
        variances = variances.sqrt()
    if "median" in made:
        means = table.median(1).values
    return (variances, means) if "swapped" in made else (means, variances)
