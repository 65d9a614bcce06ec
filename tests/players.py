"""What the tests of systems with two players share: images in memory, a batch of them, a training by the loop."""

import dataclasses

import pytest
import torch

from arzhang.contracts import Batch, Example
from arzhang.devices import Fabric
from arzhang.training import checkpoint as checkpoints
from arzhang.training.loop import Loop
from arzhang.training.run import Run


class Memory:
    """Random images, as the loop needs them: of classes, or where there are none with inputs that they are made of."""

    augmented = False

    def __init__(self, n, shape, classes=0):
        rng = torch.Generator().manual_seed(0)
        self.shape = shape
        self.inputs = None if classes else torch.rand(n, *shape, generator=rng)
        self.images = torch.rand(n, *shape, generator=rng)
        self.labels = torch.arange(n) % classes if classes else None

    def __len__(self):
        return len(self.images)

    def take(self, indices, luck=None):
        labels, inputs = (None if side is None else side[indices] for side in (self.labels, self.inputs))
        return Example(self.images[indices], labels, inputs)


def batch(model, n, classes=0):
    """n of them, with the noise that a task asks for."""
    some = Memory(n, model.shape, classes).take(torch.arange(n))
    noise = model.noise(n, torch.Generator().manual_seed(1))
    return Batch(some.images, torch.arange(n), noise, labels=some.labels, inputs=some.inputs)


def fit(path, model, train, validation, classes=0, **options):
    """Train, or go on, on so many images; returns the last checkpoint."""
    recipe = dataclasses.replace(model.recipe, **options)
    run = Run(path) if path.exists() else Run.create(path, recipe, {})
    parts = (Memory(n, model.shape, classes) for n in (train, validation))
    Loop(model, recipe, *parts, run, Fabric(accelerator="cpu", devices=1), lambda _: None).fit()
    return checkpoints.newest_sound(path / "checkpoints", pytest.fail)
