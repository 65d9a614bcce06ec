"""Problem 2: the Cauchy–Schwarz divergence of normals and of their mixtures."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from arzhang import divergences
from arzhang.check.code import Code
from arzhang.check.comparison import compare
from arzhang.check.findings import Finding, right, wrong

PAIRS = ((0.0, 1.0, 1.0), (-1.0, 2.0, 0.5), (3.0, 0.5, 2.0))
"""μ₁, μ₂ and σ."""
NORMALS = ((0.0, 1.0, 1.0, 2.0), (1.0, 0.5, -1.0, 1.5), (2.0, 3.0, 0.0, 0.7))
"""μ₁, σ₁, μ₂, σ₂."""


def _number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def _normal(mu: float, sigma: float) -> Normal:
    return Normal(_number(mu), _number(sigma))


# ------------------------------------------------------------------------------------------------------- 2a


def cauchy_schwarz(user: Code) -> list[Finding]:
    """D_CS of two normals of equal variance."""
    places = [f"μ₁ = {a:g}, μ₂ = {b:g}, σ = {s:g}" for a, b, s in PAIRS]
    got = [user.number(*pair, place=at).detach() for pair, at in zip(PAIRS, places, strict=True)]
    truth = [divergences.cauchy_schwarz(_normal(a, s), _normal(b, s)) for a, b, s in PAIRS]
    return compare("2a", places, got, truth, lambda made: [_equal(made, *pair) for pair in PAIRS], EQUAL)


EQUAL = (
    "squared",
    "sigma_unused",
    "sigma_once",
    "sigma_fourth",
    "not_squared",
    "negative",
    "no_log",
    "half",
    "doubled_twice",
)


def _equal(made: frozenset[str], mu1: float, mu2: float, sigma: float) -> Tensor:
    """(μ₁ − μ₂)² / 4σ², or what it is with mistakes made."""
    difference = abs(mu1 - mu2) if "not_squared" in made else (mu1 - mu2) ** 2
    power = 0 if "sigma_unused" in made else 1 if "sigma_once" in made else 4 if "sigma_fourth" in made else 2
    value = difference / (4 * sigma**power)
    value *= 2 if "squared" in made else 4 if "doubled_twice" in made else 0.5 if "half" in made else 1
    value *= -1 if "negative" in made else 1
    return _number(math.exp(-value) if "no_log" in made else value)


def kl(user: Code) -> list[Finding]:
    """KL of two normals."""
    places = [f"μ₁ = {a:g}, σ₁ = {s:g}, μ₂ = {b:g}, σ₂ = {t:g}" for a, s, b, t in NORMALS]
    got = [user.number(*pair, place=at).detach() for pair, at in zip(NORMALS, places, strict=True)]
    truth = [divergences.kl(_normal(a, s), _normal(b, t)) for a, s, b, t in NORMALS]
    return compare("2a.kl", places, got, truth, lambda made: [_kl(made, *pair) for pair in NORMALS], KL)


KL = (
    "reversed",
    "no_logs",
    "log_variances",
    "no_half",
    "sigma_for_variance",
    "no_means",
    "negative",
    "squared_log",
    "bits",
)


def _kl(made: frozenset[str], mu1: float, sigma1: float, mu2: float, sigma2: float) -> Tensor:
    """log σ₂/σ₁ + (σ₁² + (μ₁ − μ₂)²)/2σ₂² − ½, or what it is with mistakes made."""
    if "reversed" in made:
        mu1, sigma1, mu2, sigma2 = mu2, sigma2, mu1, sigma1
    logs = math.log(sigma2 / sigma1) * (0 if "no_logs" in made else 2 if "log_variances" in made else 1)
    logs = -logs if "squared_log" in made else logs
    squares = (0 if "no_means" in made else (mu1 - mu2) ** 2, sigma1**2, sigma2**2)
    if "sigma_for_variance" in made:
        squares = (squares[0], sigma1, sigma2)
    value = logs + (squares[1] + squares[0]) / (2 * squares[2]) - (0 if "no_half" in made else 0.5)
    return _number((-value if "negative" in made else value) / (math.log(2) if "bits" in made else 1))


# ------------------------------------------------------------------------------------------------------- 2b


class Parts(NamedTuple):
    """Weights (K,), means (K, D) and variances (K, D) of a mixture."""

    weights: Tensor
    means: Tensor
    variances: Tensor

    @property
    def distribution(self) -> MixtureSameFamily:
        parts = Independent(Normal(self.means, self.variances.sqrt()), 1)
        return MixtureSameFamily(Categorical(probs=self.weights), parts)


def _drawn(components: int, dimensions: int, seed: int, scale: float = 1.0) -> Parts:
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(components, generator=generator, dtype=torch.float64) + 0.2
    means = scale * torch.randn(components, dimensions, generator=generator, dtype=torch.float64)
    variances = torch.rand(components, dimensions, generator=generator, dtype=torch.float64) * 1.5 + 0.3
    return Parts(weights / weights.sum(), means, variances)


def mixtures(user: Code) -> list[Finding]:
    """D_CS of mixtures: near ones for the formula, far ones for the logarithms."""
    pairs = [
        (_drawn(k, d, 10 * i), _drawn(m, d, 10 * i + 1))
        for i, (k, m, d) in enumerate([(1, 1, 1), (2, 3, 1), (3, 2, 2)])
    ]
    places = [f"{len(p.weights)} and {len(q.weights)} components, D = {p.means.shape[1]}" for p, q in pairs]
    got = [user.number(*p, *q, place=at).detach() for (p, q), at in zip(pairs, places, strict=True)]
    truth = [divergences.cauchy_schwarz(p.distribution, q.distribution) for p, q in pairs]
    found = compare("2b", places, got, truth, lambda made: [_mixtures(made, p, q) for p, q in pairs], MIXTURES)
    if found[0].level == "wrong":
        return found
    far = _drawn(2, 2, 5), _drawn(3, 2, 6)
    far = far[0], far[1]._replace(means=far[1].means + 200)
    value = user.number(*far[0], *far[1], finite=False).detach()
    exact = divergences.cauchy_schwarz(far[0].distribution, far[1].distribution)
    if not torch.allclose(value, exact, rtol=1e-4):
        return [wrong("2b.overflow", got=f"{float(value):g}", truth=float(exact))]
    return [*found, right("2b.far", truth=float(exact))]


MIXTURES = (
    "squared", "variances_not_added", "deviations", "cross_terms", "weights_once", "weights_unused", "logs_averaged",
    "no_normaliser", "roots_missing", "own_halved", "negative", "no_log", "first_component",
)  # fmt: skip


def _mixtures(made: frozenset[str], p: Parts, q: Parts) -> Tensor:
    """½L(p,p) + ½L(q,q) − L(p,q), L = log∫, or what it is with mistakes made."""

    def overlap(a: Parts, b: Parts) -> Tensor:
        s, t = (a.variances**2, b.variances**2) if "deviations" in made else (a.variances, b.variances)
        total = s[:, None] + (0 if "variances_not_added" in made else t[None])
        square = (a.means[:, None] - b.means[None]).square() / total
        logs = (
            -(square + (0 if "no_normaliser" in made else total.log())).sum(-1) / 2
            - a.means.shape[1] * divergences.LOG_2PI / 2
        )
        weights = a.weights[:, None] * b.weights[None]
        if a is b and made & {"cross_terms", "weights_once"}:
            own = a.weights if "weights_once" in made else a.weights**2
            weights = torch.diag(own)
        if "weights_unused" in made:
            weights = torch.ones_like(weights) / weights.numel()
        if "logs_averaged" in made:
            return (weights * logs).sum()
        if "first_component" in made:
            return logs[0, 0]
        return (weights.log() + logs).logsumexp((0, 1))

    share = 1.0 if "roots_missing" in made else 0.25 if "own_halved" in made else 0.5
    value = share * (overlap(p, p) + overlap(q, q)) - overlap(p, q)
    value = value * (2 if "squared" in made else 1) * (-1 if "negative" in made else 1)
    return (-value).exp() if "no_log" in made else value
