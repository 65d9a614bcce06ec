"""The real command, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent


def environment(**extra):
    """As a user's, with a cache of its own where the test gives one; warnings are errors here too."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "LOCAL_RANK", "RANK"))}
    return keep | {"PYTHONWARNINGS": "error::UserWarning:arzhang", "COLUMNS": "100"} | extra


def arzhang(*words, cwd=None, timeout=240, **extra):
    """Run to the end: the completed process, its output as text."""
    return subprocess.run(
        [sys.executable, "-m", "arzhang.cli", *map(str, words)],
        cwd=cwd,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def start(*words, cwd=None, **extra):
    """Start, and leave it running."""
    return subprocess.Popen(
        [sys.executable, "-m", "arzhang.cli", *map(str, words)],
        cwd=cwd,
        env=environment(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def folder_of_images(path, n, size=16, seed=0):
    """n grey images with something to learn: a bright box somewhere on a dark ground."""
    rng = np.random.default_rng(seed)
    path.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        image = rng.integers(0, 40, (size, size), dtype=np.uint8)
        y, x = rng.integers(0, size // 2, 2)
        image[y : y + size // 2, x : x + size // 2] += rng.integers(80, 200, dtype=np.uint8)
        Image.fromarray(image).save(path / f"{i:04d}.png")
    return path
