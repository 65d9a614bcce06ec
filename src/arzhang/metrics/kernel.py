"""Distances between sets of features that assume no Gaussian: KID, sliced Wasserstein; and the Inception Score."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.metrics.chunks import chunks, products
from arzhang.metrics.frechet import GROUPS, Estimate, jackknife


def kid(real: np.ndarray | Tensor, made: np.ndarray | Tensor) -> Estimate:
    """The kernel inception distance: the unbiased squared maximum mean discrepancy under (x·y/D + 1)³, of all pairs.

    (Bińkowski et al. 2018.) Unbiased at any n, so it may be negative where sets are alike. The standard error leaves
    out one of ten groups of both sets at a time; all come from one pass over the pairs, in chunks.
    """
    n, m = len(real), len(made)
    if min(n, m) < 2:
        raise UsageError(f"{min(n, m)} images: KID needs at least two of each")
    if real.shape[1] != made.shape[1]:
        raise UsageError(f"features of {real.shape[1]} and of {made.shape[1]} dimensions: two different networks")
    groups = GROUPS if min(n, m) >= 2 * GROUPS else 1
    own, others, cross = _sums(real, real, groups), _sums(made, made, groups), _sums(real, made, groups)

    def value(left_out: int | None) -> float:
        kept = [g for g in range(groups) if g != left_out]
        a, b = (sum(_size(k, g, groups) for g in kept) for k in (n, m))
        parts = (own[0][kept][:, kept].sum(), others[0][kept][:, kept].sum(), cross[0][kept][:, kept].sum())
        same = own[1][kept].sum(), others[1][kept].sum()
        inside = (parts[0] - same[0]) / (a * (a - 1)) + (parts[1] - same[1]) / (b * (b - 1))
        return float(inside - 2 * parts[2] / (a * b))

    error = jackknife([value(g) for g in range(groups)]) if groups > 1 else None
    return Estimate(value(None), error, {})


def _size(n: int, group: int, groups: int) -> int:
    return (n - group + groups - 1) // groups


def _sums(a: np.ndarray | Tensor, b: np.ndarray | Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Sums of the kernel over pairs of groups, and over each group's pairs of a row with itself. Row i is in group
    i mod `groups`."""
    total, diagonal = torch.zeros(groups, groups, dtype=torch.float64), torch.zeros(groups, dtype=torch.float64)
    for i, x in chunks(a):
        left = _members(i, len(x), groups)
        if a is b:
            diagonal += left.T @ (x.double().square().sum(1) / x.shape[1] + 1) ** 3
        for j, y in chunks(b, since=i if a is b else 0):
            base = products(x, y).div_(x.shape[1]).add_(1)
            found = left.T @ (base * base).mul_(base) @ _members(j, len(y), groups)
            total += found + found.T if a is b and j > i else found  # k(x, y) = k(y, x)
    return total, diagonal


def _members(start: int, count: int, groups: int) -> Tensor:
    """Which group each of some rows is in, as ones and zeros."""
    return torch.nn.functional.one_hot((torch.arange(count) + start) % groups, groups).double()


def sliced_wasserstein(
    real: np.ndarray | Tensor, made: np.ndarray | Tensor, generator: torch.Generator, directions: int = 512
) -> Estimate:
    """The root mean over random directions of the squared 2-Wasserstein distance of the projections; the standard
    error is that over directions. (Rabin et al. 2011) Features may be pixels, flattened."""
    if min(len(real), len(made)) < 1:
        raise UsageError("no images: a distance needs some of both")
    d = real.shape[1]
    vectors = torch.randn(d, directions, generator=generator, dtype=torch.float64)
    vectors /= vectors.norm(dim=0)
    quantiles = []
    n = min(len(real), len(made))
    places = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    for features in (real, made):
        parts = [rows.double() @ vectors for _, rows in chunks(features)]
        ordered = torch.from_numpy(np.sort(torch.cat(parts).T.contiguous().numpy(), 1))  # 8 times as fast as torch's
        count = ordered.shape[1]
        quantiles.append(ordered[:, (places * count).long().clamp_max(count - 1)])
    squared = (quantiles[0] - quantiles[1]).square().mean(1)
    value = float(squared.mean().sqrt())
    error = float(squared.std() / math.sqrt(directions)) / (2 * value) if value > 0 else 0.0
    return Estimate(value, error, {"directions": float(directions)})


def inception_score(probabilities: Float[Tensor, "N C"], splits: int = 10) -> Estimate:
    """exp E_x KL(p(y|x) ‖ p(y)), the mean over splits and their standard error. (Salimans et al. 2016)

    Needs a classifier's probabilities: the FID network of the Python package has none.
    """
    if len(probabilities) < splits:
        raise UsageError(f"{len(probabilities)} images: the Inception Score of {splits} splits needs as many at least")
    scores = []
    for part in probabilities.double().chunk(splits):
        marginal = part.mean(0, keepdim=True)
        ratio = torch.special.xlogy(part, part) - torch.special.xlogy(part, marginal)
        scores.append(ratio.sum(1).mean().exp())
    found = torch.stack(scores)
    error = float(found.std() / math.sqrt(splits)) if splits > 1 else None
    return Estimate(float(found.mean()), error, {"splits": float(splits)})
