"""What a trained segmenter is worth on the test part, and the segmenter that judges made images. (FCN-score)"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Int64
from torch import Tensor

from arzhang import assembly, sharing
from arzhang.data.pairs import Pairs
from arzhang.errors import UsageError
from arzhang.evaluation.moments import Metric, own_blocks
from arzhang.metrics import segmentation
from arzhang.metrics.weights import sha256
from arzhang.palettes import CITYSCAPES
from arzhang.tasks.segmenter import SegmenterTask, class_map
from arzhang.training.checkpoint import WEIGHTS
from arzhang.training.loop import block_size
from arzhang.training.run import Run


class Judge(NamedTuple):
    """A segmentation network and what it is called in a protocol."""

    segment: Callable[[Tensor], Int64[Tensor, "B H W"]]
    protocol: dict[str, Any]


def load(path: Path | str, device: torch.device | str = "cpu") -> Judge:
    """The segmenter of a run of `arzhang train segmenter`."""
    model = assembly.load(path, device=device)
    if not isinstance(model, SegmenterTask):
        raise UsageError(f"{path}: not a segmenter's run (`arzhang train segmenter` makes one)")
    run = Run(path)
    weights = sha256(assembly.sound_checkpoint(run, "best", lambda _: None).path / WEIGHTS)
    described = {"network": "segmenter of Arzhang", "sha256": weights, "trained_on": run.config["data"]["sha256"]}
    return Judge(model.segment, described)


@torch.no_grad()
def measure(model: SegmenterTask, examples: Pairs, protocol: dict[str, Any]) -> dict[str, Metric]:
    """The three numbers of the FCN-score on real images: the ceiling for made ones."""
    return score(model.segment, lambda indices: examples.take(indices).images, examples, protocol)


def score(
    segment: Callable[[Tensor], Tensor],
    images: Callable[[Tensor], Tensor],
    examples: Pairs,
    protocol: dict[str, Any],
    suffix: str = "",
) -> dict[str, Metric]:
    """Pixel accuracy, class accuracy and class IoU of what a segmenter says of `images(indices)`, against the label
    maps of these examples."""
    confusion = segmentation.Confusion(len(CITYSCAPES))
    for _, block in own_blocks(len(examples), "segmenting", block_size(examples)):
        indices = block.to(examples.device)
        labels = examples.take(indices).inputs
        assert labels is not None
        confusion.images = int(block[0])  # by which images are dealt to groups
        confusion.add(class_map(labels), segment(images(indices)))
    confusion.groups, confusion.images = torch.stack(sharing.each(confusion.groups)).sum(0), len(examples)
    found = segmentation.fcn_score(confusion)
    named = {"pixel_accuracy": found.per_pixel, "class_accuracy": found.per_class, "class_iou": found.class_iou}
    return {
        f"{name}{suffix}": {
            "value": one.value,
            "uncertainty": one.uncertainty,
            "n": len(examples),
            "unit": "fraction",
            "protocol": protocol | one.details | {"error": "delete-one-group jackknife, 10 groups"},
        }
        for name, one in named.items()
    }
