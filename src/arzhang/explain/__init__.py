"""The networks of a system or a run as tables and drawings, block by block, taken from the modules themselves.

What is said of a block is in the language that is spoken now.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from arzhang import assembly
from arzhang.contracts import Task
from arzhang.errors import UsageError
from arzhang.networks.walk import Block, Operation, Shape, walk
from arzhang.recipes import Paired, Training, nearest
from arzhang.tasks.classifier import ClassifierTask
from arzhang.tasks.cyclegan import CycleGANTask
from arzhang.tasks.gan import GANTask
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.tasks.segmenter import SegmenterTask
from arzhang.tasks.vae import VAETask
from arzhang.wording import named, words

SIZE = 28
"""Side of the images of a system that says none, as Fashion-MNIST's."""


class Network(NamedTuple):
    """One network of a system, walked through."""

    system: str
    name: str
    """Such as `generator`."""
    blocks: Sequence[Block]

    @property
    def title(self) -> str:
        return self.name if self.name == self.system else f"{self.system} {self.name}"

    @property
    def weights(self) -> int:
        return sum(block.parameters for block in self.blocks)

    @property
    def judges(self) -> bool:
        """Whether it says of an image, or of its patches, whether it is real."""
        return self.name.endswith("discriminator")


def of_recipe(recipe: Training, channels: int | None = None, classes: int = 10) -> list[Network]:
    """The networks that a recipe trains, for images of its size with so many channels (by default colours of pairs,
    grey of single images) and a data set of so many classes. Nothing is computed."""
    size = recipe.size or SIZE
    assembly.refuse_unfit(recipe)
    shape = (channels or (3 if isinstance(recipe, Paired) else 1), size, size)
    with torch.device("meta"):
        task = assembly.build(recipe, shape, 256, torch.device("meta"), classes, shape)
    return networks(task, recipe.system)


def of_run(path: Path, checkpoint: str = "best") -> list[Network]:
    """The networks of a trained run."""
    task = assembly.load(path, checkpoint=checkpoint)
    return networks(task, task.recipe.system)


def networks(task: Task, system: str) -> list[Network]:
    """Every network of a task: where two are built alike, in both directions of a CycleGAN, the first."""
    parts: dict[str, list[Block]] = {}
    if isinstance(task, Pix2PixTask):
        parts["generator"] = walk(task.generator, input=task.input_shape)
        if task.game is not None:
            judge = task.networks.get_submodule("discriminator")
            seen = (task.input_shape,) if task.recipe.conditional else ()
            given = (sum(shape[0] for shape in (*seen, task.shape)), *task.shape[1:])
            parts["discriminator"] = walk(judge, **{"input and image" if seen else "image": given})
    elif isinstance(task, CycleGANTask):
        sides = {"": (task.input_shape, task.shape), "inverse ": (task.shape, task.input_shape)}
        for way, network, judge in zip(sides, (task.generator, task.inverse), task.judges, strict=True):
            given, made = sides[way]
            if way and given[0] == made[0]:
                break
            parts[f"{way}generator"] = walk(network, input=given)
            parts[f"{way}discriminator"] = walk(judge, image=made)
    elif isinstance(task, GANTask):
        told: dict[str, Shape] = {"class": ()} if task.classes else {}
        parts["generator"] = walk(task.generator, noise=(task.recipe.latent_dim,), **told)
        parts["discriminator"] = walk(task.discriminator, image=task.shape, **told)
    elif isinstance(task, VAETask):
        parts["encoder"] = walk(task.vae, lambda vae, images: vae.encode(images), image=task.shape)
        parts["decoder"] = walk(task.vae, lambda vae, latents: vae.decode(latents), latent=(task.recipe.latent_dim,))
    elif isinstance(task, SegmenterTask):
        parts["segmenter"] = walk(task.segmenter, image=task.shape)
    elif isinstance(task, ClassifierTask):
        parts["classifier"] = walk(_only(task.networks), image=task.shape)
    return [Network(system, name, blocks) for name, blocks in parts.items()]


def _only(networks: nn.Module) -> nn.Module:
    (network,) = networks.children()
    return network


def chosen(found: Sequence[Network], name: str | None) -> list[Network]:
    """The network of a name, or all of them. Raises UsageError where there is none of that name."""
    if name is None:
        return list(found)
    names = [network.name for network in found]
    if name not in names:
        raise UsageError(f"explain {found[0].system} {name}: there is {', '.join(names)}{nearest(name, names)}")
    return [network for network in found if network.name == name]


# ----------------------------------------------------------------------------------------------------------- as text


def rows(network: Network) -> list[tuple[str, ...]]:
    """The headings, then every block: what it is given and gives, what is done in it, its weights; of a discriminator
    also how much of the image one number of its output sees."""
    heads = ("block", "input", "output", "in it, in order", "sees", "weights")
    found: list[tuple[str, ...]] = [tuple(map(named, heads))]
    for block in network.blocks:
        if block.sources:
            done = words("language.comma").join(map(said, block.operations))
            weights = named(f"{block.parameters:,}") if block.parameters else "–"
            found.append(
                (named(block.name), given(block), named(size(block.output)), done, named(seen(block)), weights)
            )
    return found if network.judges else [row[:4] + row[5:] for row in found]


def table(network: Network) -> str:
    """The rows, in columns, and how many weights there are.

    >>> from arzhang.recipes import Pix2Pix
    >>> print(table(of_recipe(Pix2Pix(size=16, width=1, receptive_field=1))[1]).splitlines()[-1])
    16 weights; each of its 16×16 outputs sees 1×1 pixels
    """
    columns = list(zip(*rows(network), strict=True))
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    lines = ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]
    total, last = f"{network.weights:,} weights", network.blocks[-1]
    if network.judges and last.sees is not None:
        total += f"; each of its {size(last.output[1:])} outputs sees {seen(last)} pixels"
    return "\n".join([*lines, total])


def given(block: Block) -> str:
    """What a block is given, and from where if from several."""
    if not block.input and len(block.sources) == 1:
        return named(block.sources[0][0].name)
    if len(block.sources) == 1:
        return named(size(block.input))
    parts = (words("explain.of", {"count": count, "source": source.name}) for source, count in block.sources)
    return f"{named(size(block.input))} ({words('language.comma').join(parts)})"


def said(operation: Operation) -> str:
    """One operation in words.

    >>> said(Operation("convolution", kernel=4, stride=2)), said(Operation("dropout", value=0.5))
    ('convolution 4×4 by 2', 'dropout 0.5')
    """
    text = operation.kind
    if operation.kernel:
        text += f" {operation.kernel}×{operation.kernel}"
    if operation.stride > 1:
        text += f" by {operation.stride}"
    if operation.dilation > 1:
        text += f", pixels {operation.dilation} apart"
    if operation.spectral:
        text += " (spectral norm)"
    return named(text if operation.value is None else f"{text} {operation.value:g}")


def seen(block: Block) -> str:
    """How much of the image one number of a block's output sees."""
    return "all" if block.sees is None else size((block.sees, block.sees))


def size(shape: Shape) -> str:
    """(512, 1, 1) → '512×1×1'."""
    return "×".join(map(str, shape))
