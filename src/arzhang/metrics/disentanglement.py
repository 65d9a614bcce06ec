"""How far each dimension of a code holds one factor: MIG and DCI, of codes beside the factors they were made from.

Both want images whose factors are known (`data.sprites`). In float64, and no network inside.
"""

import math
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.metrics.frechet import GROUPS, Estimate, jackknife

BINS = 20
TREES = 20


def _check(codes: Tensor, factors: Tensor) -> None:
    if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors):
        raise UsageError(
            f"codes {tuple(codes.shape)} and factors {tuple(factors.shape)}: rows of as many images, (N, D) and (N, K)"
        )
    if len(codes) < 2:
        raise UsageError(f"{len(codes)} images: a dependence needs at least two")
    if not (codes.isfinite().all() and factors.isfinite().all()):
        raise UsageError("codes or factors that are not finite")


# --------------------------------------------------------------------------------------------------------------- MIG


class MIG(NamedTuple):
    """The mutual information gap and what it comes from."""

    gap: Estimate
    by_factor: Float64[Tensor, " K"]
    information: Float64[Tensor, "D K"]
    """I(z_j; v_k) over H(v_k)."""


def mig(codes: Float[Tensor, "N D"], factors: Float[Tensor, "N K"], bins: int = BINS) -> MIG:
    """The mean over factors of (I(z_a; v_k) − I(z_b; v_k)) / H(v_k), z_a and z_b the dimensions that know most of v_k.

    (Chen et al. 2018, eq. 6.) Information by counting, codes in `bins` bins of equal mass. Of N independent pairs it
    comes out at (bins − 1)(values − 1) / 2N nats instead of 0, in all dimensions alike, so that their gap hardly
    feels it. The standard error leaves out one of ten groups of images at a time.
    """
    _check(codes, factors)
    coded, valued = _classes(codes, bins), _classes(factors, bins)
    if constant := [k for k in range(valued.shape[1]) if not valued[:, k].any()]:
        raise UsageError(f"factor {constant[0]} has one value only: there is nothing to know of it")
    whole = _relative_information(coded, valued)
    error = None
    if len(codes) >= 100 * GROUPS:  # fewer, and the bias of the information changes with the group left out
        group = torch.arange(len(codes)) % GROUPS
        parts = [_relative_information(coded[group != g], valued[group != g]) for g in range(GROUPS)]
        error = jackknife([float(_gaps(part).mean()) for part in parts])
    gaps = _gaps(whole)
    return MIG(Estimate(float(gaps.mean()), error, {"bins": float(bins)}), gaps, whole)


def _classes(values: Float[Tensor, "N C"], bins: int) -> Int64[Tensor, "N C"]:
    """Each column as classes: its own values where they are few, else bins of equal mass."""
    columns = []
    for column in values.double().cpu().T:
        distinct, own = column.unique(return_inverse=True)
        if len(distinct) > bins:
            inner = np.linspace(0, 1, bins + 1)[1:-1]
            edges = torch.from_numpy(np.quantile(column.numpy(), inner))  # torch's stops at 16 million
            own = torch.bucketize(column.contiguous(), edges.unique(), right=True)
        columns.append(own)
    return torch.stack(columns, 1)


def _relative_information(coded: Int64[Tensor, "N D"], valued: Int64[Tensor, "N K"]) -> Float64[Tensor, "D K"]:
    def entropy(counts: Tensor) -> Tensor:
        return torch.special.entr(counts.double() / counts.sum()).sum()

    found = torch.zeros(coded.shape[1], valued.shape[1], dtype=torch.float64)
    for k, v in enumerate(valued.T):
        values = int(v.max()) + 1
        of_v = entropy(v.bincount())
        for j, z in enumerate(coded.T):
            information = entropy(z.bincount()) + of_v - entropy((z * values + v).bincount())
            found[j, k] = information / of_v
    return found


def _gaps(information: Float64[Tensor, "D K"]) -> Float64[Tensor, " K"]:
    """The first less the second of each column; where there is one dimension, the second is 0."""
    ordered = torch.cat([information, torch.zeros_like(information[:1])]).sort(0, descending=True).values
    return ordered[0] - ordered[1]


# --------------------------------------------------------------------------------------------------------------- DCI


class DCI(NamedTuple):
    """Each in [0, 1], but informativeness may fall below 0 where a prediction is worse than the mean."""

    disentanglement: float
    """1: every dimension serves one factor."""
    completeness: float
    """1: every factor is held by one dimension."""
    informativeness: float
    """1: the factors can be told from the codes; of images kept apart, the mean over factors."""
    importance: Float64[Tensor, "D K"]
    by_factor: Float64[Tensor, " K"]
    """Informativeness of each."""


def dci(
    codes: Float[Tensor, "N D"], factors: Float[Tensor, "N K"], categorical: Collection[int] = (), seed: int = 0
) -> DCI:
    """Disentanglement, completeness, informativeness. (Eastwood & Williams 2018)

    A random forest predicts each factor from the codes of the first three quarters of the images; the importance of
    dimension j for factor k is what its splits explain. Informativeness is R² on the last quarter, and for the factors
    named in `categorical` the accuracy beyond chance, (accuracy − 1/values) / (1 − 1/values).
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    _check(codes, factors)
    if len(codes) < 40:
        raise UsageError(f"{len(codes)} images: DCI fits forests, which needs at least 40")
    x, y = codes.double().cpu().numpy(), factors.double().cpu().numpy()
    cut = len(x) * 3 // 4
    importance = torch.zeros(codes.shape[1], factors.shape[1], dtype=torch.float64)
    informed = torch.zeros(factors.shape[1], dtype=torch.float64)
    for k in range(factors.shape[1]):
        kind = RandomForestClassifier if k in categorical else RandomForestRegressor
        # Every split may choose among all dimensions: one that knows nothing is then hardly ever chosen.
        forest = kind(TREES, max_features=None, min_samples_leaf=5, random_state=seed).fit(x[:cut], y[:cut, k])
        importance[:, k] = torch.from_numpy(forest.feature_importances_)
        informed[k] = forest.score(x[cut:], y[cut:, k])
        if k in categorical:
            chance = 1 / len(set(y[:, k]))
            informed[k] = (informed[k] - chance) / (1 - chance)
    disentanglement, completeness = concentration(importance)
    return DCI(disentanglement, completeness, float(informed.mean()), importance, informed)


def concentration(importance: Float64[Tensor, "D K"]) -> tuple[float, float]:
    """Disentanglement and completeness of a matrix of importances.

    1 − the entropy of each row (dimension; weighed by its importance) and of each column (factor), to the base of how
    many columns or rows there are.

    >>> concentration(torch.eye(3).double()), concentration(torch.ones(2, 2).double())
    ((1.0, 1.0), (0.0, 0.0))
    """
    shares = importance.double()
    rows, columns = shares.sum(1), shares.sum(0)
    if not rows.sum() > 0:
        return 0.0, 0.0
    weight = rows / rows.sum()
    of_rows = _one_less_entropy(shares / rows.clamp_min(1e-300)[:, None])
    of_columns = _one_less_entropy((shares / columns.clamp_min(1e-300)).T)
    held = columns > 0  # a factor that nothing predicts is held by no dimension
    return float((weight * of_rows).sum()), float((of_columns * held).mean())


def _one_less_entropy(distributions: Float64[Tensor, "n m"]) -> Float64[Tensor, " n"]:
    m = distributions.shape[1]
    return 1 - torch.special.entr(distributions).sum(1) / math.log(m) if m > 1 else torch.ones_like(distributions[:, 0])
