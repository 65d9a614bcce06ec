"""A segmenter of street photos: trained on real photos and their label maps, it judges made ones. (FCN-score)"""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from arzhang.contracts import Batch, Scalars, Turn, given
from arzhang.errors import UsageError
from arzhang.networks.segmenter import Segmenter
from arzhang.palettes import CITYSCAPES, nearest
from arzhang.recipes import Segmenter as Recipe
from arzhang.tasks.adam import adam

UNLABELLED = -1
VOID: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("unlabelled", (0, 0, 0)),
    ("dynamic", (111, 74, 0)),
    ("ground", (81, 0, 81)),
    ("parking", (250, 170, 160)),
    ("rail track", (230, 150, 140)),
    ("guard rail", (180, 165, 180)),
    ("bridge", (150, 100, 100)),
    ("tunnel", (150, 120, 90)),
    ("caravan", (0, 0, 90)),
    ("trailer", (0, 0, 110)),
)
"""Colours of Cityscapes that are of no class that is scored: pixels of these are left out."""


class SegmenterTask:
    """Minimise the cross-entropy of each pixel's class: `inputs` are label maps in Cityscapes' colours, of `images`."""

    criterion = "cross_entropy"
    previewed = 8

    def __init__(
        self,
        recipe: Recipe,
        shape: tuple[int, int, int],
        input_shape: tuple[int, int, int],
        device: torch.device | str = "cpu",
    ) -> None:
        if input_shape[0] != 3:
            raise UsageError(f"label maps of {input_shape[0]} channels: a segmenter finds classes by their colours")
        self.recipe, self.shape = recipe, shape
        network = Segmenter(len(CITYSCAPES), shape[0], recipe.width)
        network.refuse_unfit(*shape[1:])
        self.networks: nn.Module = nn.ModuleDict({"segmenter": network}).to(device)
        self.networks.to(memory_format=torch.channels_last)
        self.turns: Sequence[Turn] = [Turn("segmenter", [self.networks], adam(self.networks, recipe), self.loss)]

    @property
    def segmenter(self) -> Segmenter:
        """The network itself."""
        return cast(Segmenter, self.networks.get_submodule("segmenter"))

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 0"]:
        """None."""
        return torch.empty(n, 0, device=generator.device)

    def prepare(self, batch: Batch) -> dict[str, Any]:
        """Nothing: there is one turn."""
        return {}

    def loss(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """The mean of the images' cross-entropies, in nats a pixel."""
        terms = self.measure(batch)
        loss = terms["cross_entropy"].mean()
        return loss, {"cross_entropy": loss, "accuracy": terms["accuracy"].mean()}

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """Of each image's labelled pixels the mean cross-entropy, and the share whose likeliest class is right."""
        assert batch.inputs is not None
        labels, logits = class_map(batch.inputs), self._logits(batch.images)
        labelled = (labels != UNLABELLED).to(logits.dtype)
        pixels = labelled.sum((1, 2)).clamp_min(1)
        terms = F.cross_entropy(logits, labels, reduction="none", ignore_index=UNLABELLED)
        right = (logits.argmax(1) == labels).to(logits.dtype)  # no class is the unlabelled one
        return {"cross_entropy": terms.sum((1, 2)) / pixels, "accuracy": right.sum((1, 2)) / pixels}

    def observe(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """Nothing that is not measured anyway."""
        return {}

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B C H W"]]:
        """Photos, their label maps, and what is said of them."""
        assert batch.inputs is not None
        return {"image": batch.images, "label": batch.inputs, "said": colours(self._logits(batch.images).argmax(1))}

    def _logits(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K H W"]:
        return self.segmenter(images.to(next(self.networks.parameters()).dtype))

    @torch.no_grad()
    def segment(self, images: Tensor) -> Int64[Tensor, "B H W"]:
        """The likeliest class of each pixel, for images in [0, 1] or bytes, of any sides that are multiples of 8."""
        weight = next(self.networks.parameters())
        size = tuple(images.shape[2:]) if images.ndim == 4 else self.shape[1:]
        self.networks.eval()
        return self.segmenter(given(images, (self.shape[0], size[0], size[1]), weight)).argmax(1)


def class_map(labels: Float[Tensor, "B 3 H W"]) -> Int64[Tensor, "B H W"]:
    """The class whose colour is nearest to each pixel of a label map in [0, 1]; −1 for those that are of no class.

    >>> class_map(torch.tensor([128, 64, 128, 1, 2, 3]).view(1, 2, 1, 3).permute(0, 3, 1, 2) / 255).tolist()
    [[[0], [-1]]]
    """
    found = nearest((labels.float() * 255).round().permute(0, 2, 3, 1), (*CITYSCAPES, *VOID))
    return torch.where(found < len(CITYSCAPES), found, UNLABELLED)


def distance(labels: Float[Tensor, "B 3 H W"]) -> float:
    """How far a label map's colours lie from those of the classes, in levels of 255, in the mean: 0 for a clean one."""
    seen = (labels.float() * 255).round().permute(0, 2, 3, 1)
    known = (*CITYSCAPES, *VOID)
    table = torch.tensor([colour for _, colour in known], dtype=torch.float32, device=seen.device)
    return (seen - table[nearest(seen, known)]).norm(dim=-1).mean().item()


def colours(classes: Int64[Tensor, "B H W"]) -> Float[Tensor, "B 3 H W"]:
    """A label map in [0, 1] in the classes' colours, the unlabelled black."""
    table = torch.tensor([*(colour for _, colour in CITYSCAPES), (0, 0, 0)], device=classes.device) / 255
    return table[classes].permute(0, 3, 1, 2)
