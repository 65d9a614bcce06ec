"""The Fréchet distance between the Gaussians of two sets of features: FID, where they are Inception's. In float64.

|μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½). (Heusel et al. 2017) The last term never needs a square root of a matrix that is
not symmetric: with Σ₁ = FFᵀ it is Σ √eig(FᵀΣ₂F), and from fewer images than dimensions a nuclear norm.
"""

import math
import mmap
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.metrics.chunks import chunk

GROUPS = 10
CHUNK = 4_096
LARGEST = 1 << 30
"""Bytes of published statistics: 8 for each pair of 8,192 dimensions are half of it."""


class Moments(NamedTuple):
    """Number, mean and (unbiased) covariance of features."""

    n: int
    mean: Float64[Tensor, " D"]
    covariance: Float64[Tensor, "D D"]


class Sums:
    """Streamed sums of features in float64, in ten groups: memory does not grow with their number."""

    def __init__(self, dimensions: int, groups: int = GROUPS) -> None:
        self.n = [0] * groups
        self.first = torch.zeros(groups, dimensions, dtype=torch.float64)
        self.second = torch.zeros(groups, dimensions, dimensions, dtype=torch.float64)
        self.origin: Tensor | None = None
        self.seen = 0

    def add(self, features: Float[Tensor, "B D"]) -> None:
        """Take in rows, dealt to the groups in turn."""
        rows = features.double()
        if not rows.isfinite().all():
            raise UsageError("features that are not finite: NaN or infinite pixels?")
        if self.origin is None:  # about which all sums are taken, so that nothing cancels
            self.origin = rows.mean(0)
        rows = rows - self.origin
        groups = (torch.arange(len(rows)) + self.seen) % len(self.n)
        for g in range(len(self.n)):
            own = rows[groups == g]
            self.n[g] += len(own)
            self.first[g] += own.sum(0)
            self.second[g].addmm_(own.T, own)
        self.seen += len(rows)

    def moments(self, without: int | None = None) -> Moments:
        """Of all rows, or of all but one group's."""
        kept = [g for g in range(len(self.n)) if g != without]
        n = sum(self.n[g] for g in kept)
        if n < 2:
            raise UsageError(f"{n} images: a covariance needs at least two")
        assert self.origin is not None
        first, second = self.first[kept].sum(0), self.second[kept].sum(0)
        mean = first / n
        covariance = (second - n * torch.outer(mean, mean)) / (n - 1)
        return Moments(n, mean + self.origin, (covariance + covariance.T) / 2)


def sums(features: np.ndarray | Tensor, groups: int = GROUPS) -> Sums:
    """The sums of rows of features (n, D), a memory map perhaps, read in chunks."""
    found = Sums(features.shape[1], groups)
    for start in range(0, len(features), CHUNK):
        found.add(chunk(features, start, CHUNK))
        if isinstance(features, np.memmap) and isinstance(features.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            features.base.madvise(mmap.MADV_DONTNEED)  # else what has been read of the file stays in memory
    return found


class Reference(NamedTuple):
    """Moments with what of them serves every comparison: a factor F with Σ = FFᵀ."""

    moments: Moments
    factor: Float64[Tensor, "D R"]


def reference(moments: Moments) -> Reference:
    """Factor a covariance once, its columns from the largest to the smallest. Directions without variance are dropped,
    not clipped: rounding is all they hold."""
    values, vectors = (found.flip(-1) for found in torch.linalg.eigh(moments.covariance))
    floor = 10 * len(values) * torch.finfo(values.dtype).eps * values[0].clamp_min(0)
    kept = values > floor
    return Reference(moments, vectors[:, kept] * values[kept].sqrt())


class Distance(NamedTuple):
    """A Fréchet distance and its two parts."""

    value: Float[Tensor, ""]
    mean_part: Float[Tensor, ""]
    covariance_part: Float[Tensor, ""]


def distance(first: Reference, second: Moments) -> Distance:
    """The Fréchet distance between Gaussians of these moments; differentiable in the second.

    >>> one = Moments(10, torch.zeros(2).double(), torch.eye(2).double())
    >>> float(distance(reference(one), Moments(10, torch.ones(2).double(), 4 * torch.eye(2).double())).value)
    4.0
    """
    a, b = first.moments, second
    if a.mean.shape != b.mean.shape:
        raise UsageError(f"features of {len(a.mean)} and of {len(b.mean)} dimensions: two different networks")
    alive = int((b.covariance.diagonal() > 0).sum())
    rank = min(alive, b.n - 1) if b.n else alive
    # Graded from large to small, for which LAPACK's reduction of the lower triangle keeps small eigenvalues exact.
    core = first.factor.T @ b.covariance @ first.factor
    values = torch.linalg.eigvalsh(core)  # reads the lower triangle alone
    values = values[max(0, len(values) - rank) :]  # the others are rounding, of which a root would make much
    return _parts(a, b, values[values > 0].sqrt().sum())


def _parts(a: Moments, b: Moments, cross: Tensor) -> Distance:
    mean_part = (a.mean - b.mean).square().sum()
    covariance_part = a.covariance.trace() + b.covariance.trace() - 2 * cross
    return Distance(mean_part + covariance_part, mean_part, covariance_part)


def distance_of_features(first: Float[Tensor, "N D"], second: Float[Tensor, "M D"]) -> Distance:
    """The same from few features (n < D), without any D × D matrix: the cross term is the nuclear norm of ABᵀ, A and B
    the centred features over √(n − 1). Differentiable in both."""
    parts = []
    for features in (first, second):
        if len(features) < 2:
            raise UsageError(f"{len(features)} images: a covariance needs at least two")
        rows = features.double()
        mean = rows.mean(0)
        parts.append((mean, (rows - mean) / math.sqrt(len(rows) - 1)))
    (μ, a), (ν, b) = parts
    cross = torch.linalg.svdvals(a @ b.T).sum()
    mean_part = (μ - ν).square().sum()
    covariance_part = a.square().sum() + b.square().sum() - 2 * cross
    return Distance(mean_part + covariance_part, mean_part, covariance_part)


class Estimate(NamedTuple):
    """A value, its standard error, and how it came about."""

    value: float
    uncertainty: float | None
    details: dict[str, float]


def frechet(real: Reference, made: Sums) -> Estimate:
    """The Fréchet distance of two sets, with a standard error from leaving out one of ten groups of the made images.

    (Delete-one-group jackknife; resampling with replacement would bias it, since a covariance of copies is too small.)
    """
    found = distance(real, made.moments())
    uncertainty = None
    if min(made.n) > 0 and made.seen >= 2 * GROUPS:
        left = [float(distance(real, made.moments(without=g)).value) for g in range(len(made.n))]
        uncertainty = jackknife(left)
    details = {"mean_part": float(found.mean_part), "covariance_part": float(found.covariance_part)}
    return Estimate(float(found.value), uncertainty, details)


def jackknife(left: Sequence[float]) -> float:
    """The standard error from estimates that each leave one of g equal groups out: √((g−1)/g Σ (e − ē)²)."""
    mean = sum(left) / len(left)
    return math.sqrt((len(left) - 1) / len(left) * sum((e - mean) ** 2 for e in left))


def frechet_infinity(
    real: Reference, made: np.ndarray, generator: torch.Generator, sizes: int = 6, least: int | None = None
) -> Estimate:
    """FID∞: the distance at several numbers of made images, a line through it against 1/n, and its value at 1/n = 0.

    (Chong and Forsyth 2020.) The uncertainty is the line's.
    """
    n = len(made)
    least = least or max(n // 4, min(n, made.shape[1] + 1))
    if n < 100:
        raise UsageError(f"{n} images: an extrapolation needs at least 100")
    at = sorted({round(x) for x in np.linspace(least, n, sizes)})
    order = torch.randperm(n, generator=generator).numpy()
    found = [float(distance(real, sums(made[np.sort(order[:size])]).moments()).value) for size in at]
    x, y = np.array([1 / size for size in at]), np.array(found)
    if len(at) < 3:
        raise UsageError(f"{n} images of {made.shape[1]} dimensions: too few to extrapolate")
    (slope, value), covariance = np.polyfit(x, y, 1, cov=True)
    return Estimate(float(value), float(math.sqrt(covariance[1, 1])), {"slope": float(slope), "largest_n": float(n)})


def published(path: str) -> Moments:
    """Reference statistics as others publish them: an .npz with `mu` and `sigma`."""
    try:
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            for name in ("mu", "sigma"):
                _refuse_huge(file.zip, f"{name}.npy")
            mean, covariance = torch.from_numpy(file["mu"]).double(), torch.from_numpy(file["sigma"]).double()
    except Exception as error:  # what unpacks and reads it raises whatever comes to it on a damaged file
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
        raise UsageError(f"{path}: no statistics with 'mu' and 'sigma' in it ({why})") from None
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
        raise UsageError(f"{path}: a mean of {tuple(mean.shape)} and a covariance of {tuple(covariance.shape)}")
    if not (mean.isfinite().all() and covariance.isfinite().all()):
        raise UsageError(f"{path}: holds values that are not finite")
    if not torch.allclose(covariance, covariance.T, rtol=1e-4, atol=1e-6 * float(covariance.abs().max())):
        raise UsageError(f"{path}: 'sigma' is not symmetric, so it is no covariance")
    return Moments(0, mean, covariance)


def _refuse_huge(archive: zipfile.ZipFile, name: str) -> None:
    """Raise ValueError for an array that says it is larger than any statistics, before memory is taken for it."""
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    if math.prod(shape) * dtype.itemsize > LARGEST:
        raise ValueError(f"{name} says it is of shape {shape}")


def pooled(parts: Iterable[Moments]) -> Moments:
    """Moments of several sets together."""
    found = list(parts)
    n = sum(part.n for part in found)
    mean = sum((part.n * part.mean for part in found), torch.zeros_like(found[0].mean)) / n
    scatter = torch.zeros_like(found[0].covariance)
    for part in found:
        shift = part.mean - mean
        scatter += (part.n - 1) * part.covariance + part.n * torch.outer(shift, shift)
    return Moments(n, mean, scatter / (n - 1))
