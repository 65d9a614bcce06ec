"""Why a Fréchet distance is what it is: its parts, its classes, the images farthest off, and likely copies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.metrics import frechet, neighbours

COPIES = 0.01
"""An image is called near where so few new real ones lie nearer to a training image: the share if nothing is copied."""
ENOUGH = 500
"""Images of each side from which such a share says something."""
SHOWN = 3
"""Neighbours that are kept of each image."""


@dataclass(frozen=True)
class OfClass:
    """One class: how many images of it each side has, and the distance between them; none below two of each."""

    name: str
    real: int
    made: int
    distance: float | None


@dataclass(frozen=True)
class Diagnosis:
    """The parts of a Fréchet distance, and which images to look at."""

    value: float
    mean_part: float
    covariance_part: float
    classes: list[OfClass]
    apart: Float[Tensor, "M k"]
    """Distances of each made image from its nearest real ones."""
    near: Int64[Tensor, "M k"]
    """Which these are."""
    farthest: Int64[Tensor, " M"]
    """Made images, those first that lie farthest from any real one."""
    copies: Float[Tensor, "M k"]
    """Distances of each made image from its nearest training images."""
    copied: Int64[Tensor, "M k"]
    threshold: float
    """The distance from a training image below which only 1 % of real images lie that were not trained on."""
    share_near: float
    """Share of made images below it: 1 % where they are as new as the real ones."""


def diagnose(
    real: np.ndarray,
    made: np.ndarray,
    training: np.ndarray | None = None,
    real_classes: Sequence[str] | None = None,
    made_classes: Sequence[str] | None = None,
) -> Diagnosis:
    """From features (n, D) of real, made and training images, and the classes of the first two where they are known.

    Without training images the real ones are looked at as such, each beside its nearest other. Made images whose class
    is unknown take that of the nearest real image. Raises UsageError below ten images of each.
    """
    if min(len(real), len(made)) < 10:
        raise UsageError(f"{min(len(real), len(made))} images: a diagnosis needs at least 10 of each")
    found = _distance(real, made)
    apart, near = neighbours.nearest(made, real, SHOWN)
    if training is None:
        copies, copied = apart, near
        yardstick = neighbours.nearest(real, real, 2)[0][:, 1]  # the nearest one is the image itself
    else:
        copies, copied = neighbours.nearest(made, training, SHOWN)
        yardstick = neighbours.nearest(real, training, 1)[0][:, 0]
    threshold = float(yardstick.quantile(COPIES))
    if real_classes is not None and made_classes is None:
        made_classes = [real_classes[i] for i in near[:, 0].tolist()]
    classes = [] if real_classes is None or made_classes is None else _classes(real, made, real_classes, made_classes)
    return Diagnosis(
        float(found.value), float(found.mean_part), float(found.covariance_part), classes, apart, near,
        apart[:, 0].argsort(descending=True), copies, copied, threshold,
        float((copies[:, 0] < threshold).double().mean()),
    )  # fmt: skip


def _distance(real: np.ndarray, made: np.ndarray) -> frechet.Distance:
    if min(len(real), len(made)) >= real.shape[1]:
        fixed = frechet.reference(frechet.sums(real, groups=1).moments())
        return frechet.distance(fixed, frechet.sums(made, groups=1).moments())
    return frechet.distance_of_features(*(torch.from_numpy(np.array(rows)) for rows in (real, made)))


def _classes(
    real: np.ndarray, made: np.ndarray, real_classes: Sequence[str], made_classes: Sequence[str]
) -> list[OfClass]:
    of_real, of_made = np.array(real_classes), np.array(made_classes)
    found = []
    for name in sorted(set(real_classes) | set(made_classes)):
        a, b = np.flatnonzero(of_real == name), np.flatnonzero(of_made == name)
        distance = float(_distance(real[a], made[b]).value) if min(len(a), len(b)) >= 2 else None
        found.append(OfClass(name, len(a), len(b), distance))
    return found
