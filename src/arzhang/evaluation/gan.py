"""What a trained GAN is worth: how its discriminator takes test images, sets of samples, their classes; pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from arzhang import pictures
from arzhang.errors import UsageError
from arzhang.evaluation import classifier
from arzhang.evaluation.moments import Metric, Moments, own_blocks
from arzhang.metrics import scores
from arzhang.randomness import generator, mix
from arzhang.tasks.classifier import ClassifierTask
from arzhang.tasks.gan import GANTask
from arzhang.training.loop import batch_of, block_size
from arzhang.training.run import Run

TOLD = 200
"""Images of each class that a classifier is shown."""


@torch.no_grad()
def measure(model: GANTask, images: Any, seed: int, protocol: dict[str, Any]) -> dict[str, Metric]:
    """The discriminator's losses on test images and on as many made ones, how often it is right, and how images differ
    from each other, real and made."""
    moments, size = Moments(), block_size(images)
    for block, indices in own_blocks(len(images), "evaluating", size):
        indices = indices.to(model.device)
        noise = model.noise(size, generator(seed, "evaluation", block, device=model.device))[: len(indices)]
        batch = batch_of(images, indices, noise)
        moments.add(model.measure(batch) | model.observe(batch))
    moments = moments.of_all_ranks()
    game = f"{model.recipe.adversarial} loss of a verdict"
    units = {"d_real": game, "d_fake": game, "d_accuracy": "fraction"}
    return {name: moments.metric(name, units.get(name, "grey value in [0, 1]"), protocol) for name in moments.names}


@torch.no_grad()
def told(model: GANTask, judge: Path, run: Run, images: Any, seed: int, protocol: dict[str, Any]) -> dict[str, Metric]:
    """How often a classifier sees the class that was asked for, and how often it is right on test images: the ceiling.

    Raises UsageError for a classifier of other classes or of images of another shape.
    """
    network, names = classifier_for(model, judge, run), run.config["data"]["classes"]
    described = protocol | {"network": "classifier of Arzhang", "sha256": classifier.sound_digest(Run(judge))}
    taken = taken_for(model, network, seed)
    asked, real = Moments(), Moments()
    asked.add({"told": (torch.arange(int(taken.sum())) < taken.trace()).double()})
    for _, indices in own_blocks(len(images), "classifying", block_size(images)):
        found = images.take(indices.to(model.device))
        real.add({"told": (network.predict(found.images).argmax(1) == found.labels).double()})
    real = real.of_all_ranks()
    one = {str(name): float(right) / TOLD for name, right in zip(names, taken.diagonal(), strict=True)}
    return {
        "told_samples": asked.metric("told", "fraction", described | {"by_class": one}),
        "told_real": real.metric("told", "fraction", described),
    }


def classifier_for(model: GANTask, judge: Path, run: Run) -> ClassifierTask:
    """The classifier of a run, of the same classes as a GAN's. Raises UsageError for another one."""
    network, names = classifier.load(judge, model.device), run.config["data"]["classes"]
    theirs = Run(judge).config["data"]["classes"]
    if theirs != names or network.shape != model.shape:
        raise UsageError(
            f"--classifier {judge}: trained on other images or classes ({', '.join(map(str, theirs[:3]))}…)"
        )
    return network


@torch.no_grad()
def taken_for(model: GANTask, network: ClassifierTask, seed: int) -> Int64[Tensor, "K K"]:
    """Of `TOLD` images of each class that is asked for (row): how many a classifier takes for each (column)."""
    rows = []
    for label in range(model.classes):
        said = network.predict(model.sample(TOLD, mix(seed, "told", label), label)).argmax(1)
        rows.append(torch.bincount(said, minlength=model.classes).cpu())
    return torch.stack(rows)


def image_sets(model: GANTask, parts: Any, n: int, seed: int) -> dict[str, scores.ImageSet]:
    """n test images, as many samples, of every class as many, and as many training images."""

    def sampled() -> Iterator[Tensor]:
        return (
            model.sample(len(part), mix(seed, "fid", i)) for i, part in enumerate(torch.arange(n).split(scores.FED))
        )

    return {
        "test": scores.ImageSet.of("test images", parts.test, n, model.device),
        "samples": scores.ImageSet("samples", n, sampled),
        "floor": scores.ImageSet.of("training images", parts.train, n, model.device),
    }


def draw(model: GANTask, folder: Path, seed: int) -> None:
    """A sheet of samples; where there are classes, a row of each."""
    if not model.classes:
        pictures.write_sheet(model.sample(pictures.SHEET, seed), folder / "samples.png")
        return
    rows = [model.sample(10, mix(seed, "row"), label) for label in range(model.classes)]  # the same noise in each
    pictures.write_sheet(torch.cat(rows), folder / "classes.png")
