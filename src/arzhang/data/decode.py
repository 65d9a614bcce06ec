"""One image file → one array, at the file's own precision: nothing is quantised silently."""

import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import png
import tifffile
import torch
from jaxtyping import Shaped
from PIL import Image, ImageOps
from torchvision.transforms.v2 import functional as transforms

T = TypeVar("T")
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".npy"}
MOST_PIXELS = 100_000_000
"""More in one image is refused before memory is taken for it."""
GREY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"}
_PARSER = threading.Lock()


class Unreadable(Exception):
    """Why one file could not be read as an image."""


class Header(NamedTuple):
    """What a file says of itself before it is decoded."""

    dtype: str
    """'uint8', 'uint16' or 'float32': the smallest of these that holds its values."""
    channels: int
    height: int
    width: int


def header(path: Path) -> Header:
    """The type and size of an image file, without decoding it. Raises Unreadable."""
    return _guarded(path, _header)


def read(path: Path) -> Shaped[np.ndarray, "H W C"]:
    """The image in a file, 1 or 3 channels, uint8, uint16 or float32. Raises Unreadable.

    EXIF rotation is applied, palettes and CMYK become RGB, transparency is laid over white; of an animation the first
    frame is read. Depths of 16 bits and floating point stay what they are.
    """
    image = _guarded(path, _read)
    if image.dtype == np.float32 and not np.isfinite(image).all():
        raise Unreadable("holds values that are not finite")
    return image


def fit(image: Shaped[np.ndarray, "H W C"], size: int | None) -> Shaped[np.ndarray, "C S T"]:
    """The shorter side to `size` with antialiasing, the middle cut out: (C, size, size); untouched where it is None."""
    tensor = torch.from_numpy(np.array(image.transpose(2, 0, 1), order="C"))  # a copy: what is read may be read-only
    if size is None or tuple(tensor.shape[1:]) == (size, size):
        return tensor.numpy()
    kept = tensor.dtype
    if kept == torch.uint16:
        tensor = tensor.float()
    if min(tensor.shape[1:]) != size:
        tensor = transforms.resize(tensor, [size], antialias=True)
    tensor = transforms.center_crop(tensor, [size, size])
    return (tensor.round().clamp(0, 65_535).to(kept) if kept == torch.uint16 else tensor).numpy()


def _guarded(path: Path, reader: Callable[[Path], T]) -> T:
    """Decoders raise whatever comes to them on damaged files; here all of it means the same."""
    try:
        if path.stat().st_size == 0:
            raise Unreadable("is empty")
        return reader(path)
    except Unreadable:
        raise
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise Unreadable(str(error).splitlines()[0][:120] if str(error) else type(error).__name__) from None


def _header(path: Path) -> Header:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        array = _npy(path)
        height, width, channels = _layout(array.shape)
        return _checked(Header(_kind(array.dtype), _colours(channels), height, width))
    if suffix in (".tif", ".tiff"):
        try:
            with tifffile.TiffFile(path) as file:
                page = file.pages[0]
                height, width, channels = _layout(page.shape)
                if page.dtype is None:
                    raise Unreadable("says nothing of its type")
                # Taken before the file is read.
                if (claimed := max(page.databytecounts, default=0)) > path.stat().st_size:
                    raise Unreadable(f"has a strip that says it is of {claimed:,} bytes, more than the file")
                return _checked(Header(_kind(page.dtype), _colours(channels), height, width))
        except MemoryError:  # asked for by a tag; the picture itself is not read yet
            raise Unreadable("its tags claim more than there is memory for") from None
    if _png_depth(path) is not None:
        _refuse_false_lengths(path)
    with Image.open(path) as image:
        width, height = image.size
        deep = _png_depth(path) == 16 or image.mode.startswith("I")
        kind = "float32" if image.mode == "F" else "uint16" if deep else "uint8"
        return _checked(Header(kind, 1 if image.mode in GREY_MODES else 3, height, width))


def _checked(found: Header) -> Header:
    if max(found.height, found.width) > MOST_PIXELS or found.height * found.width > MOST_PIXELS:
        raise Unreadable(f"says {found.width}×{found.height} pixels: more than {MOST_PIXELS:,}")
    if found.height < 1 or found.width < 1:
        raise Unreadable("has no pixels")
    return found


def _read(path: Path) -> np.ndarray:
    _header(path)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _array(np.array(_npy(path)))
    if suffix in (".tif", ".tiff"):
        with tifffile.TiffFile(path) as file:
            return _array(file.pages[0].asarray())
    if _png_depth(path) == 16:
        # Pillow would make 8 bits of the coloured ones, without a word.
        _refuse_false_lengths(path, unpacked=True)
        with path.open("rb") as file:
            width, height, rows, info = png.Reader(file=file).asDirect()
            values = np.vstack([np.asarray(row, np.uint16) for row in rows])
        return _array(values.reshape(height, width, info["planes"]))
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode == "F":
            return _array(np.array(image, np.float32))
        if image.mode.startswith("I"):
            return _array(np.array(image).astype(np.uint16))
        if image.has_transparency_data:
            layered = image.convert("RGBA")
            white = Image.new("RGBA", layered.size, "white")
            image = Image.alpha_composite(white, layered).convert("L" if image.mode in GREY_MODES else "RGB")
        return _array(np.array(image.convert("L" if image.mode in GREY_MODES else "RGB")))


def _npy(path: Path) -> np.ndarray:
    """The array in a file, mapped. One thread at a time: numpy has Python parse what the file says of itself, and that
    parser counts its depth for all threads in one number, so that a sound file would now and then be refused."""
    with _PARSER:
        return np.load(path, mmap_mode="r", allow_pickle=False)


def _png_depth(path: Path) -> int | None:
    with path.open("rb") as file:
        start = file.read(25)
    return start[24] if start[:8] == b"\x89PNG\r\n\x1a\n" and len(start) == 25 else None


def _refuse_false_lengths(path: Path, unpacked: bool = False) -> None:
    """Raise Unreadable where a PNG has a chunk that says it is longer than the file, for which its readers take memory
    before they look; and, asked for `unpacked`, where its pixels unpack to more than they are, all at once."""
    end = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(33)
        width, height = struct.unpack_from(">II", start, 16) if len(start) == 33 else (0, 0)
        left = (
            2 * height * (8 * width + 8)
        )  # four channels of two bytes, a filter a row; interlaced, less than twice that
        unpacker = zlib.decompressobj()
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if size > end:
                raise Unreadable(f"has a chunk that says it is of {size:,} bytes, more than the file")
            packed = file.read(size) if unpacked and kind == b"IDAT" else b""
            file.seek(size + 4 - len(packed), 1)
            while packed and not unpacker.eof:
                left -= len(unpacker.decompress(packed, 1 << 20))
                packed = unpacker.unconsumed_tail
                if left < 0:
                    raise Unreadable("unpacks to far more than its pixels")


def _layout(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and channels of an array: (H, W), (H, W, C) or (C, H, W)."""
    if len(shape) == 2:
        return shape[0], shape[1], 1
    if len(shape) == 3 and shape[2] in (1, 2, 3, 4):
        return shape[0], shape[1], shape[2]
    if len(shape) == 3 and shape[0] in (1, 2, 3, 4):
        return shape[1], shape[2], shape[0]
    raise Unreadable(f"an array of shape {shape}, which is no image")


def _kind(dtype: np.dtype) -> str:
    if dtype == np.uint8 or dtype == np.bool_:
        return "uint8"
    if dtype == np.uint16:
        return "uint16"
    if np.issubdtype(dtype, np.floating) or np.issubdtype(dtype, np.integer):
        return "float32"
    raise Unreadable(f"holds values of type {dtype}")


def _colours(channels: int) -> int:
    return 1 if channels <= 2 else 3


def _array(image: np.ndarray) -> np.ndarray:
    """(H, W, 1 or 3) in one of the three types, transparency laid over white."""
    height, width, channels = _layout(image.shape)
    if image.ndim == 2:
        image = image[:, :, None]
    elif image.shape[2] != channels or (image.shape[0] == channels and image.shape[:2] != (height, width)):
        image = image.transpose(1, 2, 0)
    kind = _kind(image.dtype)
    image = image.astype(np.uint8) * 255 if image.dtype == np.bool_ else image.astype(kind)
    if channels in (2, 4):
        top = {"uint8": 255, "uint16": 65_535, "float32": 1.0}[kind]
        alpha = image[:, :, -1:].astype(np.float64) / top
        laid = image[:, :, :-1] * alpha + top * (1 - alpha)
        image = (laid if kind == "float32" else laid.round()).astype(kind)
    return np.ascontiguousarray(image)
