"""Whether one thing is better than another by a metric: a difference, its interval, and how much more would decide it.

Over seeds the interval is Student's t: seeds are few, and a normal quantile would be too sure of three of them.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

CONFIDENCE = 0.95
"""Share of the intervals that hold the true difference."""
WORTH = 0.01
"""The least difference that counts, as a share of the two values' mean, where none is asked for."""
MOST = 10_000
"""Seeds beyond which nobody would go: more are not counted out."""
BETTER = {
    "negative_elbo": -1, "reconstruction": -1, "objective": -1, "log_likelihood": 1, "bits_per_dimension": -1,
    "pixel_mse": -1, "pixel_mae": -1, "cross_entropy": -1, "accuracy": 1, "kmeans_accuracy": 1, "kmeans_nmi": 1,
    "component_accuracy": 1, "component_nmi": 1, "posterior_gap": -1, "l1": -1, "mse": -1, "psnr": 1, "ssim": 1,
    "cycle_l1": -1, "cycle_l1_inputs": -1, "cycle_l1_images": -1, "pixel_accuracy": 1, "class_accuracy": 1,
    "class_iou": 1, "told": 1, "fid": -1, "fd": -1, "fid_infinity": -1, "fd_infinity": -1, "kid": -1, "precision": 1,
    "recall": 1, "density": 1, "coverage": 1, "sliced_wasserstein": -1, "inception_score": 1, "mig": 1,
    "disentanglement": 1, "completeness": 1, "informativeness": 1,
}  # fmt: skip
"""Which way each metric goes when things are better; one that is not here says only what is more: a KL divergence."""
KINDS = ("samples", "reconstructions", "made", "back", "there")
"""What a metric of image sets is of: the end of its name."""
OF_THE_DATA = ("floor", "real", "grey")
"""The end of a name that tells of the data or of the judge, not of what is compared."""


def direction(name: str) -> int:
    """1 where more is better, −1 where less is, 0 where neither is known.

    >>> direction("fid_samples"), direction("psnr"), direction("kl")
    (-1, 1, 0)
    """
    base, _, kind = name.rpartition("_")
    return BETTER.get(name, BETTER.get(base, 0) if kind in KINDS else 0)


def floor_of(name: str) -> str | None:
    """The name of the floor of a metric of image sets: what real images get for it.

    >>> floor_of("kid_samples"), floor_of("l1")
    ('kid_floor', None)
    """
    base, _, kind = name.rpartition("_")
    return f"{base}_floor" if kind in KINDS else None


class Scores(NamedTuple):
    """One metric of one group of runs, a run a seed."""

    values: Sequence[float]
    seeds: Sequence[int]
    error: float | None
    """Standard error over test images of a single run; None where it is not known."""
    n: int
    """Test images."""
    each: Float[np.ndarray, " n"] | None = None
    """Of a single run the value of every test image, where it was kept."""


class Verdict(NamedTuple):
    """How the first group stands to the second by one metric."""

    difference: float
    """First less second, of the means."""
    low: float | None
    """Ends of the interval; None where nothing tells how wide it is."""
    high: float | None
    seeds: int
    """Of the smaller group."""
    by: Literal["seed pairs", "seeds", "image pairs", "images", "nothing"]
    """What was held against what; by images alone, the verdict is on these two networks and not on their recipes."""
    says: Literal["first", "second", "more", "less", "alike", "undecided"]
    """first, second: which is better; more, less: the first is, where no direction is known."""
    within: float
    """alike: no difference is larger than this; else the least difference that counts."""
    needed: int | None
    """undecided: about so many more seeds of each, or test images; None where no number can be given."""


def verdict(first: Scores, second: Scores, better: int, worth: float | None = None) -> Verdict:
    """The verdict of one metric; `better` as `direction` has it, `worth` the least difference that counts.

    Two seeds or more of each: paired by seed where the seeds are the same, else Welch's. One of either: by images,
    paired where every image's value was kept and is of the same images, else as independent sets of them.
    """
    means = float(np.mean(first.values)), float(np.mean(second.values))
    difference = means[0] - means[1]
    worth = WORTH * abs(means[0] + means[1]) / 2 if worth is None else worth
    few = min(len(first.values), len(second.values))
    by, half = _half(first, second)
    if half is None:
        return Verdict(difference, None, None, few, "nothing", "undecided", worth, 2 if few < 2 else None)
    low, high = difference - half, difference + half
    reach = max(abs(low), abs(high))
    if low > 0 or high < 0:
        ahead = 1 if low > 0 else -1
        says: Literal["first", "second", "more", "less"] = "more" if ahead > 0 else "less"
        if better:
            says = "first" if ahead == better else "second"
        return Verdict(difference, low, high, few, by, says, worth, None)
    if reach <= worth:
        return Verdict(difference, low, high, few, by, "alike", reach, None)
    # Decided is where the interval leaves out zero, or lies within what counts for nothing.
    target = max(abs(difference), worth - abs(difference))
    needed = _more(first, second, by, half, target)
    return Verdict(difference, low, high, few, by, "undecided", worth, needed)


def _half(
    first: Scores, second: Scores
) -> tuple[Literal["seed pairs", "seeds", "image pairs", "images", "nothing"], float | None]:
    """Half the interval's width, and what it is over."""
    a, b = (np.asarray(one.values, dtype=np.float64) for one in (first, second))
    if min(len(a), len(b)) >= 2:
        if sorted(first.seeds) == sorted(second.seeds) and len(set(first.seeds)) == len(a):
            pairs = a[np.argsort(first.seeds)] - b[np.argsort(second.seeds)]
            return "seed pairs", _quantile(len(pairs) - 1) * float(pairs.std(ddof=1)) / math.sqrt(len(pairs))
        parts = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
        if sum(parts) == 0:
            return "seeds", 0.0
        freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
        return "seeds", _quantile(freedom) * math.sqrt(sum(parts))
    kept = first.each is not None and second.each is not None and len(first.each) == len(second.each) > 1
    if len(a) == len(b) == 1 and kept:
        assert first.each is not None
        assert second.each is not None
        apart = first.each.astype(np.float64) - second.each
        return "image pairs", _quantile(len(apart) - 1) * float(apart.std(ddof=1)) / math.sqrt(len(apart))
    if len(a) == len(b) == 1 and first.error is not None and second.error is not None:
        return "images", _quantile(math.inf) * math.hypot(first.error, second.error)
    return "nothing", None


def _quantile(freedom: float) -> float:
    share = (1 + CONFIDENCE) / 2
    return float(special.ndtri(share) if math.isinf(freedom) else special.stdtrit(freedom, share))


def _more(first: Scores, second: Scores, by: str, half: float, target: float) -> int | None:
    """How many more seeds, or images, make the interval's half as small as the target, if the spread stays."""
    if target <= 0:
        return None
    if by in ("images", "image pairs"):
        return math.ceil(first.n * (half / target) ** 2) - first.n
    k = min(len(first.values), len(second.values))
    pairs = 1 if by == "seed pairs" else 2
    spread = half * math.sqrt(k) / _quantile(pairs * (k - 1))

    def enough(total: int) -> bool:
        return _quantile(pairs * (total - 1)) * spread / math.sqrt(total) <= target

    found = bisect_left(range(MOST), True, lo=k + 1, key=enough)
    return found - k if found < MOST else None
