"""What is not training: checkpoints, the start of the command, a sweep."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from arzhang import assembly, sweep
from arzhang.recipes import Pix2Pix
from arzhang.training import checkpoint as checkpoints
from bench.timing import Row, Work

BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
STARTS = 3
"""Starts of the command in a round."""
WIDTH = 32
"""Of the pix2pix whose state is saved: 14 M weights, and their two moments."""


@functools.cache
def home() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def state() -> dict[str, dict[str, torch.Tensor]]:
    """Networks and optimizers after a step."""
    task: Any = assembly.build(
        Pix2Pix(size=256, width=WIDTH), (3, 256, 256), 256, torch.device("cpu"), 0, (3, 256, 256)
    )
    for turn in task.turns:
        for module in turn.modules:
            for parameter in module.parameters():
                parameter.grad = torch.zeros_like(parameter)
        turn.optimizer.step()
    moments = checkpoints.optimizer_tensors({turn.name: turn.optimizer for turn in task.turns})
    return {checkpoints.WEIGHTS: task.networks.state_dict(), checkpoints.OPTIMIZERS: moments}


def save_ours() -> Work:
    """Written beside, hashed, flushed to the disk, renamed."""
    files, folder = state(), home() / "checkpoints"

    def work() -> None:
        checkpoints.save(folder, 1, files, {}, None)

    return work


def save_bytes() -> Work:
    """The same bytes written and flushed, and nothing else."""
    for name, tensors in state().items():
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, home() / name)
    content = [(home() / name).read_bytes() for name in state()]

    def work() -> None:
        for i, one in enumerate(content):
            with (home() / f"bytes-{i}").open("wb") as file:
                file.write(one)
                os.fsync(file.fileno())

    return work


def save_torch() -> Work:
    """torch.save, neither hashed nor flushed."""
    files = state()

    def work() -> None:
        torch.save(files, home() / "state.pt")

    return work


def load_ours() -> Work:
    """The newest sound one found, its hashes checked, its tensors read."""
    checkpoints.save(home() / "checkpoints", 1, state(), {}, None)

    def work() -> None:
        found = checkpoints.newest_sound(home() / "checkpoints", print)
        assert found is not None
        for name in state():
            touched(found.tensors(name))

    return work


def load_torch() -> Work:
    """torch.load, unchecked."""
    torch.save(state(), home() / "state.pt")

    def work() -> None:
        for tensors in torch.load(home() / "state.pt", weights_only=True).values():
            touched(tensors)

    return work


def load_bytes() -> Work:
    """The same bytes read, and nothing else."""
    torch.save(state(), home() / "state.pt")

    def work() -> None:
        (home() / "state.pt").read_bytes()

    return work


def touched(tensors: dict[str, torch.Tensor]) -> None:
    """Bring mapped pages into memory."""
    for tensor in tensors.values():
        tensor.sum()


def started(*words: str) -> Work:
    """A process of its own, from its start to its end."""

    def work() -> None:
        for _ in range(STARTS):
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)

    return work


@functools.cache
def folder_of_images() -> Path:
    """4,000 images of 28²."""
    folder = home() / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(4_000):
        coarse = Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8))
        coarse.resize((28, 28), Image.Resampling.BICUBIC).save(folder / f"{i:04}.png")
    return folder


def swept(processes: int | None, together: bool | None = None) -> Work:
    """`arzhang sweep vae --beta …`: eight members, trained and evaluated."""
    typed = ["--data", str(folder_of_images()), "--size", "28", "--epochs", "3"]

    def work() -> None:
        with tempfile.TemporaryDirectory() as out:
            quiet = lambda line: None  # noqa: E731
            how: Any = {"samples": 1, "processes": processes, "together": together, "notify": quiet}
            sweep.sweep("vae", typed, {"beta": BETAS}, Path(out) / "s", **how)

    return work


def rows() -> dict[str, Row]:
    """Checkpoints, start, sweep."""
    save = f"a checkpoint of pix2pix, width {WIDTH}, with Adam's moments"
    return {
        "checkpoint-save": Row(
            f"{save}: saving",
            {"arzhang": save_ours, "the bytes, flushed": save_bytes, "torch.save": save_torch},
            limit="the bytes, flushed",
        ),
        "checkpoint-load": Row(
            f"{save}: loading",
            {"arzhang": load_ours, "the bytes": load_bytes, "torch.load": load_torch},
            limit="the bytes",
        ),
        "start-help": Row(
            "`arzhang --help`",
            {
                "arzhang --help": lambda: started("-m", "arzhang", "--help"),
                "python": lambda: started("-c", "pass"),
                "import torch": lambda: started("-c", "import torch"),
            },
            per=STARTS,
            unit="start",
            limit="python",
            most=0.5,
        ),
        "start-import": Row(
            "`import arzhang`",
            {"import arzhang": lambda: started("-c", "import arzhang"), "python": lambda: started("-c", "pass")},
            per=STARTS,
            unit="start",
            limit="python",
            most=0.2,
        ),
        "start-train": Row(
            "what `arzhang train` imports",
            {
                "import arzhang.assembly": lambda: started("-c", "import arzhang.assembly"),
                "import torch, torchvision": lambda: started("-c", "import torch, torchvision"),
            },
            per=STARTS,
            unit="start",
            limit="import torch, torchvision",
        ),
        "sweep": Row(
            f"a sweep of {len(BETAS)} values of β, as it chooses itself",
            {
                "arzhang sweep": functools.partial(swept, None),
                "one after another": functools.partial(swept, 1),
                "two processes": functools.partial(swept, 2),
                "members as one": functools.partial(swept, 1, True),
            },
            unit="sweep",
            goals={"one after another": 1.0},
        ),
    }
