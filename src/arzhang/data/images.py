"""Single images: from a built-in set or a folder to one tensor on the device, in three honest parts."""

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor
from torchvision.utils import make_grid, save_image

from arzhang.contracts import Example, Examples
from arzhang.data import cache, sources, sprites
from arzhang.data.cache import Decoded, threaded
from arzhang.data.decode import SUFFIXES, Header, Unreadable, fit, header, read
from arzhang.errors import ArzhangError, UsageError
from arzhang.files import write_atomically
from arzhang.memory import sent
from arzhang.randomness import generator

Notify = Callable[[str], None]
VERSION = 2
"""Of the cache's format; another one is built anew."""
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
        labels: Int64[Tensor, " n"] | None = None,
        names: Sequence[str] | None = None,
        rows: Int64[np.ndarray, " n"] | None = None,
        device: torch.device | str = "cpu",
        factors: Float[Tensor, "N K"] | None = None,
    ) -> None:
        self.range, self.names, self.rows = range, names, rows
        self.factors = factors
        self.device = torch.device(device)
        self.labels = None if labels is None else labels.to(self.device)
        self.kind = str(pixels.dtype).removeprefix("torch.")
        self.mapped = pixels if isinstance(pixels, np.ndarray) and rows is not None else None
        if self.mapped is None:
            resident = torch.from_numpy(pixels) if isinstance(pixels, np.ndarray) else pixels
            if self.kind == "uint16":  # few operations know them: they are kept as the signed ones of equal bits
                resident = resident.view(torch.int16)
            self.pixels = resident.to(self.device)
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
        labels = None if self.labels is None else self.labels[sent(indices, self.device)]
        return Example(self.batch(indices), labels)

    def raw(self, indices: Int64[Tensor, " B"]) -> Shaped[Tensor, "B C H W"]:
        """These images on the device as they are kept."""
        if self.mapped is None:
            return self.pixels.index_select(0, sent(indices, self.device))
        assert self.rows is not None
        rows = self.mapped[self.rows[indices.cpu().numpy()]]
        raw = torch.from_numpy(rows.view(np.int16) if self.kind == "uint16" else rows)
        return sent(raw, self.device)

    def batch(self, indices: Int64[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
        """These images as float32 in [0, 1] on the device."""
        raw = self.raw(indices)
        if self.kind == "uint16":
            raw = raw.to(torch.int32) & 0xFFFF
        low, high = self.range
        scaled = raw / high if low == 0 else (raw - low) / (high - low)
        return scaled.clamp_(0, 1) if self.kind == "float32" else scaled


class Splits(NamedTuple):
    """The three parts of a data set, and what it is. Choices are made on validation; only evaluation reads test."""

    train: Any
    """Examples: images here, pairs in `pairs`; so are the others."""
    validation: Any
    test: Any
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
    the content of its files, and its subfolders are classes where all of its images lie in two of them or more. Images
    of a folder are brought to `size`: the shorter side resized with antialiasing, the middle cut out. Raises
    UsageError or ArzhangError with what is wrong and what to do.
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
    exact: bool = False,
    notify: Notify = print,
) -> Images:
    """Every readable image of a folder, unsplit, in the order of their names.

    `exact`: oblong and large images are taken as they are, and a file that cannot be read raises ArzhangError.
    """
    found = _decoded(Path(folder), size, channels, notify if not exact else _unsaid, exact)
    if exact and found.unreadable:
        n = len(found.names) + len(found.unreadable)
        raise ArzhangError(
            f"{Path(folder) / found.unreadable[0]}; {len(found.unreadable)} of {n:,} images cannot be read: "
            "mend or remove them, for a number is of the whole folder"
        )
    rows = np.arange(len(found.names))
    return part(found.pixels, found.names, rows, torch.device(device), memory_share, _range(found.pixels, rows))


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
    kept, held = held_out(name, n, validation)
    parts = [
        Images(pixels[half][rows], labels=labels[half][rows], device=device)
        for half, rows in (("train", kept), ("train", held), ("test", torch.arange(len(pixels["test"]))))
    ]
    digest = hashlib.sha256(
        "".join(hashlib.sha256(a.tobytes()).hexdigest() for a in arrays.values()).encode()
    ).hexdigest()
    one = sources.SOURCES[name]
    side = pixels["train"].shape[-1]
    description = f"{one.title}: {n + len(parts[2]):,} images of {side}×{side}, split {sizes(parts)}"
    return Splits(parts[0], parts[1], parts[2], description, digest, one.classes)


def held_out(name: str, n: int, validation: int) -> tuple[Int64[Tensor, " k"], Int64[Tensor, " h"]]:
    """Rows of a built-in set's n training images that are kept for training, and those held out for validation, by a
    seed of its own: the same images whatever the seed of a training."""
    if not 0 <= validation < n:
        raise UsageError(f"--validation {validation}: the training part of {name} holds {n:,} images")
    order = torch.randperm(n, generator=generator("validation", name))
    return order[validation:].sort().values, order[:validation].sort().values


def _sprites(size: int, validation: int, device: torch.device) -> Splits:
    n, tested = SPRITES
    pixels, factors = sprites.sprites(n + tested, size)
    kept, held = held_out(DRAWN, n, validation)
    parts = [
        Images(pixels[rows], labels=factors[rows, 0].long(), device=device, factors=factors[rows])
        for rows in (kept, held, torch.arange(n, n + tested))
    ]
    digest = hashlib.sha256(pixels.numpy().tobytes()).hexdigest()
    description = f"sprites: {n + tested:,} images of {size}×{size}, split {sizes(parts)}"
    return Splits(parts[0], parts[1], parts[2], description, digest, sprites.SHAPES)


def sizes(parts: Sequence[Examples]) -> str:
    """'55,000/5,000/10,000'."""
    return "/".join(f"{len(part):,}" for part in parts)


# -------------------------------------------------------------------------------------------------------- a folder


def _folder(
    path: Path, size: int | None, channels: int | None, device: torch.device, memory_share: float, notify: Notify
) -> Splits:
    found = _decoded(path, size, channels, notify)
    rows = split(found.hashes, path)
    span = _range(found.pixels, rows[0])
    classes = subfolders(found.names)
    names = tuple(sorted(set(classes or ())))
    labels = torch.tensor([names.index(one) for one in classes]) if classes and len(names) > 1 else None
    parts = [part(found.pixels, found.names, own, device, memory_share, span, labels) for own in rows]
    _, c, side, _ = found.pixels.shape
    colour = "grey" if c == 1 else "colour"
    bad = f", {len(found.unreadable)} unreadable and named" if found.unreadable else ""
    depth = {"uint8": "", "uint16": " in 16 bits", "float32": f" from {span[0]:.4g} to {span[1]:.4g}"}[parts[0].kind]
    description = f"{len(found.names):,} images{bad}, split {sizes(parts)}; {colour}{depth}, {side}×{side}"
    if labels is not None:
        description += f"; {len(names)} classes by subfolder ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
    notify(f"{path}: {description}")
    digest = hashlib.sha256("".join(sorted(found.hashes)).encode()).hexdigest()
    return Splits(parts[0], parts[1], parts[2], description, digest, None if labels is None else names)


def subfolders(names: Sequence[str]) -> list[str] | None:
    """The folder within the whole one that holds each image, where all are in such.

    >>> subfolders(["cats/1.png", "dogs/old/1.png"]), subfolders(["1.png", "cats/1.png"])
    (['cats', 'dogs'], None)
    """
    parts = [Path(name).parts for name in names]
    return [part[0] for part in parts] if parts and all(len(part) > 1 for part in parts) else None


def split(hashes: Sequence[str], path: Path, *, test: bool = True) -> tuple[Int64[np.ndarray, " n"], ...]:
    """Rows of train, validation and, unless the set has its own, test; 5 % of the contents each but train.

    A file's part depends on its own content alone, so that equal files stand together and a file never changes sides
    when others come; only an empty part takes the content nearest to it.
    """
    distinct = sorted(set(hashes))
    if len(distinct) < 2 + test:
        what = "training, validation and test need at least 3" if test else "training and validation need at least 2"
        raise ArzhangError(f"{path}: {len(distinct)} different image(s); {what}")
    place = {digest: int(digest[:12], 16) / 16**12 for digest in distinct}
    side: dict[str, int] = {}
    for share, number in ((0.05, 2), (0.10, 1)) if test else ((0.05, 1),):
        rest = [digest for digest in distinct if digest not in side]
        side |= dict.fromkeys([digest for digest in rest if place[digest] < share] or rest[:1], number)
    if len(side) == len(distinct):  # all of them below 10 %
        side[distinct[-1]] = 0
    numbers = np.array([side.get(digest, 0) for digest in hashes])
    return tuple((numbers == number).nonzero()[0] for number in range(2 + test))


def _range(pixels: Shaped[np.ndarray, "N C H W"], rows: np.ndarray) -> tuple[float, float]:
    """The values that become 0 and 1: the type's own, or for fractions outside [0, 1] those of the training part."""
    kind = str(pixels.dtype)
    if kind != "float32":
        return 0.0, TOP[kind]
    chunks = [pixels[rows[start : start + cache.CHUNK]] for start in range(0, len(rows), cache.CHUNK)]
    low, high = min(float(c.min()) for c in chunks), max(float(c.max()) for c in chunks)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low, low + 1)


def part(
    pixels: Shaped[np.ndarray, "N C H W"],
    names: Sequence[str],
    rows: Int64[np.ndarray, " n"],
    device: torch.device,
    memory_share: float,
    span: tuple[float, float] = (0.0, 255.0),
    labels: Int64[Tensor, " N"] | None = None,
) -> Images:
    """Rows of a memory map: on the device where the whole fits into its share of the free memory, else left on disk."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    own, classes = [names[row] for row in rows], None if labels is None else labels[torch.from_numpy(rows)]
    if pixels.nbytes <= memory_share * free:
        return Images(np.ascontiguousarray(pixels[rows]), span, classes, own, device=device)
    return Images(pixels, span, classes, own, rows, device)


def files(path: Path) -> list[str]:
    """Names of the image files in a folder and below it, sorted; links to folders are not followed."""
    if not path.is_dir():
        why = "no such folder" if not path.exists() else "not a folder"
        zipped = path.is_file() and zipfile.is_zipfile(path)
        raise UsageError(f"{path}: {why} (--data){'; only pairs are read from zips: unpack it' if zipped else ''}")
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


def _unsaid(_: str) -> None:
    pass


def _decoded(path: Path, size: int | None, channels: int | None, notify: Notify, oblong: bool = False) -> Decoded:
    """The folder's images from the cache, which is built where there is none for just these files."""
    names = files(path)
    key = ["images", VERSION, size, channels, oblong, str(path.resolve()), known(path, names)]
    found = cache.read(cache.entry("images", key, lambda beside: _build(path, names, size, channels, beside, oblong)))
    tell_unreadable(path, found.unreadable, notify)
    return found


def known(path: Path, names: Sequence[str]) -> list[list[str | int]]:
    """What tells whether a folder's files are still the same: names, sizes, times."""
    stats = [(name, (path / name).stat()) for name in names if (path / name).is_file()]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]


def tell_unreadable(path: Path, lines: Sequence[str], notify: Notify) -> None:
    for line in lines[:10]:
        notify(f"unreadable: {path / line}")
    if len(lines) > 10:
        notify(f"unreadable: {len(lines) - 10} more")


def headers(path: Path, names: Sequence[str]) -> tuple[dict[str, Header], dict[str, str]]:
    """What each file says of itself, and why the others could not be read. ArzhangError where none can."""
    found: dict[str, Header] = {}
    unreadable: dict[str, str] = {}
    for name, result in threaded(lambda n: attempt(header, path / n), names, "looking at images"):
        if isinstance(result, Unreadable):
            unreadable[name] = str(result)
        else:
            found[name] = result
    if not found:
        raise none_readable(path, unreadable)
    return found, unreadable


def none_readable(path: Path, unreadable: dict[str, str]) -> ArzhangError:
    name = min(unreadable)
    return ArzhangError(f"{path}: none of its {len(unreadable):,} image files can be read ({name}: {unreadable[name]})")


def _build(path: Path, names: list[str], size: int | None, channels: int | None, folder: Path, oblong: bool) -> None:
    """Decode every file once, in threads, in chunks."""
    found, unreadable = headers(path, names)
    dtype, depth, height, width = _agreed(path, found, size, channels, oblong)
    kept: list[str] = []
    hashes: list[str] = []
    with cache.pixels_file(folder, 0).open("wb") as file:

        def ready(name: str) -> Any:
            return attempt(lambda p: _ready(p, dtype, depth, height, width), path / name)

        for name, result in threaded(ready, list(found), "decoding images"):
            if isinstance(result, Unreadable):
                unreadable[name] = str(result)
                continue
            pixels, digest = result
            file.write(pixels.tobytes())
            kept.append(name)
            hashes.append(digest)
    if not kept:
        raise none_readable(path, unreadable)
    cache.write_index(folder, [(len(kept), depth, height, width)], dtype, kept, hashes, unreadable)


def _agreed(
    path: Path, headers: dict[str, Header], size: int | None, channels: int | None, oblong: bool
) -> tuple[str, int, int, int]:
    """Type, channels, height and width that hold every image of the folder."""
    kinds = {found.dtype for found in headers.values()}
    dtype = next(kind for kind in ("float32", "uint16", "uint8") if kind in kinds)
    depth = channels or max(found.channels for found in headers.values())
    if size is not None:
        return dtype, depth, size, size
    sizes = {(found.height, found.width) for found in headers.values()}
    height, width = next(iter(sizes))
    if len(sizes) > 1 or not (oblong or height == width <= 256):
        low, high = min(map(min, sizes)), max(map(max, sizes))
        raise UsageError(f"{path}: images of {low} to {high} pixels a side; give --size, e.g. --size 64")
    return dtype, depth, height, width


def _ready(path: Path, dtype: str, channels: int, height: int, width: int) -> tuple[np.ndarray, str]:
    """One image as a row of the cache, (C, H, W), and its file's hash."""
    fitted = fit(recast(read(path), dtype, channels), height if height == width else None)
    if fitted.shape[1:] != (height, width):
        raise Unreadable(f"is {fitted.shape[2]}×{fitted.shape[1]} when it stands upright, the others {width}×{height}")
    return fitted, sha256(path)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recast(image: Shaped[np.ndarray, "H W C"], dtype: str, channels: int) -> Shaped[np.ndarray, "H W D"]:
    """An image in another type and with 1 or 3 channels."""
    if channels == 1 and image.shape[2] == 3:
        weights = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
        grey = (image @ weights)[:, :, None]
        image = (grey if image.dtype == np.float32 else grey.round()).astype(image.dtype)
    elif channels == 3 and image.shape[2] == 1:
        image = image.repeat(3, 2)
    if str(image.dtype) != dtype:
        scaled = image * (TOP[dtype] / TOP[str(image.dtype)])  # 255 → 65,535 is × 257, without rest
        image = (scaled if dtype == "float32" else scaled.round()).astype(dtype)
    return image


def attempt(reader: Callable[[Path], Any], path: Path) -> Any:
    """What a reader gives, or why it could not."""
    try:
        return reader(path)
    except Unreadable as error:
        return error
    except OSError as error:
        return Unreadable(error.strerror or "cannot be opened")


def contact_sheet(images: Images, n: int, path: Path | str, seed: int = 0) -> None:
    """n images of a part, chosen by the seed, in rows of ten as one PNG."""
    chosen = torch.randperm(len(images), generator=generator(seed, "contact sheet"))[:n]
    buffer = io.BytesIO()
    save_image(make_grid(images.batch(chosen).cpu(), nrow=10, padding=2, pad_value=0.5), buffer, format="png")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(path), buffer.getvalue())
