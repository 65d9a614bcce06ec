"""How cost grows: with the number of images, with n of FID, with ranks. Time a unit, and the peak memory of each."""

import atexit
import functools
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from arzhang.data.images import Images
from arzhang.metrics import features, scores
from bench.timing import Row, Work

BATCHES, BATCH = 200, 128
SIZES = (1_000, 10_000, 100_000, 1_000_000)
COUNTS = (4_000, 12_000, 36_000)
RANKS = (1, 2, 4)


def mapped(n: int) -> Work:
    """Batches of n images of 28² from a memory-mapped cache, in a random order."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "pixels.npy"
    np.lib.format.open_memmap(path, "w+", np.uint8, (n, 1, 28, 28)).flush()
    found = Images(np.load(path, mmap_mode="r"), rows=np.arange(n))
    rng = torch.Generator().manual_seed(0)

    def work() -> None:
        order = torch.randperm(n, generator=rng)
        for i in range(BATCHES):
            at = (torch.arange(BATCH) + i * BATCH) % n
            found.take(order[at])

    return work


class StandIn(nn.Module):
    """A small network in Inception's place, whose own memory does not hide that of FID."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(48, 2048)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x.flatten(1)).relu()


def fid(n: int) -> Work:
    """FID of n images beside as many others: reading, features, moments, distance."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["ARZHANG_CACHE"] = folder
    torch.manual_seed(0)
    extractor = features.Extractor(StandIn(), "FID stand-in", "0", 2048, lambda x: x, {})

    def images(seed: int):  # type: ignore[no-untyped-def]
        keys = range(0, n, 50)
        drawn = lambda i: torch.Generator().manual_seed(seed * n + i)  # noqa: E731
        return lambda: (torch.rand(min(50, n - i), 3, 4, 4, generator=drawn(i)) for i in keys)

    sets = [scores.ImageSet(str(seed), n, images(seed)) for seed in (0, 1)]

    def work() -> float:
        shutil.rmtree(Path(folder), ignore_errors=True)
        return float(scores.scores(*sets, ["fid"], extractor)["fid"]["value"])

    return work


def ranks(count: int) -> Work:
    """`arzhang train vae --devices N` at a global batch of 512; the seconds that its log gives a step are returned."""
    from bench.running import folder_of_images

    data = folder_of_images()

    def work() -> float:
        with tempfile.TemporaryDirectory() as folder:
            words = ["train", "vae", "--data", str(data), "--size", "28", "--batch-size", "512", "--epochs", "6"]
            words += ["--accelerator", "cpu", "--devices", str(count), "--log-every", "1", "--out", f"{folder}/run"]
            subprocess.run([sys.executable, "-m", "arzhang", *words], check=True, capture_output=True)
            lines = (Path(folder) / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            steps = [entry for entry in map(json.loads, lines) if entry["split"] == "train"]
            own = [b["seconds"] - a["seconds"] for a, b in itertools.pairwise(steps)]
            return sorted(own)[len(own) // 2]

    return work


def rows() -> dict[str, Row]:
    """One contender a size; the first, the smallest, is what the others are compared with."""
    return {
        "scale-images": Row(
            "a batch of 128 from so many images of 28², memory-mapped",
            {f"{n:,} images": functools.partial(mapped, n) for n in SIZES},
            per=BATCHES,
            unit="batch",
        ),
        **{
            f"scale-fid-{n}": Row(
                f"FID at n = {n:,}, reference not at hand, a small network in Inception's place",
                {"arzhang": functools.partial(fid, n)},
                per=2 * n,
                unit="image",
                rounds=7 if n < 10_000 else 3,
                warmup=0,
                quality="FID",
            )
            for n in COUNTS
        },
        "scale-ranks": Row(
            "β-VAE at a global batch of 512, whole runs on this machine",
            {f"{n} rank{'s' * (n > 1)}": functools.partial(ranks, n) for n in RANKS},
            unit="run",
            quality="seconds a step, by the log",
        ),
    }
