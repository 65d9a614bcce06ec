"""How well a segmentation agrees with its labels: the FCN-score's three numbers, from one matrix of counts, in float64.

A segmentation network looks at generated photos, and what it says is compared with the labels that they were generated
from. (Long et al. 2015; Isola et al. 2017) The numbers belong to that network: beside them stand those of real photos.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.metrics.frechet import GROUPS, Estimate, jackknife

Counts = Float64[Tensor, "K K"]
"""Pixels by their class in the labels (row) and the class that was said (column)."""


class Confusion:
    """Streamed counts of pixels, in ten groups of images: memory does not grow with their number."""

    def __init__(self, classes: int, groups: int = GROUPS) -> None:
        self.classes = classes
        self.groups = torch.zeros(groups, classes, classes, dtype=torch.int64)
        self.images = 0

    def add(self, labels: Int64[Tensor, "B H W"], said: Int64[Tensor, "B H W"]) -> None:
        """Take in images, dealt to the groups in turn. Labels outside 0 … K−1 are of no class and not counted.

        Raises UsageError for something said that is no class.
        """
        groups, k = len(self.groups), self.classes
        group = ((torch.arange(len(labels), device=labels.device) + self.images) % groups).view(-1, 1, 1)
        labelled = (labels >= 0) & (labels < k)
        found = said[labelled]
        if found.numel() and not (int(found.min()) >= 0 and int(found.max()) < k):
            raise UsageError(f"a segmentation says class {int(found.max())}: there are {k}, numbered from 0")
        cells = ((group * k + labels) * k)[labelled] + found
        self.groups += torch.bincount(cells, minlength=self.groups.numel()).view(self.groups.shape).cpu()
        self.images += len(labels)

    def counts(self, without: int | None = None) -> Counts:
        """Of all images, or of all but one group's."""
        return self.groups[[g for g in range(len(self.groups)) if g != without]].sum(0).double()


class FCNScore(NamedTuple):
    """Each a share from 0 to 1, with the standard error of leaving out one of ten groups of images at a time."""

    per_pixel: Estimate
    per_class: Estimate
    class_iou: Estimate


def fcn_score(confusion: Confusion) -> FCNScore:
    """Per-pixel accuracy, per-class accuracy and class IoU. Raises UsageError where no pixel has a label."""
    counts = confusion.counts()
    if not counts.sum() > 0:
        raise UsageError(f"{confusion.images} images without one labelled pixel: nothing to score")
    rest = [confusion.counts(g) for g in range(len(confusion.groups)) if confusion.groups[g].sum() > 0]
    rest = [one for one in rest if one.sum() > 0]

    def estimate(number: Callable[[Counts], float]) -> Estimate:
        error = jackknife([number(one) for one in rest]) if len(rest) > 1 else None
        return Estimate(number(counts), error, {"classes": int((counts.sum(1) > 0).sum())})

    return FCNScore(estimate(pixel_accuracy), estimate(class_accuracy), estimate(mean_iou))


def pixel_accuracy(counts: Counts) -> float:
    """Share of the labelled pixels that were said to be what they are."""
    return float(counts.trace() / counts.sum())


def class_accuracy(counts: Counts) -> float:
    """The same within each class, and the mean over the classes that occur in the labels."""
    return float(torch.nanmean(counts.diagonal() / counts.sum(1)))


def mean_iou(counts: Counts) -> float:
    """Intersection over union of each class, and the mean over the classes that occur in the labels.

    A class that was only ever said takes its toll on those for which it was said, and has no term of its own: so that
    generated, real and grey photos of the same labels are means over the same classes.
    """
    return float(torch.nanmean(class_ious(counts)))


def class_ious(counts: Counts) -> Float64[Tensor, " K"]:
    """n_ii/(t_i + s_i − n_ii) with t_i pixels labelled and s_i said to be class i; NaN where t_i = 0.

    >>> class_ious(torch.tensor([[3.0, 1.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)).tolist()
    [0.75, 0.8, nan]
    """
    labelled, said = counts.sum(1), counts.sum(0)
    ious = counts.diagonal() / (labelled + said - counts.diagonal())
    return torch.where(labelled > 0, ious, torch.nan)
