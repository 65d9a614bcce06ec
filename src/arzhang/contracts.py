"""What passes between the rooms: examples, a batch, a turn, a task. Data, loop and tasks meet only on this page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from arzhang.errors import UsageError
from arzhang.recipes import Paired

Scalars = dict[str, Tensor]
"""Named scalar tensors, left on the device: whoever needs them as numbers reads them once in a while."""


LUCK = 4
"""Uniform numbers that one example may use up for its crop, its mirroring, its partner."""


class Example(NamedTuple):
    """What a data set holds at some indices, on the device."""

    images: Float[Tensor, "B C H W"]
    """In [0, 1]. Of a pair: what is to be made, such as a photo."""
    labels: Int64[Tensor, " B"] | None = None
    """Class of each image, where the data set has classes."""
    inputs: Float[Tensor, "B D H W"] | None = None
    """In [0, 1]. Of a pair: what is given, such as a segmentation."""


@runtime_checkable
class Examples(Protocol):
    """One part of a data set, as the loop needs it."""

    shape: tuple[int, int, int]
    """Channels, height and width of an image."""
    augmented: bool
    """Whether `take` can use luck."""

    def __len__(self) -> int: ...

    def take(self, indices: Int64[Tensor, " B"], luck: Float[Tensor, "B 4"] | None = None) -> Example:
        """These examples; jittered and mirrored by uniform numbers in [0, 1), or as they are where there are none.

        Indices and luck may lie on the CPU: they are sent to the device without waiting for it.
        """


class Batch(NamedTuple):
    """Images on the device, what they are called in their data set, and the noise that belongs to them."""

    images: Float[Tensor, "B C H W"]
    """In [0, 1]."""
    indices: Int64[Tensor, " B"]
    noise: Tensor
    """Standard noise in the shape that the task asked for, one row an image; drawn for the global batch."""
    epoch: float = 0.0
    """Time in epochs since the start, a fraction within an epoch: what schedules depend on."""
    labels: Int64[Tensor, " B"] | None = None
    """Class of each image, where the data set has classes."""
    inputs: Float[Tensor, "B D H W"] | None = None
    """In [0, 1]. Of a pair: what is given, such as a segmentation; `images` is what is to be made of it."""


@dataclass(frozen=True)
class Turn:
    """One player's move in a step: the modules it updates, with which optimizer, by which loss.

    `loss(batch, shared)` gives the scalar to be minimised and the terms to be logged; `shared` is a dict that lives
    for one step, so that what one turn computed serves the next.
    """

    name: str
    modules: Sequence[nn.Module]
    optimizer: torch.optim.Optimizer
    loss: Callable[[Batch, dict[str, Any]], tuple[Float[Tensor, ""], Scalars]]


@runtime_checkable
class Task(Protocol):
    """What a system is trained for. It owns its networks, imports no Fabric and runs under plain torch."""

    networks: nn.Module
    turns: Sequence[Turn]
    criterion: str
    """The key of `measure` by which the best checkpoint is chosen; smaller is better."""

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Noise for n images, (n, …), on the generator's device."""

    def prepare(self, batch: Batch) -> dict[str, Any]:
        """What the turns of one step share from its beginning, made while no network is frozen: an image that one
        player made and all judge. It is the dict that each turn's loss is given."""

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """Validation terms of each image, in evaluation mode, without gradients."""

    def observe(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """Terms of each image that are too dear for every epoch: of some images, at previews. May be empty."""

    previewed: int
    """How many images one looks at in a preview."""

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B C H W"]]:
        """Named images in [0, 1] for the eye, the same batch each time."""


@runtime_checkable
class Maker(Task, Protocol):
    """A task whose networks make images: of noise, of a class, of another image."""

    @property
    def device(self) -> torch.device: ...

    def made(self, batch: Batch) -> Float[Tensor, "B C H W"]:
        """What is made of a batch's noise, classes or inputs, each image by itself, in [0, 1]."""


@runtime_checkable
class Translator(Maker, Protocol):
    """A task whose networks make one image of another; `Maker.made` of a batch's inputs."""

    shape: tuple[int, int, int]
    input_shape: tuple[int, int, int]

    @property
    def recipe(self) -> Paired: ...

    @property
    def noisy(self) -> bool:
        """Whether outputs of one input differ from seed to seed."""

    @property
    def step(self) -> int:
        """Sides of images that can be translated are multiples of this."""

    @property
    def used(self) -> dict[str, Any]:
        """How translations are made, for the protocol of a number."""

    def translate(
        self, inputs: Float[Tensor, "B D H W"], seed: int = 0, first: int = 0, dropout: bool | None = None
    ) -> Float[Tensor, "B C H W"]:
        """What is made of inputs in [0, 1] or bytes, each by itself, by the seed and its number `first`, …"""


@runtime_checkable
class Remembering(Protocol):
    """A task that keeps something from step to step that is no network's: earlier images.

    The loop saves it and brings it back, each rank's own; it is neither averaged nor shared among ranks.
    """

    memory: nn.Module


def given(images: Tensor, shape: tuple[int, int, int], like: Tensor) -> Float[Tensor, "B C H W"]:
    """A user's images as a model takes them: bytes, or numbers in [0, 1], become the type and device of `like`.

    Raises UsageError for another shape than (B, *shape), and for numbers outside [0, 1] or NaN.
    """
    if images.ndim != 4 or tuple(images.shape[1:]) != shape:
        raise UsageError(f"images of shape {tuple(images.shape)}: this model takes (B, {', '.join(map(str, shape))})")
    images = images.to(like.device)
    if images.dtype == torch.uint8:
        return images.to(like.dtype) / 255
    images = images.to(like.dtype)
    low, high = (float(x) for x in images.aminmax()) if images.numel() else (0.0, 1.0)
    if not (low >= 0 and high <= 1):  # NaN fails too
        raise UsageError(f"images must lie in [0, 1], or be bytes; these reach from {low:.3g} to {high:.3g}")
    return images
