"""Files of pairs, decoded once: side-by-side images cut in two, or two files a pair, as rows of the cache."""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from arzhang.data import cache, images, layouts
from arzhang.data.cache import Decoded, threaded
from arzhang.data.decode import Header, Unreadable, read
from arzhang.data.layouts import Layout, Sides
from arzhang.errors import ArzhangError, UsageError
from arzhang.palettes import CITYSCAPES, nearest

VERSION = 1
"""Of the cache's format; another one is built anew."""
LARGEST = 1_024
"""Pixels a side: beyond it a size must be asked for."""


class Wanted(NamedTuple):
    """How files become rows."""

    size: tuple[int, int] | None
    """Height and width of each side; none: as the files are."""
    labels: tuple[bool, bool]
    """Whether the left and the right side are label maps."""
    snap: bool
    """Take a label map's colours to the nearest ones of Cityscapes' palette."""


def decoded(
    layout: Layout, sides: Sides, wanted: Wanted, notify: images.Notify, *, unpaired: bool = False
) -> tuple[Decoded, Decoded]:
    """Left and right sides of one part, from the cache, which is built where there is none for just these files.

    Pairs are one set of two sides, given twice. Folders of other names, which only unpaired sides may have, are two.
    """
    if sides.right is None:
        both = _cached(layout, [(name,) for name in sides.left], wanted.labels, wanted, notify)
        return both, both
    if unpaired and not layouts.equal_names(sides):
        one = _cached(layout, [(name,) for name in sides.left], wanted.labels[:1], wanted, notify)
        other = _cached(layout, [(name,) for name in sides.right], wanted.labels[1:], wanted, notify)
        return one, other
    both = _cached(layout, layouts.partners(layout, sides), wanted.labels, wanted, notify)
    return both, both


def _cached(
    layout: Layout,
    items: Sequence[tuple[str, ...]],
    labels: tuple[bool, ...],
    wanted: Wanted,
    notify: images.Notify,
) -> Decoded:
    files = [name for item in items for name in item]
    known = images.known(layout.root, files)
    key = ["pairs", VERSION, wanted.size, labels, wanted.snap, str(layout.root.resolve()), len(items), known]
    found = cache.read(cache.entry("pairs", key, lambda folder: _build(layout.root, items, labels, wanted, folder)))
    images.tell_unreadable(layout.root, found.unreadable, notify)
    return found


def _build(
    root: Path, items: Sequence[tuple[str, ...]], labels: tuple[bool, ...], wanted: Wanted, folder: Path
) -> None:
    """Decode every pair once, in threads, in chunks: one raw file a side."""
    headers, unreadable = images.headers(root, [name for item in items for name in item])
    items = [item for item in items if all(name in headers for name in item)]
    halved = len(labels) == 2 and all(len(item) == 1 for item in items)
    shapes = _shapes(root, items, headers, halved=halved, sides=len(labels), size=wanted.size)
    names: list[str] = []
    hashes: list[str] = []

    def ready(item: tuple[str, ...]) -> Any:
        return images.attempt(lambda p: _ready(p, item, labels, shapes, wanted.snap), root)

    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(cache.pixels_file(folder, side).open("wb")) for side in range(len(labels))]
        for item, result in threaded(ready, items, "decoding pairs"):
            if isinstance(result, Unreadable):
                unreadable[item[0]] = str(result)
                continue
            sides, digest = result
            for file, side in zip(made, sides, strict=True):
                file.write(side.tobytes())
            names.append(item[0].replace("//", "/"))
            hashes.append(digest)
    if not names:
        raise images.none_readable(root, unreadable)
    cache.write_index(folder, [(len(names), *shape) for shape in shapes], "uint8", names, hashes, unreadable)


def _shapes(
    root: Path,
    items: Sequence[tuple[str, ...]],
    headers: Mapping[str, Header],
    *,
    halved: bool,
    sides: int,
    size: tuple[int, int] | None,
) -> list[tuple[int, int, int]]:
    """Channels, height and width of each side. ArzhangError names the first pair that is none."""
    found: set[tuple[int, int]] = set()
    for item in items:
        first = headers[item[0]]
        if halved and first.width % 2:
            raise ArzhangError(f"{root / item[0]}: {first.width}×{first.height} pixels: an odd width has no two halves")
        last = headers[item[-1]]
        if first[2:] != last[2:]:
            what = f"{first.width}×{first.height} pixels, but {root / item[-1]} has {last.width}×{last.height}"
            raise ArzhangError(f"{root / item[0]}: {what}; the two sides of a pair are of one size")
        found.add((first.height, first.width // 2 if halved else first.width))
    if size is None:
        size = next(iter(found))
        if len(found) > 1 or max(size) > LARGEST:
            low, high = min(map(min, found)), max(map(max, found))
            raise UsageError(f"{root}: sides of {low} to {high} pixels; give --size, e.g. --size 256")
    if min(size) < 8:
        raise UsageError(f"{root}: sides of {size[1]}×{size[0]} pixels are too small for pairs; give --size")
    depths = [max(headers[item[min(side, len(item) - 1)]].channels for item in items) for side in range(sides)]
    return [(depth, *size) for depth in depths]


def _ready(
    root: Path, item: tuple[str, ...], labels: tuple[bool, ...], shapes: Sequence[tuple[int, int, int]], snap: bool
) -> tuple[list[UInt8[np.ndarray, "C H W"]], str]:
    """The sides of one pair as rows of the cache, and the hash of its files."""
    whole = [_bytes(read(root / name)) for name in item]
    if len(labels) == 2 and len(item) == 1:
        if whole[0].shape[1] % 2:
            raise Unreadable("turned as its EXIF says, its width is odd")
        whole = np.split(whole[0], 2, axis=1)
    made = [
        _fitted(image, shape, label=label, snap=snap) for image, shape, label in zip(whole, shapes, labels, strict=True)
    ]
    hashes = [images.sha256(root / name) for name in item]
    return made, hashes[0] if len(item) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _bytes(image: Shaped[np.ndarray, "H W C"]) -> UInt8[np.ndarray, "H W C"]:
    """Pairs are kept as bytes. Of 16 bits the upper 8 stay; fractions must lie in [0, 1]."""
    if image.dtype == np.float32 and not (image.min() >= 0 and image.max() <= 1):
        raise Unreadable(f"fractions from {image.min():.4g} to {image.max():.4g}, where pairs take 0 to 1")
    return images.recast(image, "uint8", image.shape[2])


def _fitted(
    image: UInt8[np.ndarray, "H W C"], shape: tuple[int, int, int], *, label: bool, snap: bool
) -> UInt8[np.ndarray, "D S T"]:
    """One side at its size: a label map by nearest neighbour, a photo with antialiasing."""
    channels, height, width = shape
    image = images.recast(image, "uint8", channels)
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    if pixels.shape[1:] != (height, width):
        mode = InterpolationMode.NEAREST_EXACT if label else InterpolationMode.BILINEAR
        pixels = transforms.resize(pixels, [height, width], interpolation=mode, antialias=not label)
    if label and snap and channels == 3:
        table = torch.tensor([colour for _, colour in CITYSCAPES], dtype=torch.uint8)
        pixels = table[nearest(pixels.permute(1, 2, 0))].permute(2, 0, 1)
    return np.ascontiguousarray(pixels.numpy())
