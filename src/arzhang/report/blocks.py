"""What a page is made of: sections of blocks. A study builds them from its results and writes no HTML."""

import base64
import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from markupsafe import Markup

from arzhang.errors import ArzhangError

PNG = b"\x89PNG\r\n\x1a\n"
LARGEST = 400_000
"""Bytes of a PNG above which a page shows it as JPEG: a page is sent about, the file beside it stays exact."""


class Block:
    """One thing in a section. The template has a macro of the same name as `kind`."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Text(Block):
    """A paragraph."""

    kind = "text"
    text: str


@dataclass(frozen=True)
class Prose(Block):
    """Paragraphs, formulas and tables that were written as Markdown (`prose.rendered`)."""

    kind = "prose"
    html: Markup


@dataclass(frozen=True)
class Heading(Block):
    """What stands over some blocks of a section."""

    kind = "heading"
    text: str


@dataclass(frozen=True)
class Findings(Block):
    """Sentences drawn from the numbers, each standing for itself."""

    kind = "findings"
    sentences: Sequence[str]


@dataclass(frozen=True)
class Facts(Block):
    """Names and what they are."""

    kind = "facts"
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Commands(Block):
    """Lines to type."""

    kind = "commands"
    lines: Sequence[str]


@dataclass(frozen=True)
class Missing(Block):
    """Something that is not there yet, and the command that makes it."""

    kind = "missing"
    text: str
    command: str


@dataclass(frozen=True)
class Details(Block):
    """Blocks that are folded away under a summary."""

    kind = "details"
    summary: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Drawing:
    """A figure drawn by code: an inline SVG (`figures.inline`), and what stands under it."""

    svg: Markup
    caption: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    """The same as files, to link to: what a link says → its address, relative to the page."""


@dataclass(frozen=True)
class Key:
    """One entry of a legend: its words, the series it has in `figures.SERIES`, and whether it is a line or points."""

    text: str
    series: int
    mark: str = "line"


@dataclass(frozen=True)
class Drawings(Block):
    """Small multiples with one legend; a wide one holds panels of its own, and scrolls where the page is narrow."""

    kind = "drawings"
    drawings: Sequence[Drawing]
    legend: Sequence[Key] = ()
    wide: bool = False


@dataclass(frozen=True)
class Picture:
    """An image for the eye. `over` lies in the same place and shows when one points at it or taps it."""

    source: str
    width: int
    height: int
    alt: str
    title: str = ""
    caption: str = ""
    over: "Picture | None" = None


@dataclass(frozen=True)
class Pictures(Block):
    """Images side by side where there is room; `strip` keeps them at full size and scrolls instead."""

    kind = "pictures"
    pictures: Sequence[Picture]
    strip: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell that is more than text: marked, or with something folded under it."""

    text: str
    mark: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table(Block):
    """Rows of cells under column heads; the first cell of a row is its head. `name` says what is in it."""

    kind = "table"
    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    layout: Literal["rows", "options", "measures", "verdicts"] = "rows"
    """What becomes of rows where the page is narrow: they scroll, or turn into cards, each of an option, a measure or a
    verdict."""
    numeric: Sequence[int] = ()
    """Columns of numbers, set flush to the end."""


@dataclass(frozen=True)
class Section:
    """A part of a page. `group` gathers the sections of one run; `assignment` is the id that the section answers."""

    id: str
    title: str
    blocks: Sequence[Block]
    group: str = ""
    assignment: str = ""


# ------------------------------------------------------------------------------------------------------ pictures


class Unreadable(ArzhangError):
    """A picture that is damaged."""


def picture(path: Path, alt: str, title: str = "", caption: str = "", over: Picture | None = None) -> Picture:
    """A PNG file as it goes into a page: whole, or as JPEG where it is large."""
    content = path.read_bytes()
    if content[:8] != PNG or content[12:16] != b"IHDR" or b"IEND" not in content[-12:]:
        raise Unreadable(f"{path}: not a whole PNG")
    width, height = struct.unpack(">II", content[16:24])
    mime = "png"
    if len(content) > LARGEST:
        content, mime = _as_jpeg(content), "jpeg"
    source = f"data:image/{mime};base64,{base64.b64encode(content).decode()}"
    return Picture(source, width, height, alt, title, caption, over)


def _as_jpeg(png: bytes) -> bytes:
    from matplotlib import image

    buffer = io.BytesIO()
    pixels = image.imread(io.BytesIO(png), format="png")[..., :3]
    image.imsave(buffer, pixels, format="jpeg", pil_kwargs={"quality": 85})
    return buffer.getvalue()
