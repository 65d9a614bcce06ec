"""Two sets of images → named numbers, each with its uncertainty, its n and its protocol."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.metrics import frechet, kernel, neighbours
from arzhang.metrics.features import Extractor

NAMES = ("fid", "fid-infinity", "kid", "prdc", "sliced-wasserstein")
Metric = dict[str, Any]


@dataclass(frozen=True)
class ImageSet:
    """Images that can be gone through more than once, without being held: `batches()` gives them in [0, 1]."""

    name: str
    n: int
    batches: Callable[[], Iterable[Float[Tensor, "B C H W"]]]


def check(names: Sequence[str]) -> None:
    """Raises UsageError for a metric that does not exist."""
    for name in names:
        if name not in NAMES:
            raise UsageError(f"--metrics {name}: there is {', '.join(NAMES)}")


def scores(
    real: ImageSet, made: ImageSet, names: Sequence[str], extractor: Extractor, seed: int = 0, keep: bool = True
) -> dict[str, Metric]:
    """How near `made` is to `real` by the metrics named, all on the extractor's features."""
    check(names)
    of_real, of_made = (extractor.rows(images.batches, images.n, images.name, keep) for images in (real, made))
    protocol = {**extractor.protocol, "real": real.name, "made": made.name, "n_real": real.n}

    def metric(found: frechet.Estimate, unit: str, **more: Any) -> Metric:
        return {
            "value": found.value,
            "uncertainty": found.uncertainty,
            "n": made.n,
            "unit": unit,
            "protocol": {**protocol, **more, **found.details},
        }

    result: dict[str, Metric] = {}
    prefix = "fid" if extractor.protocol["network"].startswith("FID") else "fd"
    if {"fid", "fid-infinity"} & set(names):
        fixed = frechet.reference(frechet.sums(of_real).moments())
    if "fid" in names:
        found = frechet.frechet(frechet.Sums(1), frechet.sums(of_made), fixed)
        result[prefix] = metric(found, "squared feature distance", error="delete-one-group jackknife, 10 groups")
    if "fid-infinity" in names:
        rng = torch.Generator().manual_seed(seed)
        found = frechet.frechet_infinity(fixed, of_made, rng)
        result[f"{prefix}_infinity"] = metric(found, "squared feature distance", error="of the fitted line", seed=seed)
    if "kid" in names:
        found = kernel.kid(of_real, of_made)
        result["kid"] = metric(found, "squared discrepancy", kernel="(x·y/D + 1)³, all pairs, unbiased")
    if "prdc" in names:
        for name, part in neighbours.prdc(of_real, of_made)._asdict().items():
            result[name] = metric(part, "fraction" if name != "density" else "balls over k", k=5)
    if "sliced-wasserstein" in names:
        found = kernel.sliced_wasserstein(of_real, of_made, torch.Generator().manual_seed(seed))
        result["sliced_wasserstein"] = metric(found, "feature distance", seed=seed)
    return result
