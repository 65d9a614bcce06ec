"""What a trained classifier is worth on the test part, and its features as a measure of other images."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from arzhang import assembly
from arzhang.errors import UsageError
from arzhang.evaluation.moments import Metric, Moments, own_blocks
from arzhang.metrics.features import Extractor
from arzhang.metrics.weights import sha256
from arzhang.networks.classifier import FEATURES, Embedding
from arzhang.tasks.classifier import ClassifierTask
from arzhang.training.checkpoint import WEIGHTS
from arzhang.training.loop import batch_of
from arzhang.training.run import Run


@torch.no_grad()
def measure(model: ClassifierTask, images: Any, protocol: dict[str, Any]) -> dict[str, Metric]:
    """Accuracy and cross-entropy."""
    moments = Moments()
    for _, indices in own_blocks(len(images), "evaluating"):
        indices = indices.to(model.device)
        noise = torch.empty(len(indices), 0)
        moments.add(model.measure(batch_of(images, indices, noise)))
    moments = moments.of_all_ranks()
    units = {"accuracy": "fraction", "cross_entropy": "nats per image"}
    return {name: moments.metric(name, unit, protocol) for name, unit in units.items()}


def load(path: Path | str, device: torch.device | str = "cpu") -> ClassifierTask:
    """The classifier of a run of `arzhang train classifier`."""
    model = assembly.load(path, device=device)
    if not isinstance(model, ClassifierTask):
        raise UsageError(f"{path}: not a classifier's run (`arzhang train classifier` makes one)")
    return model


def extractor(path: Path | str, device: torch.device | str = "cpu") -> Extractor:
    """The features of a classifier that Arzhang trained: a distance on them is an FD of its data set, never an FID."""
    model = load(path, device)
    weights = sound_digest(Run(path))
    channels, side, _ = model.shape

    def prepare(images: Tensor) -> Tensor:
        if tuple(images.shape[1:]) != model.shape:
            raise UsageError(
                f"{path}: takes images of {side}×{side} with {channels} channels, not {tuple(images.shape[1:])}"
            )
        return images

    recipe = Run(path).recipe
    named = f"classifier of {Path(recipe.data).resolve().name if recipe.data else recipe.dataset}"
    return Extractor(Embedding(model.classifier), named, weights, FEATURES, prepare, {"resize": "none"}, device)


def sound_digest(run: Run, checkpoint: str = "best") -> str:
    """The hash of a run's best or last weights."""
    return sha256(assembly.sound_checkpoint(run, checkpoint, lambda _: None).path / WEIGHTS)
