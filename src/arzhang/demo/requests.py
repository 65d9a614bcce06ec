"""What the page may send: numbers, rows of numbers and images, each checked before anything is made of it."""

import io
import json
import math
import struct
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import numpy as np
from jaxtyping import UInt8
from PIL import Image

Values = Mapping[str, Any]
"""What was asked, by name: of a query's words, of a JSON object's fields."""
SIDE = 1024
"""Pixels a side of an image that is sent; a larger model takes its own."""
SIGNATURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
LARGEST = 2**53 - 1
"""A seed: what JavaScript's numbers hold exactly."""


class Refused(Exception):
    """A request that is not answered: the HTTP status, and why, in one sentence."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def fields(body: bytes) -> dict[str, Any]:
    """The fields of a JSON object, without NaN and infinities. Raises Refused (400).

    >>> fields(b'{"seed": 3}')
    {'seed': 3}
    """
    try:
        found = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):  # of Unicode, of a number with thousands of digits, of too deep a nesting
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise Refused(400, "the body is not a JSON object")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def whole(values: Values, name: str, low: int, high: int, default: int | None = None) -> int:
    """An integer from low to high. Raises Refused: 400 for what is none, 422 for one outside.

    >>> whole({"seed": "3"}, "seed", 0, 9), whole({}, "seed", 0, 9, default=0)
    (3, 0)
    """
    value = values.get(name, default)
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdecimal() and len(value) < 20:
        value = int(value)  # of a query
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(400, f"{name}: must be an integer")
    if not low <= value <= high:
        raise Refused(422, f"{name}: must be from {low} to {high}")
    return value


def real(values: Values, name: str, low: float, high: float) -> float:
    """A finite number from low to high. Raises Refused: 400 for what is none, 422 for one outside."""
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < math.inf:
        raise Refused(400, f"{name}: must be a finite number")
    if not low <= value <= high:
        raise Refused(422, f"{name}: must be from {low:g} to {high:g}")
    return float(value)


def chosen(values: Values, name: str, known: Collection[str], default: str | None = None) -> str:
    """One of some words. Raises Refused: 400 where there is none, 422 for an unknown one."""
    value = values.get(name, default)
    if not isinstance(value, str):
        raise Refused(400, f"{name}: must be a word")
    if value not in known:
        raise Refused(422, f"{name}: there is {', '.join(known)}")
    return value


def several(values: Values, name: str, most: int) -> list[Any]:
    """A list of at most so many. Raises Refused: 400 for what is none, 422 for more."""
    value = values.get(name)
    if not isinstance(value, list):
        raise Refused(400, f"{name}: must be a list")
    if len(value) > most:
        raise Refused(422, f"{name}: at most {most}, not {len(value)}")
    return value


def rows(values: Values, name: str, most: int, columns: int, bound: float) -> list[list[float]]:
    """From 1 to so many rows of so many numbers, none beyond ±bound. Raises Refused: 400, or 422 for too many."""
    found = several(values, name, most)
    if not found or not all(isinstance(row, list) and len(row) == columns for row in found):
        raise Refused(400, f"{name}: must be one row or more, of {columns} numbers each")
    for value in (value for row in found for value in row):
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= bound:
            raise Refused(400, f"{name}: must be numbers from {-bound:g} to {bound:g}")
    return [[float(value) for value in row] for row in found]


def image(body: bytes, channels: int, largest: int = SIDE) -> UInt8[np.ndarray, "H W C"]:
    """A PNG's pixels in so many channels, transparency laid over white. Its size is read from its first bytes, before
    any of it is decoded. Raises Refused: 415 for what is no PNG of 8 bits, 413 for a large one, 400 for a damaged one.
    """
    if not body.startswith(SIGNATURE) or len(body) < 33:
        raise Refused(415, "the body is not a PNG image")
    width, height, depth = struct.unpack(">IIB", body[16:25])
    if not (1 <= width <= largest and 1 <= height <= largest):
        raise Refused(413, f"the image says {width}×{height} pixels: at most {largest} a side")
    if depth > 8:
        raise Refused(415, f"the image has {depth} bits a channel: at most 8")
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as opened:
            if opened.size != (width, height):
                raise Refused(400, "the image is damaged")
            opened.load()
            seen: Image.Image = opened
            if opened.has_transparency_data:
                seen = Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened.convert("RGBA"))
            array = np.asarray(seen.convert("L" if channels == 1 else "RGB"))
    except (Refused, MemoryError):
        raise
    except Exception:  # decoders raise whatever comes to them on damaged files
        raise Refused(400, "the image is damaged, or cut short") from None
    return array.reshape(height, width, channels)
