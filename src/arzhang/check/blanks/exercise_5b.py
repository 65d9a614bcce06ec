"""5b. pix2pix's networks: a U-Net generator of two kinds of blocks, and the 70×70 PatchGAN discriminator."""

import torch
from torch import nn


class DownSample(nn.Module):
    """Halves: (B, inputs, H, W) → (B, outputs, H/2, W/2), by a convolution of kernel 4, stride 2 and padding 1.

    norm: whether batch normalisation follows; the convolution has a bias only where it does not. A leaky ReLU of slope
    0.2 stands at the block's beginning or at its end, or between the blocks.

    Example: DownSample(64, 128)(torch.rand(2, 64, 16, 16)) has shape (2, 128, 8, 8).
    """

    def __init__(self, inputs: int, outputs: int, norm: bool = True) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class UpSample(nn.Module):
    """Doubles: (B, inputs, H, W) → (B, outputs, 2H, 2W), by a transposed convolution of kernel 4, stride 2, padding 1.

    Batch normalisation follows, so the convolution has no bias; then dropout of 0.5, if asked for. A ReLU stands at the
    block's beginning or at its end, or between the blocks.

    Example: UpSample(128, 64, dropout=True)(torch.rand(2, 128, 8, 8)) has shape (2, 64, 16, 16).
    """

    def __init__(self, inputs: int, outputs: int, dropout: bool = False) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class Generator(nn.Module):
    """Segmentations (B, 3, 256, 256) in [−1, 1] → photos (B, 3, 256, 256) in [−1, 1].

    Down: C64-C128-C256-C512-C512-C512-C512-C512, to a map of 1×1. No normalisation on the first, nor on the map of 1×1
    (of one image it would leave only a constant). Up: CD512-CD512-CD512-C512-C256-C128-C64, each but the first given,
    besides what came from below, the map of its size from the way down; then a last transposed convolution to 3
    channels, with a bias and no normalisation, and tanh. D: dropout. The first and the 1×1 convolution of the way down
    have no bias either. 54,413,955 parameters.

    Example: Generator()(torch.rand(1, 3, 256, 256)) has shape (1, 3, 256, 256).
    """

    def __init__(self) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, segmentations: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class Discriminator(nn.Module):
    """A segmentation and a photo, one above the other (B, 6, 256, 256) → logits (B, 1, 30, 30), one a patch of 70×70.

    C64-C128-C256 of kernel 4 and stride 2, C512 of stride 1, then a convolution to 1 channel of stride 1; padding 1
    throughout; batch normalisation on all but the first and the last, which have biases; leaky ReLU of slope 0.2
    between them, and no sigmoid: the loss takes logits. 2,768,705 parameters.

    Example: Discriminator()(torch.rand(1, 6, 256, 256)) has shape (1, 1, 30, 30).
    """

    def __init__(self) -> None:
        super().__init__()
        raise NotImplementedError

    def forward(self, pairs: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError
