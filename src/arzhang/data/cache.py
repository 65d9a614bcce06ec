"""What was fetched, decoded or made once: folders of raw pixels, built under a lock, beside, and renamed when whole."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from filelock import FileLock
from jaxtyping import Shaped
from rich.console import Console
from rich.progress import track

from arzhang.data import sources
from arzhang.errors import ArzhangError
from arzhang.files import flush, flush_all

K = TypeVar("K")
T = TypeVar("T")
CHUNK = 256
"""Images that threads may be ahead."""
INDEX = "index.json"
DTYPES = ("uint8", "uint16", "float32")


class Decoded(NamedTuple):
    """Images in the cache: rows of raw files, one file a side of a pair, and what is known of each row."""

    sides: tuple[Shaped[np.ndarray, "N C H W"], ...]
    names: list[str]
    hashes: list[str]
    """sha256 of what each row was made of."""
    unreadable: list[str]
    """'name: why'."""

    @property
    def pixels(self) -> Shaped[np.ndarray, "N C H W"]:
        """Of single images: the only side."""
        return self.sides[0]


def entry(room: str, key: Any, build: Callable[[Path], None]) -> Path:
    """The folder of a key (anything that JSON can write) in a room of the cache.

    Where there is none, `build` fills a folder beside it with its files, `index.json` among them, which then takes its
    place. Raises ArzhangError where the disk refuses.
    """
    name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
    home = sources.cache_dir() / room
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f"{name}.lock"):
        if not (home / name / INDEX).exists():
            beside = home / f".{name}.part"
            shutil.rmtree(beside, ignore_errors=True)
            try:
                beside.mkdir()
                build(beside)
                flush_all(beside)  # a name that outlives a power cut must not stand for less than it says
                shutil.rmtree(home / name, ignore_errors=True)
                beside.rename(home / name)
                flush(home)
            except OSError as error:
                raise ArzhangError(f"{home}: could not be written: {error.strerror or error}") from None
            finally:
                shutil.rmtree(beside, ignore_errors=True)
    return home / name


def reserve(file: int, size: int) -> None:
    """Give a file its size, and room for it on the disk: a map of a file that lacks it ends the process, unheard."""
    if size and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


def pixels_file(folder: Path, side: int) -> Path:
    return folder / f"pixels{side}.bin"


def write_index(
    folder: Path,
    shapes: Sequence[Sequence[int]],
    dtype: str,
    names: Sequence[str],
    hashes: Sequence[str],
    unreadable: dict[str, str],
) -> None:
    """Says what lies in a folder's raw files; written last."""
    index = {
        "shapes": [list(shape) for shape in shapes],
        "dtype": dtype,
        "names": list(names),
        "hashes": list(hashes),
        "unreadable": [f"{name}: {why}" for name, why in sorted(unreadable.items())],
    }
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")


def read(folder: Path) -> Decoded:
    """What `write_index` described, memory-mapped. Raises ArzhangError where it makes no sense."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        dtype, shapes = index["dtype"], [tuple(map(int, shape)) for shape in index["shapes"]]
        words = [index[name] for name in ("names", "hashes", "unreadable")]
        if dtype not in DTYPES or any(len(shape) != 4 or min(shape) < 1 for shape in shapes):
            raise ValueError(f"{dtype} of shapes {shapes}"[:120])
        if {shape[0] for shape in shapes} != {len(words[0])} or not all(
            isinstance(word, str) for word in (*words[0], *words[1], *words[2])
        ):
            raise ValueError("names and rows do not agree")
        sides = tuple(
            np.memmap(pixels_file(folder, side), dtype=dtype, mode="r", shape=shape)
            for side, shape in enumerate(shapes)
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ArzhangError(f"{folder}: damaged ({why}); remove this folder, it is then made anew") from None
    return Decoded(sides, *words)


def threaded(work: Callable[[K], T], names: Sequence[K], title: str) -> Iterator[tuple[K, T]]:
    """(name, result) in order, worked on by threads, never more than a chunk ahead."""
    console = Console(stderr=True)
    remaining = iter(track(names, title, console=console, disable=not console.is_terminal))
    with ThreadPoolExecutor(min(16, (os.cpu_count() or 1) + 1)) as pool:
        while chunk := list(islice(remaining, CHUNK)):
            yield from zip(chunk, pool.map(work, chunk), strict=True)
