"""3g: the Fréchet distance of two sets of features."""

import torch
from torch import Tensor

from arzhang.check.code import Code
from arzhang.check.comparison import compare
from arzhang.check.findings import Finding, Stopped, right, wrong
from arzhang.metrics.frechet import distance_of_features

SETS = ((200, 150, 3), (60, 80, 5))
"""Images of either set, and dimensions; both sets have more images than dimensions here."""


def _features(n: int, d: int, seed: int) -> Tensor:
    """Correlated features about a mean that is not 0."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return torch.randn(n, d, generator=generator, dtype=torch.float64) @ turn + torch.arange(d) / 3 + seed / 7


def fid(user: Code) -> list[Finding]:
    """The formula on many images; then the two cases in which square roots go wrong: few images, and equal sets."""
    pairs = [(_features(n, d, 2 * i), _features(m, d, 2 * i + 1)) for i, (n, m, d) in enumerate(SETS)]
    places = [f"{n} and {m} images, {d} dimensions" for n, m, d in SETS]
    got = [user.number(*pair, place=at).detach() for pair, at in zip(pairs, places, strict=True)]
    truth = [distance_of_features(*pair).value for pair in pairs]
    found = compare("3g", places, got, truth, lambda made: [_fid(made, *pair) for pair in pairs], MISTAKES)
    if found[0].level == "wrong":
        return found
    few = _features(20, 48, 3).float(), _features(24, 48, 4).float()
    try:
        value, exact = user.number(*few, finite=False).detach(), distance_of_features(*few).value
    except Stopped as stopped:
        return [
            stopped.finding if stopped.finding.id != "code.raises" else wrong("3g.few_fails", **stopped.finding.values)
        ]
    if not torch.allclose(value, exact, rtol=1e-3):
        return [wrong("3g.few", got=f"{float(value):.6g}", truth=float(exact))]
    spread = float(few[0].var(0).sum())
    value = user.number(few[0], few[0], finite=False).detach()
    if not abs(float(value)) < 1e-4 * spread:
        return [wrong("3g.itself", got=f"{float(value):.3g}")]
    return [*found, right("3g.hard")]


MISTAKES = (
    "biased", "no_means", "means_not_squared", "root_taken", "no_two", "no_root", "elementwise", "no_cross",
    "mean_of_squares", "correlation", "plus", "negative", "diagonal",
)  # fmt: skip


def _fid(made: frozenset[str], first: Tensor, second: Tensor) -> Tensor:
    """The definition, or what it is with mistakes made."""
    sides = []
    for rows in (first, second):
        covariance = torch.corrcoef(rows.T) if "correlation" in made else torch.cov(rows.T)
        if "biased" in made:
            covariance = covariance * (len(rows) - 1) / len(rows)
        if "diagonal" in made:
            covariance = torch.diag(covariance.diagonal())
        sides.append((rows.mean(0), covariance))
    (mu, s), (nu, t) = sides
    product = s @ t
    if "no_root" in made:
        cross = product.trace()
    elif "elementwise" in made:
        cross = product.diagonal().clamp_min(0).sqrt().sum()
    else:
        cross = torch.linalg.eigvals(product).real.clamp_min(0).sqrt().sum()
    cross = cross * (0 if "no_cross" in made else 1 if "no_two" in made else -2 if "plus" in made else 2)
    apart = (mu - nu).square().sum()
    if "means_not_squared" in made:
        apart = apart.sqrt()
    elif "mean_of_squares" in made:
        apart = apart / len(mu)
    elif "no_means" in made:
        apart = apart * 0
    value = apart + s.trace() + t.trace() - cross
    value = -value if "negative" in made else value
    return value.clamp_min(0).sqrt() if "root_taken" in made else value
