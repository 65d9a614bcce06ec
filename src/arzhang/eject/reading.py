"""How an ejected file reads its training part: by torch alone. `listing` takes one of these functions into the file."""

import gzip
from pathlib import Path

import torch
from torch import Tensor

from arzhang.data.images import Images, held_out
from arzhang.data.pairs import Pairs
from arzhang.data.sprites import sprites
from arzhang.recipes import Training

FILES = Path()
"""Folder of the data."""
TENSORS = Path()
"""File of the data."""
DEVICE = "cpu"
SPRITES, TESTED = 30_000, 5_000


def idx(name: str) -> Tensor:
    """The bytes in an IDX file: two zero bytes, the type, the number of axes, each axis as a big-endian 32-bit number,
    the data."""
    path = next(path for path in (FILES / name, FILES / f"{name}.gz") if path.is_file())
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    return torch.frombuffer(bytearray(content[start:]), dtype=torch.uint8).view(shape)


def read_idx(recipe: Training) -> Images:
    """The training part: what is not held out for validation."""
    pixels, labels = idx("train-images-idx3-ubyte")[:, None], idx("train-labels-idx1-ubyte").long()
    kept, _ = held_out(recipe.dataset, len(pixels), recipe.validation)
    return Images(pixels[kept], labels=labels[kept], device=DEVICE)


def draw_sprites(recipe: Training) -> Images:
    """The training part: what is not held out for validation."""
    size = 64 if recipe.size is None else recipe.size
    pixels, factors = sprites(SPRITES, size)
    kept, _ = held_out("sprites", SPRITES - TESTED, recipe.validation)
    return Images(pixels[kept], labels=factors[kept, 0].long(), device=DEVICE)


def read_images(recipe: Training) -> Images:
    """The training part, as the run read it."""
    kept = torch.load(TENSORS, weights_only=True)
    return Images(kept["images"], tuple(kept["range"]), kept["labels"], device=DEVICE)


def read_pairs(recipe: Training) -> Pairs:
    """The training part, as the run read it."""
    kept = torch.load(TENSORS, weights_only=True)
    images, inputs = Images(kept["images"], device=DEVICE), Images(kept["inputs"], device=DEVICE)
    jitter, mirror, unpaired = kept["jitter"], kept["mirror"], kept["unpaired"]
    return Pairs(images, inputs, kept["classes_are"], jitter=jitter, mirror=mirror, unpaired=unpaired)
