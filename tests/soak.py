"""A soak: a training of very many, very short epochs through the real loop, and what of it grows.

`python tests/soak.py [--epochs 100000] [--out DIR]` measures and says it; it fails where something grows beyond BOUNDS.
One epoch is one step of one weight, with everything that the loop does at an epoch's end: validation, a checkpoint on
the disk, its rows of the log, and a preview every tenth time.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import torch
from torch import nn

from arzhang.contracts import Example, Turn
from arzhang.devices import Fabric
from arzhang.recipes import VAE
from arzhang.training import checkpoint as checkpoints
from arzhang.training import run as runs
from arzhang.training import thinning
from arzhang.training.loop import PREVIEWS, Loop
from arzhang.training.run import Run

KINDS_OF_ROWS = 4
BYTES_A_ROW = 256
BOUNDS = {"memory_MB": 16.0, "open_files": 0, "threads": 0}
"""What may be added between the end of the first tenth and the end."""


class Task:
    """One weight that learns to be the mean of one pixel."""

    criterion, previewed = "error", 2

    def __init__(self):
        self.networks = nn.Linear(1, 1)
        self.turns = [Turn("one", [self.networks], torch.optim.SGD(self.networks.parameters(), lr=1e-3), self.loss)]

    def noise(self, n, generator):
        return torch.randn(n, 1, generator=generator)

    def prepare(self, batch):
        return {}

    def loss(self, batch, shared):
        loss = (self.networks(batch.noise) - batch.images.flatten(1)).square().mean()
        return loss, {"loss": loss}

    def measure(self, batch):
        return {"error": (self.networks(batch.noise) - batch.images.flatten(1)).square().flatten()}

    def observe(self, batch):
        return {"error": self.measure(batch)["error"]}

    def preview(self, batch):
        return {"images": batch.images}


class Pixels:
    """n images of one pixel."""

    augmented, shape = False, (1, 1, 1)

    def __init__(self, n):
        self.images = torch.linspace(0, 1, n).view(n, 1, 1, 1)

    def __len__(self):
        return len(self.images)

    def take(self, indices, luck=None):
        return Example(self.images[indices])


class Taking(dict):
    """What this process takes at a moment."""

    def __init__(self, run):
        process = psutil.Process()
        super().__init__(
            memory_MB=process.memory_info().rss / 1e6,
            open_files=process.num_fds() if os.name == "posix" else process.num_handles(),
            threads=max(process.num_threads(), threading.active_count()),
            log_MB=(run / runs.METRICS).stat().st_size / 1e6 if (run / runs.METRICS).exists() else 0.0,
            pictures=len(list((run / "samples").iterdir())),
            checkpoints=len(list((run / "checkpoints").iterdir())),
        )


def soak(run, epochs, every=None, task=None):
    """Train so many epochs; what the process took at the end of each `every`-th."""
    recipe = VAE(epochs=epochs, batch_size=2, validation=2, accelerator="cpu", preview_every=10)
    torch.manual_seed(0)
    loop = Loop(
        task or Task(), recipe, Pixels(2), Pixels(2), Run.create(run, recipe, {}),
        Fabric(accelerator="cpu", devices=1), lambda line: None,
    )  # fmt: skip
    course, whole = {}, loop._finish_epoch

    def finishing(epoch):
        whole(epoch)
        if epoch % (every or max(1, epochs // 10)) == 0:
            course[epoch] = Taking(run)

    loop._finish_epoch = finishing
    loop.fit()
    return course


def excess(course):
    """What grew beyond its bound, in words; empty where nothing did."""
    first, last = (course[epoch] for epoch in (min(course), max(course)))
    rows = KINDS_OF_ROWS * (thinning.most(max(course), 1, runs.RECENT) + runs.RECENT // 4 + 2)
    bounds = {name: first[name] + allowed for name, allowed in BOUNDS.items()} | {
        "log_MB": rows * BYTES_A_ROW / 1e6,
        "pictures": thinning.most(max(course), 10, PREVIEWS) + 1,
        "checkpoints": checkpoints.KEPT + 1,
    }
    return [f"{name}: {last[name]:.3g}, allowed {most:.3g}" for name, most in bounds.items() if last[name] > most]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100_000)
    parser.add_argument("--out", type=Path, help="where the run goes, and soak.json beside it; none: nowhere for long")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        out, began = given.out or Path(place), time.monotonic()
        course = soak(out / "run", given.epochs)
        seconds = time.monotonic() - began
    print("    epoch  " + "  ".join(f"{name:>11}" for name in next(iter(course.values()))))
    for epoch, taken in course.items():
        print(f"{epoch:9,}  " + "  ".join(f"{value:11.3f}" for value in taken.values()))
    print(f"{given.epochs:,} epochs in {seconds:.0f} s, {seconds / given.epochs * 1e3:.2f} ms each")
    if given.out:
        (given.out / "soak.json").write_text(json.dumps({"seconds": seconds, "course": course}, indent=1))
    found = excess(course)
    print("\n".join(found) or "nothing grew beyond its bound")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
