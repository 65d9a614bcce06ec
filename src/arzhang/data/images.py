"""Single images: from a built-in set or a folder to one tensor on the device, in three honest parts."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch
from filelock import FileLock
from jaxtyping import Float, Int64, Shaped
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torchvision.utils import make_grid, save_image

from arzhang.contracts import Example
from arzhang.data import sources, sprites
from arzhang.data.decode import SUFFIXES, Header, Unreadable, fit, header, read
from arzhang.errors import ArzhangError, UsageError
from arzhang.randomness import generator

Notify = Callable[[str], None]
VERSION = 1
"""Of the cache's format; another one is built anew."""
CHUNK = 256
TOP = {"uint8": 255.0, "uint16": 65_535.0, "float32": 1.0}
DRAWN = "sprites"
"""The built-in data set that is drawn, not fetched."""
BUILT_IN = (*sources.SOURCES, DRAWN)
SPRITES = 25_000, 5_000
"""To train and validate, and to test: different combinations of factors all."""


class Images:
    """One part of a data set: pixels in the source's own type, as one tensor on the device or a read-only memory map.

    Args:
        pixels: (N, C, H, W), bytes, 16-bit numbers or fractions; a tensor, or a numpy memory map of the whole set.
        range: the values that become 0 and 1.
        labels: class of each image, if there are classes.
        names: file of each image, if they come from files.
        rows: with a memory map, which of its rows are this part.
        device: where batches go.
        factors: what each image was drawn from, (N, K), if it was drawn.
    """

    augmented = False

    def __init__(
        self,
        pixels: Shaped[np.ndarray, "N C H W"] | Shaped[Tensor, "N C H W"],
        range: tuple[float, float] = (0.0, 255.0),
        labels: Int64[Tensor, " N"] | None = None,
        names: Sequence[str] | None = None,
        rows: Int64[np.ndarray, " n"] | None = None,
        device: torch.device | str = "cpu",
        factors: Float[Tensor, "N K"] | None = None,
    ) -> None:
        self.range, self.labels, self.names, self.rows = range, labels, names, rows
        self.factors = factors
        self.device = torch.device(device)
        self.kind = str(pixels.dtype).removeprefix("torch.")
        self.mapped = pixels if isinstance(pixels, np.ndarray) and rows is not None else None
        if self.mapped is None:
            resident = torch.from_numpy(pixels) if isinstance(pixels, np.ndarray) else pixels
            # Few operations know unsigned 16-bit numbers: they are kept as the signed ones of equal bits.
            self.pixels = (resident.view(torch.int16) if self.kind == "uint16" else resident).to(self.device)
        self.shape: tuple[int, int, int] = tuple(int(side) for side in pixels.shape[1:])  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.pixels) if self.rows is None or self.mapped is None else len(self.rows)

    @property
    def levels(self) -> int | None:
        """Grey levels that a pixel can have: 256 or 65,536; none where they are fractions."""
        return {"uint8": 256, "uint16": 65_536}.get(self.kind)

    @property
    def nbytes(self) -> int:
        """Memory on the device; a memory map takes none."""
        return 0 if self.mapped is not None else self.pixels.nbytes

    def take(self, indices: Int64[Tensor, " B"], luck: Float[Tensor, "B 4"] | None = None) -> Example:
        """These images and, where there are any, their classes."""
        labels = None if self.labels is None else self.labels[indices.to(self.labels.device)].to(self.device)
        return Example(self.batch(indices), labels)

    def batch(self, indices: Int64[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
        """These images as float32 in [0, 1] on the device."""
        if self.mapped is None:
            raw = self.pixels.index_select(0, indices.to(self.device))
        else:
            assert self.rows is not None
            rows = self.mapped[self.rows[indices.cpu().numpy()]]
            raw = torch.from_numpy(rows.view(np.int16) if self.kind == "uint16" else rows)
            if self.device.type == "cuda":
                raw = raw.pin_memory().to(self.device, non_blocking=True)
        if self.kind == "uint16":
            raw = raw.to(torch.int32) & 0xFFFF
        low, high = self.range
        scaled = raw / high if low == 0 else (raw - low) / (high - low)
        return scaled.clamp_(0, 1) if self.kind == "float32" else scaled


class Splits(NamedTuple):
    """The three parts of a data set, and what it is. Choices are made on validation; only evaluation reads test."""

    train: Images
    validation: Images
    test: Images
    description: str
    sha256: str
    classes: tuple[str, ...] | None


def load(
    *,
    dataset: str | None = "fashion-mnist",
    data: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    validation: int = 5_000,
    data_root: str | None = None,
    device: torch.device | str = "cpu",
    memory_share: float = 0.5,
    notify: Notify = print,
) -> Splits:
    """A built-in data set by its name, or (`data`) a folder of images, on the device.

    A built-in set holds `validation` images out of its training part, always the same ones; a folder is split 90/5/5 by
    the content of its files. Images of a folder are brought to `size`: the shorter side resized with antialiasing, the
    middle cut out. Raises UsageError or ArzhangError with what is wrong and what to do.
    """
    device = torch.device(device)
    if data is not None:
        return _folder(Path(data), size, channels, device, memory_share, notify)
    if dataset is None:
        raise UsageError("no data: give --dataset NAME or --data DIR")
    if dataset == DRAWN:
        return _sprites(64 if size is None else size, validation, device)
    return _builtin(dataset, size, validation, data_root, device, notify)


def whole(
    folder: str | Path,
    *,
    size: int | None = None,
    channels: int | None = None,
    device: torch.device | str = "cpu",
    memory_share: float = 0.5,
    notify: Notify = print,
) -> Images:
    """Every readable image of a folder, unsplit, in the order of their names."""
    cache = _decoded(Path(folder), size, channels, notify)
    rows = np.arange(len(cache.names))
    return _part(cache, rows, torch.device(device), memory_share, _range(cache, rows))


# -------------------------------------------------------------------------------------------------------- built in


def _builtin(
    name: str, size: int | None, validation: int, data_root: str | None, device: torch.device, notify: Notify
) -> Splits:
    files = sources.fetch(name, data_root, notify=notify)
    arrays = {part: sources.read_idx(path) for part, path in files.items()}
    pixels, labels = {}, {}
    for half in ("train", "test"):
        found = arrays[f"{half} images"][:, None]
        if size is not None and size != found.shape[-1]:
            found = np.stack([fit(image.transpose(1, 2, 0), size) for image in found])
        pixels[half] = torch.from_numpy(found.copy())
        labels[half] = torch.from_numpy(arrays[f"{half} labels"].astype(np.int64))
    n = len(pixels["train"])
    held, kept = _held_out(n, validation, name)
    parts = [
        Images(pixels[half][rows], labels=labels[half][rows], device=device)
        for half, rows in (("train", kept), ("train", held), ("test", torch.arange(len(pixels["test"]))))
    ]
    digest = hashlib.sha256(
        "".join(hashlib.sha256(a.tobytes()).hexdigest() for a in arrays.values()).encode()
    ).hexdigest()
    one = sources.SOURCES[name]
    side = pixels["train"].shape[-1]
    description = f"{one.title}: {n + len(parts[2]):,} images of {side}×{side}, split {_sizes(parts)}"
    return Splits(parts[0], parts[1], parts[2], description, digest, one.classes)


def _held_out(n: int, validation: int, name: str) -> tuple[Int64[Tensor, " held"], Int64[Tensor, " kept"]]:
    """Rows for validation and for training, by a seed of their own: the same whatever the seed of a training."""
    if not 0 <= validation < n:
        raise UsageError(f"--validation {validation}: the training part of {name} holds {n:,} images")
    order = torch.randperm(n, generator=generator("validation", name))
    return order[:validation].sort().values, order[validation:].sort().values


def _sprites(size: int, validation: int, device: torch.device) -> Splits:
    n, tested = SPRITES
    pixels, factors = sprites.sprites(n + tested, size)
    held, kept = _held_out(n, validation, DRAWN)
    parts = [
        Images(pixels[rows], labels=factors[rows, 0].long(), device=device, factors=factors[rows])
        for rows in (kept, held, torch.arange(n, n + tested))
    ]
    digest = hashlib.sha256(pixels.numpy().tobytes()).hexdigest()
    description = f"sprites: {n + tested:,} images of {size}×{size}, split {_sizes(parts)}"
    return Splits(parts[0], parts[1], parts[2], description, digest, sprites.SHAPES)


def _sizes(parts: Sequence[Images]) -> str:
    return "/".join(f"{len(part):,}" for part in parts)


# -------------------------------------------------------------------------------------------------------- a folder


class Decoded(NamedTuple):
    """A folder's images in the cache: rows of one raw file, and what is known of each."""

    pixels: Shaped[np.ndarray, "N C H W"]
    names: list[str]
    hashes: list[str]
    """sha256 of each file's content."""
    unreadable: list[str]
    """'name: why'."""


def _folder(
    path: Path, size: int | None, channels: int | None, device: torch.device, memory_share: float, notify: Notify
) -> Splits:
    cache = _decoded(path, size, channels, notify)
    rows = _split(cache.hashes)
    if rows is None:
        distinct = len(set(cache.hashes))
        raise ArzhangError(f"{path}: {distinct} different image(s); training, validation and test need at least 3")
    span = _range(cache, rows[0])
    parts = [_part(cache, part, device, memory_share, span) for part in rows]
    _, c, side, _ = cache.pixels.shape
    colour = "grey" if c == 1 else "colour"
    bad = f", {len(cache.unreadable)} unreadable and named" if cache.unreadable else ""
    depth = {"uint8": "", "uint16": " in 16 bits", "float32": f" from {span[0]:.4g} to {span[1]:.4g}"}[parts[0].kind]
    description = f"{len(cache.names):,} images{bad}, split {_sizes(parts)}; {colour}{depth}, {side}×{side}"
    notify(f"{path}: {description}")
    digest = hashlib.sha256("".join(sorted(cache.hashes)).encode()).hexdigest()
    return Splits(parts[0], parts[1], parts[2], description, digest, None)


def _split(hashes: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Rows of train, validation and test. A file's part depends on its own content alone, so that equal files stand
    together and a file never changes sides when others come; only an empty part takes the content nearest to it."""
    distinct = sorted(set(hashes))
    if len(distinct) < 3:
        return None
    place = {digest: int(digest[:12], 16) / 16**12 for digest in distinct}
    test = {d for d in distinct if place[d] < 0.05} or {distinct[0]}
    rest = [d for d in distinct if d not in test]
    validation = {d for d in rest if place[d] < 0.10} or {rest[0]}
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for row, digest in enumerate(hashes):
        parts[2 if digest in test else 1 if digest in validation else 0].append(row)
    if not parts[0]:
        return None
    return tuple(np.array(part, np.int64) for part in parts)  # type: ignore[return-value]


def _range(cache: Decoded, rows: np.ndarray) -> tuple[float, float]:
    """The values that become 0 and 1: the type's own, or for fractions outside [0, 1] those of the training part."""
    kind = str(cache.pixels.dtype)
    if kind != "float32":
        return 0.0, TOP[kind]
    chunks = [cache.pixels[rows[start : start + CHUNK]] for start in range(0, len(rows), CHUNK)]
    low, high = min(float(c.min()) for c in chunks), max(float(c.max()) for c in chunks)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low, low + 1)


def _part(
    cache: Decoded, rows: np.ndarray, device: torch.device, memory_share: float, span: tuple[float, float]
) -> Images:
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    names = [cache.names[row] for row in rows]
    if cache.pixels.nbytes <= memory_share * free:
        return Images(np.ascontiguousarray(cache.pixels[rows]), span, names=names, device=device)
    return Images(cache.pixels, span, names=names, rows=rows, device=device)


def _files(path: Path) -> list[str]:
    """Names of the image files in a folder and below it, sorted; links to folders are not followed."""
    if not path.is_dir():
        raise UsageError(f"{path}: {'not a folder' if path.exists() else 'no such folder'} (--data)")
    found = [
        str(Path(folder, name).relative_to(path))
        for folder, _, names in os.walk(path)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
    ]
    if not found:
        kinds = " ".join(sorted(SUFFIXES))
        raise UsageError(f"{path}: no images in this folder or below it (files ending in {kinds})")
    return sorted(found)


def _decoded(path: Path, size: int | None, channels: int | None, notify: Notify) -> Decoded:
    """The folder's images from the cache, which is built where there is none for just these files."""
    names = _files(path)
    stats = [(path / name).stat() for name in names if (path / name).is_file()]
    known = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in zip(names, stats, strict=False)]
    key = hashlib.sha256(json.dumps([VERSION, size, channels, str(path.resolve()), known]).encode()).hexdigest()[:32]
    home = sources.cache_dir() / "images"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f"{key}.lock"):
        if not (home / key / "index.json").exists():
            _build(path, names, size, channels, home, key)
        found = _open(home / key)
    for line in found.unreadable[:10]:
        notify(f"unreadable: {path / line}")
    if len(found.unreadable) > 10:
        notify(f"unreadable: {len(found.unreadable) - 10} more")
    return found


def _open(folder: Path) -> Decoded:
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    shape = tuple(index["shape"])
    pixels = np.memmap(folder / "pixels.bin", dtype=index["dtype"], mode="r", shape=shape)
    return Decoded(pixels, index["names"], index["hashes"], index["unreadable"])


def _build(path: Path, names: list[str], size: int | None, channels: int | None, home: Path, key: str) -> None:
    """Decode every file once, in threads, in chunks; write beside, then rename."""
    headers: dict[str, Header] = {}
    unreadable: dict[str, str] = {}
    for name, found in _threaded(lambda n: _attempt(header, path / n), names, "looking at images"):
        if isinstance(found, Unreadable):
            unreadable[name] = str(found)
        else:
            headers[name] = found
    dtype, depth, side = _agreed(path, headers, size, channels, unreadable)
    beside = home / f".{key}.part"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir()
        kept: list[str] = []
        hashes: list[str] = []
        with (beside / "pixels.bin").open("wb") as file:

            def ready(name: str) -> Any:
                return _attempt(lambda p: _ready(p, dtype, depth, side), path / name)

            for name, result in _threaded(ready, list(headers), "decoding images"):
                if isinstance(result, Unreadable):
                    unreadable[name] = str(result)
                    continue
                pixels, digest = result
                file.write(pixels.tobytes())
                kept.append(name)
                hashes.append(digest)
        if not kept:
            raise ArzhangError(f"{path}: none of its {len(names):,} image files can be read ({_first(unreadable)})")
        index = {
            "shape": [len(kept), depth, side, side],
            "dtype": dtype,
            "names": kept,
            "hashes": hashes,
            "unreadable": [f"{name}: {why}" for name, why in sorted(unreadable.items())],
        }
        (beside / "index.json").write_text(json.dumps(index), encoding="utf-8")
        shutil.rmtree(home / key, ignore_errors=True)
        beside.rename(home / key)
    except OSError as error:
        raise ArzhangError(f"{home}: the decoded images could not be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _first(unreadable: dict[str, str]) -> str:
    name = min(unreadable)
    return f"{name}: {unreadable[name]}"


def _agreed(
    path: Path, headers: dict[str, Header], size: int | None, channels: int | None, unreadable: dict[str, str]
) -> tuple[str, int, int]:
    """Type, channels and side that hold every image of the folder."""
    if not headers:
        raise ArzhangError(f"{path}: none of its {len(unreadable):,} image files can be read ({_first(unreadable)})")
    kinds = {found.dtype for found in headers.values()}
    dtype = next(kind for kind in ("float32", "uint16", "uint8") if kind in kinds)
    depth = channels or max(found.channels for found in headers.values())
    if size is None:
        sizes = {(found.height, found.width) for found in headers.values()}
        height, width = next(iter(sizes))
        if len(sizes) > 1 or height != width or height > 256:
            low, high = min(map(min, sizes)), max(map(max, sizes))
            raise UsageError(f"{path}: images of {low} to {high} pixels a side; give --size, e.g. --size 64")
        size = height
    return dtype, depth, size


def _ready(path: Path, dtype: str, channels: int, size: int) -> tuple[np.ndarray, str]:
    """One image as a row of the cache, (C, S, S), and its file's hash."""
    image = read(path)
    if channels == 1 and image.shape[2] == 3:
        weights = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
        grey = (image @ weights)[:, :, None]
        image = (grey if image.dtype == np.float32 else grey.round()).astype(image.dtype)
    elif channels == 3 and image.shape[2] == 1:
        image = image.repeat(3, 2)
    if str(image.dtype) != dtype:
        factor = TOP[dtype] / TOP[str(image.dtype)]
        image = (image * factor).astype(dtype)  # 255 → 65,535 is × 257, without rest
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return fit(image, size), digest


def _attempt(reader: Callable[[Path], Any], path: Path) -> Any:
    """What a reader gives, or why it could not."""
    try:
        return reader(path)
    except Unreadable as error:
        return error
    except OSError as error:
        return Unreadable(error.strerror or "cannot be opened")


def _threaded(work: Callable[[str], Any], names: list[str], title: str) -> Iterator[tuple[str, Any]]:
    """(name, result) in order, worked on by threads, never more than a chunk ahead."""
    console = Console(stderr=True)
    remaining = iter(track(names, title, console=console, disable=not console.is_terminal))
    with ThreadPoolExecutor(min(16, (os.cpu_count() or 1) + 1)) as pool:
        while chunk := list(islice(remaining, CHUNK)):
            yield from zip(chunk, pool.map(work, chunk), strict=True)


def contact_sheet(images: Images, n: int, path: Path | str, seed: int = 0) -> None:
    """n images of a part, chosen by the seed, in rows of ten as one PNG."""
    chosen = torch.randperm(len(images), generator=generator(seed, "contact sheet"))[:n]
    buffer = io.BytesIO()
    save_image(make_grid(images.batch(chosen).cpu(), nrow=10, padding=2, pad_value=0.5), buffer, format="png")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(buffer.getvalue())
