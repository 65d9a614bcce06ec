"""Metrics of nearest neighbours among features: precision, recall, density, coverage; and the neighbours themselves."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.metrics.chunks import CHUNK, chunks, distances
from arzhang.metrics.frechet import Estimate


def radii(features: np.ndarray | Tensor, k: int) -> Tensor:
    """The distance of each row from its k-th nearest neighbour, itself not counted; each pair is looked at once."""
    n = len(features)
    if n <= k:
        raise UsageError(f"{n} images: their {k}-th neighbours need at least {k + 1}")
    least = torch.full((n, k + 1), torch.inf, dtype=torch.float64)

    def seen(start: int, apart: Tensor) -> None:
        rows = least[start : start + CHUNK]
        found = torch.cat([rows, apart.topk(min(k + 1, apart.shape[1]), dim=1, largest=False).values], 1)
        rows.copy_(found.topk(k + 1, dim=1, largest=False).values)

    for i, x in chunks(features):
        for j, y in chunks(features, since=i):
            apart = distances(x, y)
            seen(i, apart)
            if j > i:
                seen(j, apart.T)
    return least[:, k]


class PRDC(NamedTuple):
    """Each with a standard error."""

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def prdc(real: np.ndarray | Tensor, made: np.ndarray | Tensor, k: int = 5, real_radii: Tensor | None = None) -> PRDC:
    """Precision, recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) with k neighbours.

    Precision: made images that lie within the k-neighbour ball of some real one. Recall: the reverse. Density: in how
    many such balls a made image lies, over k. Coverage: real images whose ball holds a made one. The standard errors
    are those of means over images, the balls being given. In chunks: memory grows with n alone. `real_radii`: those of
    the real images, where they are known.
    """
    real_radii, made_radii = radii(real, k) if real_radii is None else real_radii, radii(made, k)
    inside, balls, recalled, covered = [], [], torch.zeros(len(real)).bool(), torch.zeros(len(real)).bool()
    for i, x in chunks(made):
        apart = torch.cat([distances(x, y) for _, y in chunks(real)], 1)
        within = apart < real_radii
        count = within.sum(1, dtype=torch.int32)
        inside.append(count > 0)
        balls.append(count.double() / k)
        covered |= within.any(0)
        recalled |= (apart < made_radii[i : i + CHUNK, None]).any(0)
    return PRDC(*(_mean(x) for x in (torch.cat(inside), recalled, torch.cat(balls), covered)))


def _mean(values: Tensor) -> Estimate:
    values = values.double()
    return Estimate(float(values.mean()), float(values.std() / math.sqrt(len(values))), {})


def nearest(queries: np.ndarray | Tensor, features: np.ndarray | Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """(distances, indices), each (Q, k), of the nearest rows of `features`: whether images were learnt by heart."""
    found = []
    for _, x in chunks(queries):
        apart = torch.cat([torch.cdist(x.double(), y.double()) for _, y in chunks(features)], 1)
        found.append(apart.topk(min(k, len(features)), dim=1, largest=False))
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])
