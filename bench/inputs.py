"""From files to batches: JPEG pairs in Kaggle's layout, read for the first time and from the cache.

The textbook opens each file anew in each epoch, in a DataLoader, with torchvision's transforms.
"""

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from arzhang.data import pairs
from bench.timing import Row, Work

PAIRS, SIDE, BATCH = 96, 256, 16


@functools.cache
def home() -> Path:
    """train/1.jpg …: a photo and its label map side by side, 512×256, as in Kaggle's Cityscapes pairs."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["ARZHANG_CACHE"] = str(folder / "cache")
    rng = np.random.default_rng(0)
    for part, count in (("train", PAIRS), ("val", 8)):
        (folder / "pairs" / part).mkdir(parents=True)
        for i in range(1, count + 1):
            coarse = Image.fromarray(rng.integers(0, 256, (16, 32, 3), dtype=np.uint8))
            image = np.asarray(coarse.resize((2 * SIDE, SIDE), Image.Resampling.BICUBIC)).astype(int)
            image = (image + rng.integers(-12, 13, image.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(image).save(folder / "pairs" / part / f"{i}.jpg", quality=90)
    return folder


def files() -> list[Path]:
    """The training files."""
    return sorted((home() / "pairs" / "train").iterdir())


def load() -> Any:
    """The parts, from the cache where it knows them."""
    return pairs.load(data=str(home() / "pairs"), size=SIDE, notify=lambda line: None)


def first_reading() -> Work:
    """All files decoded, checked, hashed, sorted into parts, and kept: what happens once."""
    where = home()

    def work() -> None:
        shutil.rmtree(where / "cache", ignore_errors=True)
        load()

    return work


def decoding() -> Work:
    """Each file decoded by Pillow, and nothing else."""
    found = files() + sorted((home() / "pairs" / "val").iterdir())

    def work() -> None:
        for path in found:
            with Image.open(path) as image:
                np.asarray(image.convert("RGB"))

    return work


def epoch() -> Work:
    """An epoch of batches, jittered and mirrored, from the cache."""
    train, rng = load().train, torch.Generator().manual_seed(0)

    def work() -> None:
        for indices in torch.randperm(len(train), generator=rng).split(BATCH):
            train.take(indices, torch.rand(len(indices), 4, generator=rng))

    return work


def copying() -> Work:
    """The same bytes turned to floats, and nothing else."""
    train, rng = load().train, torch.Generator().manual_seed(0)

    def work() -> None:
        for indices in torch.randperm(len(train), generator=rng).split(BATCH):
            for side in (train.images, train.inputs):
                side.raw(indices) / 255

    return work


def textbook(workers: int = 0) -> Work:
    """Open, halve, enlarge to 286, crop, mirror, ToTensor, of one file at a time."""
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms.v2 import functional as T

    found, large = files(), pairs.enlarged(SIDE)

    class Items(Dataset[tuple[Tensor, Tensor]]):
        def __len__(self) -> int:
            return len(found)

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            image = Image.open(found[index]).convert("RGB")
            sides = [image.crop((x, 0, x + SIDE, SIDE)) for x in (0, SIDE)]
            top, left = (int(torch.randint(large - SIDE + 1, (1,))) for _ in range(2))
            mirrored = bool(torch.rand(1) < 0.5)
            made = []
            for side, how in zip(sides, (Image.Resampling.BICUBIC, Image.Resampling.NEAREST), strict=True):
                part = side.resize((large, large), how).crop((left, top, left + SIDE, top + SIDE))
                tensor = T.to_dtype(T.pil_to_tensor(part), torch.float32, scale=True)
                made.append(tensor.flip(2) if mirrored else tensor)
            return made[0], made[1]

    def work() -> None:
        for _ in DataLoader(Items(), batch_size=BATCH, shuffle=True, num_workers=workers):
            pass

    return work


def rows() -> dict[str, Row]:
    """The first reading, and every later one."""
    return {
        "data-first": Row(
            f"JPEG pairs of {SIDE}², Kaggle's layout: first reading",
            {"arzhang": first_reading, "decoding alone": decoding},
            per=PAIRS + 8,
            unit="pair",
            limit="decoding alone",
        ),
        "data": Row(
            f"an epoch of JPEG pairs of {SIDE}², jittered and mirrored",
            {
                "arzhang, cached": epoch,
                "bytes to floats": copying,
                "DataLoader": textbook,
                "DataLoader, 2 workers": functools.partial(textbook, 2),
            },
            per=PAIRS,
            unit="pair",
            limit="bytes to floats",
        ),
    }
