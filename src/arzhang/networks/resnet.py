"""CycleGAN's generator (Zhu et al., ICCV 2017, after Johnson et al. 2016): residual blocks at a quarter of the size."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from arzhang.errors import UsageError
from arzhang.networks.pix2pix import initialise

HALVINGS = 2
SMALLEST = 8
"""Pixels of the shorter side: a quarter of less is one pixel, which can be neither reflected nor normalised."""


class Convolution(nn.Sequential):
    """Convolution padded by reflection, instance normalisation without parameters, ReLU: (B, in, …) → (B, out, …)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, activate: bool = True) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect")
        super().__init__(convolution, nn.InstanceNorm2d(outputs), *[nn.ReLU()] * activate)


class Halving(nn.Sequential):
    """(B, in, H, W) → (B, out, H/2, W/2), padded by zeros."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.InstanceNorm2d(outputs), nn.ReLU())


class Doubling(nn.Sequential):
    """(B, in, H, W) → (B, out, 2H, 2W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        convolution = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
        super().__init__(convolution, nn.InstanceNorm2d(outputs), nn.ReLU())


class Residual(nn.Module):
    """x + what two convolutions make of x, without an activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(Convolution(channels, channels, 3), Convolution(channels, channels, 3, False))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return x + self.change(x)


class ResNetGenerator(nn.Module):
    """Images (B, inputs, H, W) in [−1, 1] → images (B, outputs, H, W) in [−1, 1]; sides are multiples of 4.

    The paper's: 6 blocks for 128×128 (7,837,699 parameters), 9 for 256×256 and more (11,378,179). Convolutions have
    biases, since the normalisation of each image alone has no parameters.
    """

    def __init__(self, blocks: Literal[6, 9] = 9, inputs: int = 3, outputs: int = 3, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Convolution(inputs, width, 7),  # B,  64, 256, 256
            Halving(width, 2 * width),  # B, 128, 128, 128
            Halving(2 * width, 4 * width),  # B, 256,  64,  64
            *(Residual(4 * width) for _ in range(blocks)),  # B, 256,  64,  64
            Doubling(4 * width, 2 * width),  # B, 128, 128, 128
            Doubling(2 * width, width),  # B,  64, 256, 256
            nn.Conv2d(width, outputs, 7, padding=3, padding_mode="reflect"),  # B, 3, 256, 256
        )
        initialise(self)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """Images translated. Raises UsageError where their sides are no multiples of 4, or below 8 pixels."""
        height, width = images.shape[-2:]
        step = 2**HALVINGS
        if height % step or width % step or min(height, width) < SMALLEST:
            raise UsageError(
                f"images of {height}×{width} pixels: this network takes multiples of {step}, from {SMALLEST} on"
            )
        return torch.tanh(self.layers(images))
