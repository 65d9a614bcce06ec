"""Procedural sprites with known factors: one bright shape on a dark ground, drawn antialiased at any size, from a seed.

Made for measures of disentanglement, after dSprites (Matthey et al. 2017): every image has one name. No shape looks
alike at two of the rotations, and shapes of one scale have equal areas, so that no factor gives another away.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from arzhang.errors import UsageError
from arzhang.randomness import generator

SHAPES = ("ellipse", "triangle", "heart")
RADIUS = 0.16
"""Of the disc that has a sprite's area at scale 1, in sides of the image: none reaches over the edge."""
FACTORS: dict[str, Tensor] = {
    "shape": torch.arange(3.0),
    "scale": torch.linspace(0.5, 1, 6),
    "rotation": torch.linspace(-45, 45, 16),
    "x": torch.linspace(0.3, 0.7, 16),
    "y": torch.linspace(0.3, 0.7, 16),
}
"""The values of each factor: the shape's number; the radius over RADIUS; degrees, clockwise; the centroid, from the
left and from the top, in sides of the image."""
NAMES = tuple(FACTORS)
COMBINATIONS = math.prod(len(values) for values in FACTORS.values())
CHUNK = 1 << 22
"""Pixels drawn at once."""


class Sprites(NamedTuple):
    """Images and what they show."""

    pixels: UInt8[Tensor, "N 1 S S"]
    factors: Float32[Tensor, "N 5"]
    """Values of FACTORS, in its order."""


def sprites(n: int, size: int = 64, seed: int = 0) -> Sprites:
    """n different combinations of the factors, drawn without replacement by the seed.

    >>> sprites(4, size=32).factors.shape
    torch.Size([4, 5])
    """
    if not 1 <= n <= COMBINATIONS:
        raise UsageError(f"{n:,} sprites: there are 1 to {COMBINATIONS:,}")
    left = torch.randperm(COMBINATIONS, generator=generator(seed, "sprites"))[:n]
    columns = []
    for values in reversed(FACTORS.values()):
        columns.append(values[left % len(values)])
        left = left // len(values)
    factors = torch.stack(columns[::-1], 1)
    return Sprites(draw(factors, size), factors)


def draw(factors: Float[Tensor, "N 5"], size: int = 64) -> UInt8[Tensor, "N 1 S S"]:
    """The sprites of these factors: each pixel is as bright as the share of it that the shape covers."""
    if size < 8:
        raise UsageError(f"--size {size}: a sprite needs at least 8 pixels a side")
    pixels = torch.empty(len(factors), 1, size, size, dtype=torch.uint8)
    centres = (torch.arange(size) + 0.5) / size
    for number, shape in enumerate(_SHAPES):
        rows = (factors[:, 0] == number).nonzero()[:, 0]
        for part in rows.split(max(1, CHUNK // size**2)):
            _, scale, rotation, x, y = factors[part].float().T[..., None, None]
            across, down, turn = centres - x, centres[:, None] - y, rotation.deg2rad()
            # In the shape's own frame: turned back, in units of its radius.
            radius = RADIUS * scale
            u = (across * turn.cos() + down * turn.sin()) / radius
            v = (down * turn.cos() - across * turn.sin()) / radius
            # The edge's way through a pixel is all but straight there: its distance says how much is covered.
            covered = (0.5 - shape(u, v) * radius * size).clamp_(0, 1)
            pixels[part, 0] = (covered * 255).round_().to(torch.uint8)
    return pixels


# -------------------------------------------------------------- distances from the edge, negative inside, for area π


def _ellipse(u: Tensor, v: Tensor) -> Tensor:
    """Twice as wide as high: half axes √2 and 1/√2. To first order: (f − 1) f / |∇f²/2| with f² = u²/2 + 2v²."""
    f = (u.square() / 2 + 2 * v.square()).sqrt()
    slope = (u.square() / 4 + 4 * v.square()).sqrt()
    return (f - 1) * f / slope.clamp_min(1e-6)


def _triangle(u: Tensor, v: Tensor) -> Tensor:
    """Isosceles, 1.2 times as high as wide, pointing up; its centroid lies a third of the height above its base."""
    width = math.sqrt(2 * math.pi / 1.2)
    height = 1.2 * width
    slant = math.hypot(height, width / 2)
    side = (u.abs() * height - (v + height * 2 / 3) * width / 2) / slant  # 0 on the line from apex to base
    return torch.maximum(v - height / 3, side)


def _heart(u: Tensor, v: Tensor) -> Tensor:
    """A square standing on its corner, and a half disc on each of its upper sides."""
    half = math.sqrt(math.pi / (4 + math.pi))  # of the square's side: 4h² + πh² = π
    centroid = half * math.sqrt(0.5) * (math.pi + 4 / 3) / (4 + math.pi)  # above the square's middle
    v = v - centroid
    a, b = (u.abs() + v) * math.sqrt(0.5), (u.abs() - v) * math.sqrt(0.5)
    square = torch.maximum(a.abs(), b.abs()) - half
    disc = torch.hypot(a, b - half) - half
    return torch.minimum(square, disc)


_SHAPES: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (_ellipse, _triangle, _heart)
