"""What passes between the rooms: a batch, a turn, a task. Loop and tasks know each other only through this page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

Scalars = dict[str, Tensor]
"""Named scalar tensors, left on the device: whoever needs them as numbers reads them once in a while."""


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

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """Validation terms of each image, in evaluation mode, without gradients."""

    def observe(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """Terms of each image that are too dear for every epoch: of some images, at previews. May be empty."""

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B C H W"]]:
        """Named images in [0, 1] for the eye, the same batch each time."""
