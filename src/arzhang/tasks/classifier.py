"""A classifier of a data set's classes: what it is trained for, and the features by which images are compared."""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from arzhang.contracts import Batch, Scalars, Turn
from arzhang.errors import UsageError
from arzhang.networks.classifier import Classifier
from arzhang.recipes import Classifier as Recipe
from arzhang.tasks.adam import adam


class ClassifierTask:
    """Minimise the cross-entropy of an image's class. Needs a data set with labels."""

    criterion = "cross_entropy"
    previewed = 32

    def __init__(
        self, recipe: Recipe, shape: tuple[int, int, int], classes: int, device: torch.device | str = "cpu"
    ) -> None:
        channels, height, width = shape
        if height != width:
            raise UsageError(f"a classifier takes square images, not {height}×{width}: give --size")
        if classes < 2:
            raise UsageError("a classifier needs a data set with labels: --dataset fashion-mnist, mnist or kmnist")
        self.recipe, self.shape, self.classes = recipe, shape, classes
        self.networks: nn.Module = nn.ModuleDict(
            {"classifier": Classifier(height, channels, classes, recipe.dropout)}
        ).to(device)
        self.networks.to(memory_format=torch.channels_last)
        self.turns: Sequence[Turn] = [Turn("classifier", [self.networks], adam(self.networks, recipe), self.loss)]

    @property
    def classifier(self) -> Classifier:
        """The network itself."""
        return cast(Classifier, self.networks.get_submodule("classifier"))

    @property
    def device(self) -> torch.device:
        return next(self.networks.parameters()).device

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 0"]:
        """None."""
        return torch.empty(n, 0, device=generator.device)

    def prepare(self, batch: Batch) -> dict[str, Any]:
        """Nothing: there is one turn."""
        return {}

    def loss(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """The batch's mean cross-entropy, in nats."""
        terms = self.measure(batch)
        loss = terms["cross_entropy"].mean()
        return loss, {"cross_entropy": loss, "accuracy": terms["accuracy"].mean()}

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """Cross-entropy of each image's class, and whether the likeliest one is right."""
        assert batch.labels is not None
        logits = self.classifier(batch.images.to(next(self.networks.parameters()).dtype))
        right = (logits.argmax(1) == batch.labels).to(logits.dtype)
        return {"cross_entropy": F.cross_entropy(logits, batch.labels, reduction="none"), "accuracy": right}

    def observe(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """Nothing that is not measured anyway."""
        return {}

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B C H W"]]:
        """The images that are looked at."""
        return {"image": batch.images}

    @torch.no_grad()
    def predict(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        """Probabilities of the classes, for images in [0, 1]."""
        self.networks.eval()
        return self.classifier(images.to(self.device)).softmax(1)
