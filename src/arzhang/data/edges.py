"""Edges of photos, thin and clean (Canny 1986), and Fashion-MNIST beside its edges."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from arzhang.data import cache, sources
from arzhang.data.cache import Decoded

VERSION = 1
CHUNK = 4_096


def canny(
    images: Float[Tensor, "B 1 H W"], sigma: float = 0.8, low: float = 0.08, high: float = 0.2
) -> Bool[Tensor, "B 1 H W"]:
    """Where images in [0, 1] have edges one pixel thin: the gradient of the smoothed image is greatest across the edge,
    above `high`, or above `low` and connected with what is above `high` (Canny, PAMI 8(6), 1986). Gradients in [0, 1]
    a pixel.
    """
    reach = max(1, round(3 * sigma))
    weights = torch.exp(-((torch.arange(-reach, reach + 1, device=images.device) / sigma) ** 2) / 2).to(images.dtype)
    weights = weights / weights.sum()
    smooth = F.pad(images, (reach, reach, reach, reach), mode="replicate")
    smooth = F.conv2d(F.conv2d(smooth, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=images.device, dtype=images.dtype) / 8
    padded = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
    dx, dy = F.conv2d(padded, sobel[None, None]), F.conv2d(padded, sobel.T[None, None])
    strength = (dx * dx + dy * dy).sqrt()
    # Across the edge, in one of four directions, no neighbour is stronger (on one side: strictly), so one pixel stays.
    around = F.pad(strength, (1, 1, 1, 1))
    height, width = strength.shape[2:]

    def neighbour(down: int, across: int) -> Tensor:
        return around[:, :, 1 + down : 1 + down + height, 1 + across : 1 + across + width]

    sector = (torch.atan2(dy, dx) / (torch.pi / 4)).round().long() % 4
    thin = torch.zeros_like(strength, dtype=torch.bool)
    for number, (down, across) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        greatest = (strength > neighbour(down, across)) & (strength >= neighbour(-down, -across))
        thin |= (sector == number) & greatest
    weak, strong = thin & (strength >= low), thin & (strength >= high)
    while True:  # edges grow from strong pixels along weak ones
        grown = weak & (F.max_pool2d(strong.to(images.dtype), 3, 1, 1) > 0)
        if torch.equal(grown, strong):
            return strong
        strong = grown


def made(files: dict[str, Path], half: str, size: tuple[int, int]) -> Decoded:
    """The photos of Fashion-MNIST's "train" or "test" half and their edges, dark on white, from the cache.

    At 32×32 the photos are the original pixels with a rim of two black ones; at other sizes they are resized.
    """
    pixels = sources.read_idx(files[f"{half} images"])
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()

    def build(folder: Path) -> None:
        hashes = []
        with cache.pixels_file(folder, 0).open("wb") as photos, cache.pixels_file(folder, 1).open("wb") as edges:
            for start in range(0, len(pixels), CHUNK):
                photo = sized(torch.from_numpy(pixels[start : start + CHUNK, None].copy()), size)
                edge = (~canny(photo.float() / 255)).to(torch.uint8) * 255
                photos.write(photo.numpy().tobytes())
                edges.write(edge.numpy().tobytes())
                hashes += [hashlib.sha256(row.tobytes()).hexdigest() for row in photo.numpy()]
        names = [f"{half}-{i:05d}" for i in range(len(pixels))]
        cache.write_index(folder, [(len(pixels), 1, *size)] * 2, "uint8", names, hashes, {})

    return cache.read(cache.entry("pairs", ["edges", VERSION, half, digest, size], build))


def sized(photos: UInt8[Tensor, "B 1 28 28"], size: tuple[int, int]) -> UInt8[Tensor, "B 1 H W"]:
    if size == (32, 32):
        return F.pad(photos, (2, 2, 2, 2))
    return transforms.resize(photos, list(size), antialias=True) if size != (28, 28) else photos
