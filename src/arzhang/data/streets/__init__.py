"""Streets from a seed: a photo and its segmentation in the 19 classes of Cityscapes, as many as wanted.

A scene is a function of (seed, index) alone, the same at every size: `plan` says what is where, in metres, `scenery`
and `vehicles` build it of flat polygons, `rendering` and `materials` make the picture.
"""

import gc
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from arzhang.data import cache
from arzhang.data.cache import Decoded
from arzhang.data.streets import plan
from arzhang.data.streets.rendering import render
from arzhang.errors import ArzhangError
from arzhang.palettes import CITYSCAPES as PALETTE
from arzhang.randomness import mix

__all__ = ["PALETTE", "colours", "made", "pair", "scene"]
Notify = Callable[[str], None]
COLOURS = np.array([colour for _, colour in PALETTE], np.uint8)


def scene(
    seed: int, index: int, height: int, width: int
) -> tuple[UInt8[np.ndarray, "H W 3"], UInt8[np.ndarray, "H W"]]:
    """The photo and the class of each pixel (numbers of `PALETTE`) of one street.

    >>> photo, classes = scene(0, 3, 64, 64)
    >>> photo.shape, [PALETTE[i][0] for i in (classes[0, 40], classes[60, 32])]
    ((64, 64, 3), ['sky', 'road'])
    """
    rng = np.random.default_rng(mix(seed, "street", index))
    return render(plan.view(rng, width / height), height, width, samples=3 if height * width <= 1 << 15 else 2)


def colours(classes: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """The label map in the colours of the palette."""
    return COLOURS[classes]


def pair(seed: int, index: int, height: int, width: int) -> UInt8[np.ndarray, "6 H W"]:
    """The photo's three channels, then those of the label map."""
    photo, classes = scene(seed, index, height, width)
    return np.ascontiguousarray(np.concatenate([photo, colours(classes)], 2).transpose(2, 0, 1))


# ------------------------------------------------------------------------------------------------------- the cache

FIRST = {"train": 0, "validation": 1_000_000, "test": 2_000_000}
"""Index of each part's first scene: the parts share none, however many are made."""
SEED = 0
ALONE = 40
"""Fewer scenes (of 64×64) are made by this process alone: another one needs a second or two to start."""


def made(part: str, count: int, height: int, width: int, notify: Notify = print) -> Decoded:
    """The first scenes of a part, photo and label map, from the cache, which all cores fill where it is empty."""
    code = sorted(Path(__file__).parent.glob("*.py"))  # other code draws other streets
    version = hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()

    def build(folder: Path) -> None:
        for side in (0, 1):
            with cache.pixels_file(folder, side).open("wb") as file:
                cache.reserve(file.fileno(), count * 3 * height * width)
        work: list[Any] = [folder, FIRST[part], count, height, width]
        hands = min(os.cpu_count() or 1, 16, count * max(height * width, 64 * 64) // (ALONE * 64 * 64) + 1)
        if count >= ALONE:
            notify(f"streets: making {count:,} scenes of {height}×{width} for {part}")
        if hands == 1:
            draw(folder, FIRST[part], count, height, width, 0, count)
        else:
            _share(work, hands)
        sides = [_rows(folder, side, count, height, width, "r") for side in (0, 1)]
        hashes = [
            hashlib.sha256(photo.tobytes() + label.tobytes()).hexdigest() for photo, label in zip(*sides, strict=True)
        ]
        names = [f"{part}-{i:05d}" for i in range(count)]
        cache.write_index(folder, [(count, 3, height, width)] * 2, "uint8", names, hashes, {})

    return cache.read(cache.entry("pairs", ["streets", version, SEED, part, count, height, width], build))


def draw(folder: Path | str, first: int, count: int, height: int, width: int, start: int, stop: int) -> None:
    """Scenes start…stop of `count`, into their rows of a folder's two raw files."""
    photos, labels = (_rows(Path(folder), side, count, height, width, "r+") for side in (0, 1))
    collected = gc.isenabled()
    gc.disable()  # a scene is thousands of small tuples and no cycle: looking for one takes a quarter of the time
    try:
        for row in range(start, stop):
            both = pair(SEED, first + row, height, width)
            photos[row], labels[row] = both[:3], both[3:]
    finally:
        if collected:
            gc.enable()


def _rows(folder: Path, side: int, count: int, height: int, width: int, mode: Any) -> np.ndarray:
    return np.memmap(cache.pixels_file(folder, side), np.uint8, mode, shape=(count, 3, height, width))


def _share(work: list[Any], hands: int) -> None:
    """Each hand is a process of its own, which draws its share of the rows."""
    bounds = np.linspace(0, work[2], hands + 1).astype(int)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    started = []
    try:
        for start, stop in pairwise(bounds):
            words = [sys.executable, "-m", "arzhang.data.streets", *map(str, [*work, start, stop])]
            started.append(subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True))
        for one in started:
            _, said = one.communicate()
            if one.returncode:
                raise ArzhangError(f"streets could not be made: {(said.strip() or 'stopped').splitlines()[-1]}")
    finally:
        for one in started:
            one.kill()
            one.wait()
            if one.stderr:
                one.stderr.close()
