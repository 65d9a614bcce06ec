"""Edges of photos, thin and clean (Canny 1986), and Fashion-MNIST beside its edges."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from arzhang.data import cache, sources
from arzhang.data.cache import Decoded

VERSION = 2
CHUNK = 4_096


def canny(
    images: Float[np.ndarray, "N H W"], sigma: float = 0.8, low: float = 0.035, high: float = 0.08
) -> Bool[np.ndarray, "N H W"]:
    """Where images in [0, 1] have edges one pixel thin: the gradient of the smoothed image is greatest across the edge,
    above `high`, or above `low` and connected with what is above `high` (Canny, PAMI 8(6), 1986). Gradients are changes
    a pixel.

    >>> step = np.zeros((1, 8, 8), np.float32)
    >>> step[:, :, 4:] = 1
    >>> canny(step)[0].sum(0).tolist()
    [0, 0, 0, 0, 8, 0, 0, 0]
    """
    smooth = ndimage.gaussian_filter(images, (0, sigma, sigma), mode="nearest")
    # Sobel's operator: the difference along one axis, the mean of three along the other.
    dy = ndimage.convolve1d(ndimage.convolve1d(smooth, [0.5, 0, -0.5], 1), [0.25, 0.5, 0.25], 2)
    dx = ndimage.convolve1d(ndimage.convolve1d(smooth, [0.5, 0, -0.5], 2), [0.25, 0.5, 0.25], 1)
    strength = np.hypot(dx, dy)
    around = np.pad(strength, ((0, 0), (1, 1), (1, 1)))
    _, height, width = strength.shape
    # The edge runs across one of four directions; no neighbour there is stronger (on one side: as strong).
    steep, flat = np.abs(dy) > 2.414 * np.abs(dx), np.abs(dy) < 0.414 * np.abs(dx)
    falling = ~steep & ~flat & (dx * dy > 0)
    sectors = ((flat, 0, 1), (falling, 1, 1), (steep, 1, 0), (~steep & ~flat & ~falling, 1, -1))
    thin = np.zeros(strength.shape, bool)
    for sector, down, across in sectors:
        after = around[:, 1 + down : 1 + down + height, 1 + across : 1 + across + width]
        before = around[:, 1 - down : 1 - down + height, 1 - across : 1 - across + width]
        thin |= sector & (strength > after) & (strength >= before)
    weak = thin & (strength >= low)
    within = np.zeros((3, 3, 3), bool)
    within[1] = True  # connected in eight directions, within one image
    pieces, count = ndimage.label(weak, within)
    strong = np.zeros(count + 1, bool)
    strong[pieces[weak & (strength >= high)]] = True
    strong[0] = False
    return strong[pieces]


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
                photo = sized(torch.from_numpy(pixels[start : start + CHUNK, None].copy()), size).numpy()
                edge = np.where(canny(photo[:, 0] / np.float32(255)), 0, 255).astype(np.uint8)
                photos.write(photo.tobytes())
                edges.write(edge.tobytes())
                hashes += [hashlib.sha256(row.tobytes()).hexdigest() for row in photo]
        names = [f"{half}-{i:05d}" for i in range(len(pixels))]
        cache.write_index(folder, [(len(pixels), 1, *size)] * 2, "uint8", names, hashes, {})

    return cache.read(cache.entry("pairs", ["edges", VERSION, half, digest, size], build))


def sized(photos: UInt8[Tensor, "B 1 28 28"], size: tuple[int, int]) -> UInt8[Tensor, "B 1 H W"]:
    if size == (32, 32):
        return F.pad(photos, (2, 2, 2, 2))
    return transforms.resize(photos, list(size), antialias=True) if size != (28, 28) else photos
