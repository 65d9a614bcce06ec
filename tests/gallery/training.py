"""Small trainings, sound and deliberately broken, whose logs `doctor` is held against."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from arzhang import assembly, devices, recipes
from arzhang.contracts import Task, Turn
from arzhang.data import images
from arzhang.data.images import Images, Splits
from arzhang.data.pairs import Pairs
from arzhang.tasks.gan import GANTask
from arzhang.tasks.vae import VAETask
from arzhang.training.loop import Loop
from arzhang.training.run import Run

CPU = torch.device("cpu")
Spoil = Callable[[recipes.Training, Splits, Task], tuple[Splits, Task]]
"""What makes a training a broken one: other data, or another task."""


@functools.cache
def _whole() -> Splits:
    return images.load(notify=_silent)


def fashion(n: int, validation: int = 200) -> Splits:
    """The first images of Fashion-MNIST: n to train, others to validate."""
    whole = _whole()

    def first(part: Images, count: int) -> Images:
        return Images(part.pixels[:count], labels=part.labels[:count])

    parts = first(whole.train, n), first(whole.validation, validation), first(whole.test, validation)
    return Splits(*parts, f"Fashion-MNIST, {n} images", whole.sha256, whole.classes)


def parts_of(recipe: recipes.Training, n: int) -> Splits:
    """Data for a recipe: streets where it wants pairs, else some of Fashion-MNIST."""
    return assembly.splits(recipe, CPU, _silent) if isinstance(recipe, recipes.Paired) else fashion(n)


def train(recipe: recipes.Training, path: Path, n: int = 1_000, spoil: Spoil | None = None) -> Run:
    """Train as `assembly.train` does, in a new run directory, after `spoil` has had its way."""
    fabric = devices.launch(recipe)
    parts = parts_of(recipe, n)
    given = getattr(parts.train, "input_shape", None)
    shape, classes = parts.train.shape, len(parts.classes or ())
    task = assembly.build(recipe, shape, parts.train.levels, CPU, classes, given)
    if spoil is not None:
        parts, task = spoil(recipe, parts, task)
    assembly.begin(task, recipe, parts, _silent)
    run = Run.create(path, recipe, assembly.describe(parts))
    Loop(task, recipe, parts.train, parts.validation, run, fabric, _silent).fit()
    return run


def _silent(_: str) -> None:
    pass


# ---------------------------------------------------------------------------------------------------- what is broken


def missing_detach(recipe: Any, parts: Splits, task: Any) -> tuple[Splits, Task]:
    """D's turn makes images of its own and does not detach them, with G's weights left trainable."""

    class Undetached(GANTask):
        def judge(self, batch: Any, shared: dict[str, Any]) -> Any:
            shared = shared | {"made": _Undetachable(self.generator(batch.noise))}
            return super().judge(batch, shared)

    broken = _like(Undetached, recipe, parts)
    both = [*broken.turns[0].modules, broken.generator]
    broken.turns = [dataclasses.replace(broken.turns[0], modules=both), broken.turns[1]]
    return parts, broken


class _Undetachable:
    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def detach(self) -> torch.Tensor:
        return self.images


def _like(kind: type, recipe: recipes.Training, parts: Splits) -> Any:
    torch.manual_seed(0)
    if kind is VAETask or issubclass(kind, VAETask):
        return kind(recipe, parts.train.shape, parts.train.levels)
    return kind(recipe, parts.train.shape, len(parts.classes or ()))


def averaged_kl(recipe: Any, parts: Splits, task: Any) -> tuple[Splits, Task]:
    """The KL as a mean over the latent's dimensions, where it is their sum."""

    class Averaged(VAETask):
        def _kl(self, *given: Any) -> torch.Tensor:
            return super()._kl(*given) / self.recipe.latent_dim

    return parts, _like(Averaged, recipe, parts)


def pixel_mean(recipe: Any, parts: Splits, task: Any) -> tuple[Splits, Task]:
    """The reconstruction as a mean over pixels, beside a KL that is a sum: β is 784 times as large as it says."""

    class Averaged(VAETask):
        def terms(self, *given: Any, **named: Any) -> Any:
            found = super().terms(*given, **named)
            return found._replace(reconstruction=found.reconstruction / 784)

    return parts, _like(Averaged, recipe, parts)


def scaled(high: float, low: float = 0.0) -> Spoil:
    """Images whose values are taken to lie between `low` and `high` when they become [0, 1]."""

    def spoil(recipe: Any, parts: Splits, task: Any) -> tuple[Splits, Task]:
        def other(part: Images) -> Images:
            return Images(part.pixels, (low, high), part.labels)

        return parts._replace(train=other(parts.train), validation=other(parts.validation)), task

    return spoil


def mismatched(recipe: Any, parts: Any, task: Task) -> tuple[Any, Task]:
    """Beside each image the input of another one."""

    def other(part: Pairs) -> Pairs:
        inputs = Images(part.inputs.raw(torch.arange(len(part)).roll(1)))
        return Pairs(part.images, inputs, part.classes_are, jitter=part.jitter, mirror=part.mirror)

    return parts._replace(train=other(parts.train), validation=other(parts.validation)), task


def faster(player: str, times: float) -> Spoil:
    """One player learns so many times as fast as the recipe says."""

    def spoil(recipe: Any, parts: Splits, task: Any) -> tuple[Splits, Task]:
        (turn,) = (turn for turn in task.turns if turn.name == player)
        _quicken(turn, times)
        return parts, task

    return spoil


def _quicken(turn: Turn, times: float) -> None:
    for group in turn.optimizer.param_groups:
        group["lr"] *= times
