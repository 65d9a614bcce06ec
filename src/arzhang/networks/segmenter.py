"""A small U-Net that says of each pixel its class: quick to train, for scores in a data set's domain."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from arzhang.errors import UsageError

HALVINGS = 3


class Segmenter(nn.Module):
    """Images (B, 3, H, W) in [0, 1], sides multiples of 8 → logits of classes (B, K, H, W). 587,411 parameters.

    Convolutions 3×3 with batch normalisation and ReLU, two a level, at widths 16, 32, 64 and 128, the last with one
    more that looks two pixels apart; then up again, each level with the map of its size from the way down.
    """

    def __init__(self, classes: int = 19, channels: int = 3, width: int = 16) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(HALVINGS + 1)]
        self.down = nn.ModuleList(
            [
                nn.Sequential(*convolution(wide, wider), *convolution(wider, wider))
                for wide, wider in zip([channels, *widths], widths, strict=False)
            ]
        )
        self.context = nn.Sequential(*convolution(widths[-1], widths[-1], dilation=2))
        self.up = nn.ModuleList([nn.Sequential(*convolution(wide + wider, wide)) for wide, wider in pairwise(widths)])
        self.classes = nn.Conv2d(width, classes, 1)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K H W"]:
        """Logits. Raises UsageError for sides that are no multiples of 8."""
        self.refuse_unfit(*images.shape[-2:])
        x, maps = images - 0.5, []
        for i, down in enumerate(self.down):
            x = down(F.max_pool2d(x, 2) if i else x)
            maps.append(x)
        x = self.context(maps.pop())
        for up in reversed(self.up):
            x = up(torch.cat([maps.pop(), F.interpolate(x, scale_factor=2.0)], 1))
        return self.classes(x)

    def refuse_unfit(self, height: int, width: int) -> None:
        """Raise UsageError for sides that are no multiples of 8."""
        step = 2**HALVINGS
        if height % step or width % step:
            raise UsageError(f"images of {height}×{width} pixels: the segmenter takes multiples of {step}")


def convolution(inputs: int, outputs: int, dilation: int = 1) -> list[nn.Module]:
    """3×3, sizes stay."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU()]
