"""DCGAN's networks (Radford, Metz & Chintala 2016) for small square images, told the class where there are classes."""

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from arzhang.errors import UsageError
from arzhang.networks.pix2pix import SLOPE, DownSample, Norm, UpSample, initialise

SMALLEST, LARGEST = 8, 128
"""Pixels a side that these networks take."""
STARTS = (4, 7)
"""Pixels a side of the smallest map: 4 doubled to 8, 16, 32, …, or 7 to 14, 28, 56, …"""


class Generator(nn.Module):
    """Noise (B, N) → images (B, C, S, S) in [−1, 1]. For 28×28×1, 64 numbers and no classes: 533,889 parameters.

    With `classes` the class enters as N numbers of its own that are learned, beside the noise.
    """

    def __init__(self, size: int = 28, channels: int = 1, latent_dim: int = 64, width: int = 64, classes: int = 0):
        super().__init__()
        self.start, doublings = _course(size)
        widths = [width * 2**i for i in reversed(range(doublings))]  # 28×28: 128 64
        self.classes = nn.Embedding(classes, latent_dim) if classes else None
        given = latent_dim * (2 if classes else 1)
        # Shapes beside the layers are those at 28×28 with width 64.
        self.first = nn.Linear(given, widths[0] * self.start**2, bias=False)  # B, 128 · 7 · 7
        self.norm = nn.BatchNorm2d(widths[0])  # B, 128,  7,  7
        self.up = nn.Sequential(
            *(UpSample(wide, out) for wide, out in pairwise(widths)),  # B,  64, 14, 14
            UpSample(widths[-1], channels, norm=None, bias=True),  # B,   1, 28, 28
        )
        initialise(self)
        nn.init.normal_(self.first.weight, 0.0, 0.02)

    def forward(
        self, noise: Float[Tensor, "B N"], labels: Int64[Tensor, " B"] | None = None
    ) -> Float[Tensor, "B C S S"]:
        """`labels`: the class of each image, where there are classes."""
        if self.classes is not None:
            noise = torch.cat([noise, self.classes(labels)], 1)
        x = self.first(noise).unflatten(1, (-1, self.start, self.start))
        return self.up(self.norm(x)).tanh()


class Discriminator(nn.Module):
    """Images (B, C, S, S) in [−1, 1] → logits (B, 1), high where an image looks real. At 28×28×1: 138,561 parameters.

    With `classes` the logit is told the class by projection (Miyato & Koyama 2018): ⟨e_y, h⟩ is added to it, where h
    are the features of the image and e_y numbers of the class that are learned. `norm="spectral"` divides each weight
    by its largest singular value (Miyato et al. 2018), so that every image is judged by itself; "batch" is DCGAN's.
    """

    def __init__(
        self,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        classes: int = 0,
        norm: Literal["spectral", "batch"] = "spectral",
    ) -> None:
        super().__init__()
        start, halvings = _course(size)
        widths = [width * 2**i for i in range(halvings)]  # 28×28: 64 128
        between: Norm | None = "batch" if norm == "batch" else None
        # Shapes beside the layers are those at 28×28 with width 64.
        self.down = nn.Sequential(
            DownSample(channels, width, norm=None, activate=False, bias=True),  # B,  64, 14, 14
            *(
                DownSample(wide, wider, between, bias=between is None) for wide, wider in pairwise(widths)
            ),  # B, 128, 7, 7
        )
        features = widths[-1] * start**2
        self.last = nn.Linear(features, 1)  # B, 128 · 7 · 7 → B, 1
        self.classes = nn.Embedding(classes, features) if classes else None
        initialise(self)
        nn.init.normal_(self.last.weight, 0.0, 0.02)
        if self.classes is not None:
            nn.init.normal_(self.classes.weight, 0.0, 0.02)
        if norm == "spectral":
            weighted = nn.Conv2d | nn.Linear | nn.Embedding
            for part in [module for module in self.modules() if isinstance(module, weighted)]:
                spectral_norm(part)

    def forward(
        self, images: Float[Tensor, "B C S S"], labels: Int64[Tensor, " B"] | None = None
    ) -> Float[Tensor, "B 1"]:
        """`labels`: the class that each image is said to be of, where there are classes."""
        features = F.leaky_relu(self.down(images), SLOPE).flatten(1)
        logits = self.last(features)
        if self.classes is None:
            return logits
        return logits + (self.classes(labels) * features).sum(1, keepdim=True)


def _course(size: int) -> tuple[int, int]:
    """The side of the smallest map, and how often it is doubled. Raises UsageError for another size.

    >>> _course(28), _course(32)
    ((7, 2), (4, 3))
    """
    fitting = {start << n: (start, n) for start in STARTS for n in range(1, 6) if SMALLEST <= start << n <= LARGEST}
    if size not in fitting:
        near = sorted(sorted(fitting, key=lambda side: abs(side - size))[:2])
        raise UsageError(
            f"images of {size}×{size} pixels: these networks take {', '.join(map(str, sorted(fitting)))}; "
            f"give --size {near[0]} or --size {near[1]}"
        )
    return fitting[size]
