"""The Inception network of FID (TensorFlow's release of 2015-12-05), batch normalisation folded into convolutions.

It differs from the published Inception v3 in its pooling: averages leave the padding out, and the last block takes a
maximum. (Szegedy et al. 2016; Heusel et al. 2017)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

EPSILON = 1e-3
"""Of the batch normalisation that was folded in."""
FEATURES = 2048


class Conv(nn.Conv2d):
    """Convolution and ReLU; its bias is what is left of the normalisation."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu_()


class Fork(nn.Module):
    """Two convolutions side by side on the same input."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.left(x), self.right(x)], 1)


class Block(nn.Module):
    """Branches on the same input, their channels one after another."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def chain(
    width: int, *layers: tuple[int, int | tuple[int, int]], stride: int = 1, padded: bool = True
) -> nn.Sequential:
    """Convolutions in a row, each (channels out, kernel), padded so that sizes stay; the last one has the stride."""
    convolutions = []
    for i, (out, kernel) in enumerate(layers):
        height, across = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        last = i + 1 == len(layers)
        padding = (0, 0) if last and not padded else (height // 2, across // 2)
        convolutions.append(Conv(width, out, (height, across), stride if last else 1, padding))
        width = out
    return nn.Sequential(*convolutions)


def average() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


def block_a(width: int, pooled: int) -> Block:
    """35×35."""
    return Block(
        chain(width, (64, 1)),
        chain(width, (48, 1), (64, 5)),
        chain(width, (64, 1), (96, 3), (96, 3)),
        nn.Sequential(average(), *chain(width, (pooled, 1))),
    )


def block_b(width: int) -> Block:
    """35×35 → 17×17."""
    return Block(
        chain(width, (384, 3), stride=2, padded=False),
        chain(width, (64, 1), (96, 3), (96, 3), stride=2, padded=False),
        nn.MaxPool2d(3, 2),
    )


def block_c(width: int, n: int) -> Block:
    """17×17, its kernels split into 1×7 and 7×1."""
    return Block(
        chain(width, (192, 1)),
        chain(width, (n, 1), (n, (1, 7)), (192, (7, 1))),
        chain(width, (n, 1), (n, (7, 1)), (n, (1, 7)), (n, (7, 1)), (192, (1, 7))),
        nn.Sequential(average(), *chain(width, (192, 1))),
    )


def block_d(width: int) -> Block:
    """17×17 → 8×8."""
    return Block(
        chain(width, (192, 1), (320, 3), stride=2, padded=False),
        chain(width, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3), stride=2, padded=False),
        nn.MaxPool2d(3, 2),
    )


def block_e(width: int, pool: nn.Module) -> Block:
    """8×8, ends in forks."""

    def fork() -> Fork:
        return Fork(chain(384, (384, (1, 3))), chain(384, (384, (3, 1))))

    return Block(
        chain(width, (320, 1)),
        nn.Sequential(chain(width, (384, 1)), fork()),
        nn.Sequential(chain(width, (448, 1), (384, 3)), fork()),
        nn.Sequential(pool, *chain(width, (192, 1))),
    )


class Inception(nn.Sequential):
    """Images (B, 3, 299, 299), normalised as the protocol says → pooled features (B, 2048)."""

    def __init__(self) -> None:
        super().__init__(
            Conv(3, 32, 3, 2),  # B,   32, 149, 149
            Conv(32, 32, 3),  # B,   32, 147, 147
            Conv(32, 64, 3, padding=1),  # B,   64, 147, 147
            nn.MaxPool2d(3, 2),  # B,   64,  73,  73
            Conv(64, 80, 1),  # B,   80,  73,  73
            Conv(80, 192, 3),  # B,  192,  71,  71
            nn.MaxPool2d(3, 2),  # B,  192,  35,  35
            block_a(192, 32),  # B,  256,  35,  35
            block_a(256, 64),  # B,  288,  35,  35
            block_a(288, 64),  # B,  288,  35,  35
            block_b(288),  # B,  768,  17,  17
            block_c(768, 128),
            block_c(768, 160),
            block_c(768, 160),
            block_c(768, 192),  # B,  768,  17,  17
            block_d(768),  # B, 1280,   8,   8
            block_e(1280, average()),  # B, 2048,   8,   8
            block_e(2048, nn.MaxPool2d(3, 1, 1)),  # B, 2048,   8,   8
            nn.AdaptiveAvgPool2d(1),  # B, 2048,   1,   1
            nn.Flatten(),  # B, 2048
        )

    @torch.no_grad()
    def fold(self, layers: Sequence[tuple[Tensor, Tensor, Tensor, Tensor]]) -> None:
        """Take (weight, shift, mean, variance) of every convolution and its normalisation, in the order of the blocks.

        Raises ValueError where number or shapes are not this network's.
        """
        convolutions = [module for module in self.modules() if isinstance(module, Conv)]
        if len(convolutions) != len(layers):
            raise ValueError(f"{len(layers)} convolutions, this network has {len(convolutions)}")
        for own, (weight, shift, mean, variance) in zip(convolutions, layers, strict=True):
            if own.weight.shape != weight.shape:
                raise ValueError(f"a convolution of shape {tuple(weight.shape)}, expected {tuple(own.weight.shape)}")
            scale = (variance.double() + EPSILON).rsqrt()
            own.weight.copy_(weight.double() * scale.view(-1, 1, 1, 1))
            assert own.bias is not None
            own.bias.copy_(shift.double() - mean.double() * scale)
