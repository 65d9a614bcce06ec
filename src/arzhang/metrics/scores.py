"""Two sets of images → named numbers, each with uncertainty, n and protocol; and when two may be compared."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

from arzhang.contracts import Examples
from arzhang.errors import UsageError
from arzhang.metrics import features, frechet, kernel, neighbours, weights
from arzhang.metrics.features import Extractor, Seen

FED = 50
"""Images given to a feature network at once."""
NAMES = ("fid", "fid-infinity", "kid", "prdc", "inception-score", "sliced-wasserstein")
Metric = dict[str, Any]
K = 5
"""Neighbours of precision, recall, density and coverage."""
SETTINGS = (
    "network", "sha256", "precision", "name", "resize", "normalisation", "rounding", "n_real", "real_sha256", "kernel",
    "k", "directions", "splits", "split", "data", "samples",
)  # fmt: skip
"""What of a protocol must be equal before two numbers may stand beside each other; besides n."""


@dataclass(frozen=True)
class ImageSet:
    """Images that can be gone through more than once, without being held: `batches()` gives them in [0, 1]."""

    name: str
    n: int
    batches: Callable[[], Iterable[Float[Tensor, "B C H W"]]]

    @classmethod
    def of(cls, name: str, examples: Examples, n: int, device: torch.device) -> "ImageSet":
        """The first n images of a part of a data set."""
        return cls(name, n, lambda: (examples.take(part).images for part in torch.arange(n, device=device).split(FED)))


@dataclass(frozen=True)
class Published:
    """Reference statistics as others publish them, mean and covariance in an `.npz`: all that FID needs of its real
    side. Under which protocol they were made, only their source can say."""

    name: str
    moments: frechet.Moments
    sha256: str

    @classmethod
    def read(cls, path: Path) -> "Published":
        """Raises UsageError where the file holds no such statistics."""
        moments = frechet.published(str(path))
        return cls(str(path), moments, weights.sha256(path))


def check(names: Sequence[str]) -> None:
    """Raises UsageError for a metric that does not exist."""
    for name in names:
        if name not in NAMES:
            raise UsageError(f"--metrics {name}: there is {', '.join(NAMES)}")


def scores(
    real: ImageSet | Published,
    made: ImageSet,
    names: Sequence[str],
    extractor: Extractor,
    seed: int = 0,
    keep: bool = True,
) -> dict[str, Metric]:
    """How near `made` is to `real` by the metrics named, all on the extractor's features.

    Raises UsageError where a metric needs what there is not: images where the real side is statistics alone, a final
    layer for the Inception Score.
    """
    check(names)
    if isinstance(real, Published) and (more := set(names) - {"fid", "fid-infinity"}):
        raise UsageError(f"--metrics {min(more)}: {real.name} holds a mean and a covariance, which serve fid alone")
    if "inception-score" in names and extractor.classes is None:
        source = extractor.protocol["network"]
        raise UsageError(
            f"--metrics inception-score: this file of {source} has no final layer; {features.RELEASE.url} "
            "has one: give it as --weights FILE"
            if source.startswith("FID")
            else f"--metrics inception-score: the score is by the FID network's classes, not by {source}: "
            "--features inception"
        )
    of_real = None if isinstance(real, Published) else extractor.seen(real.batches, real.n, real.name, keep)
    of_made = extractor.seen(made.batches, made.n, made.name, keep)
    protocol = {**extractor.protocol, "real": real.name, "made": made.name, "made_sha256": of_made.sha256}
    protocol["n_real"] = None if isinstance(real, Published) else real.n
    protocol["real_sha256"] = real.sha256 if isinstance(real, Published) else of_real.sha256  # type: ignore[union-attr]

    def metric(found: frechet.Estimate, unit: str, **more: Any) -> Metric:
        described = {**protocol, **more, **found.details}
        return {
            "value": found.value, "uncertainty": found.uncertainty, "n": made.n, "unit": unit, "protocol": described
        }  # fmt: skip

    result: dict[str, Metric] = {}
    prefix = "fid" if extractor.protocol["network"].startswith("FID") else "fd"
    if {"fid", "fid-infinity"} & set(names):
        fixed = frechet.reference(real.moments) if isinstance(real, Published) else reference(of_real, keep)
    if "fid" in names:
        found = frechet.frechet(fixed, frechet.sums(of_made.rows))
        result[prefix] = metric(found, "squared feature distance", error="delete-one-group jackknife, 10 groups")
    if "fid-infinity" in names:
        rng = torch.Generator().manual_seed(seed)
        found = frechet.frechet_infinity(fixed, of_made.rows, rng)
        result[f"{prefix}_infinity"] = metric(found, "squared feature distance", error="of the fitted line", seed=seed)
    if "inception-score" in names:
        result["inception_score"] = metric(_inception_score(of_made, extractor), "of 1008 classes at most")
    if of_real is not None:
        result |= _of_features(of_real, of_made, names, seed, metric, keep)
    return result


def _of_features(
    real: Seen, made: Seen, names: Sequence[str], seed: int, metric: Callable[..., Metric], keep: bool
) -> dict[str, Metric]:
    """The metrics that look at features one by one."""
    result: dict[str, Metric] = {}
    if "kid" in names:
        found = kernel.kid(real.rows, made.rows)
        result["kid"] = metric(found, "squared discrepancy", kernel="(x·y/D + 1)³, all pairs, unbiased")
    if "prdc" in names:
        balls = _once(real, f"-radii{K}", ("radii",), lambda: {"radii": neighbours.radii(real.rows, K)}, keep)
        for name, part in neighbours.prdc(real.rows, made.rows, K, balls["radii"])._asdict().items():
            result[name] = metric(part, "fraction" if name != "density" else "balls over k", k=K)
    if "sliced-wasserstein" in names:
        found = kernel.sliced_wasserstein(real.rows, made.rows, torch.Generator().manual_seed(seed))
        result["sliced_wasserstein"] = metric(found, "feature distance", seed=seed)
    return result


def reference(real: Seen | None, keep: bool = True) -> frechet.Reference:
    """The moments of a set and their factor."""
    assert real is not None

    def make() -> dict[str, Tensor]:
        found = frechet.reference(frechet.sums(real.rows, groups=1).moments())
        moments = found.moments
        return {
            "n": torch.tensor(moments.n),
            "mean": moments.mean,
            "covariance": moments.covariance,
            "factor": found.factor,
        }

    kept = _once(real, "", ("n", "mean", "covariance", "factor"), make, keep)
    moments = frechet.Moments(int(kept["n"]), kept["mean"], kept["covariance"])
    return frechet.Reference(moments, kept["factor"])


def _once(
    seen: Seen, name: str, needs: Sequence[str], make: Callable[[], dict[str, Tensor]], keep: bool
) -> dict[str, Tensor]:
    """What rests on a set's features alone: computed once, and kept under the hash of content and protocol."""
    path = weights.cache() / "statistics" / f"{seen.key}{name}.safetensors"
    if keep and path.is_file():
        try:
            kept = load_file(path)
            return {one: kept[one] for one in needs}
        except Exception:  # a damaged cache is made anew
            path.unlink(missing_ok=True)
    found = make()
    if keep:
        features.keep(found, lambda _: path)
    return found


def _inception_score(made: Seen, extractor: Extractor) -> frechet.Estimate:
    """Of softmax(W x), as the score's authors computed it: without the final layer's bias."""
    assert extractor.classes is not None
    layer = extractor.classes.cpu().double()
    parts = [
        (torch.from_numpy(made.rows[i : i + frechet.CHUNK].copy()).double() @ layer.T).softmax(1).float()
        for i in range(0, len(made.rows), frechet.CHUNK)
    ]
    return kernel.inception_score(torch.cat(parts))


# ------------------------------------------------------------------------------------------------------- comparisons


def unlike(one: Metric, other: Metric, settings: Sequence[str] = SETTINGS) -> list[str]:
    """The settings in which the protocols of two numbers differ, in words; empty where they may be compared."""
    pairs = {name: (one["protocol"].get(name), other["protocol"].get(name)) for name in settings}
    pairs["n"] = (one["n"], other["n"])
    return [f"{name} {_short(a)} and {_short(b)}" for name, (a, b) in pairs.items() if a != b]


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 and set(text) <= set("0123456789abcdef") else f"'{text}'"


def differences(found: Mapping[str, Metric], baseline: Mapping[str, Metric], where: str) -> dict[str, Metric]:
    """What each number that both have is above its baseline, with the standard error of independent sets.

    Raises UsageError where a protocol differs: such numbers say nothing beside each other.
    """
    shared = [name for name in found if name in baseline]
    if not shared:
        raise UsageError(f"--baseline {where}: holds none of {', '.join(found)}")
    result = {}
    for name in shared:
        one, other = found[name], baseline[name]
        if reasons := unlike(one, other):
            raise UsageError(f"--baseline {where}: {name} has another protocol there: {'; '.join(reasons)}")
        errors = (one["uncertainty"], other["uncertainty"])
        error = None if None in errors else math.hypot(*errors)
        result[name] = {**one, "value": one["value"] - other["value"], "uncertainty": error}
    return result
