"""The blocks of a page as Markdown and pictures: for an article, a model card, or the output of a notebook's cell."""

import base64
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape

from PIL import Image

from arzhang.report.blocks import (
    Block,
    Cell,
    Commands,
    Details,
    Drawings,
    Facts,
    Findings,
    Heading,
    Missing,
    Picture,
    Pictures,
    Prose,
    Section,
    Table,
    Text,
)

COLUMNS = 3
"""Small multiples beside each other, where they are one picture."""
WIDTH = 800
"""Pixels across which a picture of fewer is brought near to."""
MARKS, CIRCLES = {"line": "—", "point": "●"}, "🔵🟠🟢🟣🔴🟡🔷⚪🌸"
"""What stands in a legend for a kind of mark, and for a colour of `figures.SERIES`: Markdown has no colours."""


@dataclass(frozen=True)
class Shown:
    """A picture between two pieces of Markdown: its bytes, and their kind, `png` or `jpeg`."""

    content: bytes
    kind: str
    alt: str


Piece = str | Shown


def section(one: Section, level: int = 2) -> Iterator[Piece]:
    """A section under its title."""
    yield f"{'#' * level} {escaped(one.title)}"
    yield from pieces(one.blocks)


def pieces(blocks: Iterable[Block]) -> Iterator[Piece]:
    """Blocks as paragraphs of Markdown and pictures, in order."""
    for block in blocks:
        if isinstance(block, Text):
            yield escaped(block.text)
        elif isinstance(block, Prose):
            yield str(block.html)
        elif isinstance(block, Heading):
            yield f"**{escaped(block.text)}**"
        elif isinstance(block, Findings):
            yield "\n".join(f"- {escaped(sentence)}" for sentence in block.sentences)
        elif isinstance(block, Facts):
            yield _facts(block.facts)
        elif isinstance(block, Commands):
            yield "\n".join(["```sh", *block.lines, "```"])
        elif isinstance(block, Missing):
            yield f"> {escaped(block.text)} `{block.command}`"
        elif isinstance(block, Details):
            yield f"<details><summary>{escaped(block.summary)}</summary>"
            yield from pieces(block.blocks)
            yield "</details>"
        elif isinstance(block, Drawings):
            yield from _drawings(block)
        elif isinstance(block, Pictures):
            beside = {one.source for one in block.pictures}
            for one in block.pictures:
                yield from _picture(one)
                if one.over is not None and one.over.source not in beside:  # paper has no pointer to lift it with
                    yield from _picture(one.over)
        elif isinstance(block, Table):
            yield from _table(block)
        else:
            raise ValueError(f"no Markdown for a block of {type(block).__name__}")


def text(found: Iterable[Piece], keep: Callable[[Shown], str]) -> str:
    """One document; `keep` puts a picture somewhere and says where it is."""
    return "\n\n".join(one if isinstance(one, str) else f"![{one.alt}]({keep(one)})" for one in found) + "\n"


def enlarged(picture: bytes) -> bytes:
    """A picture of few pixels with each of them a square: platforms blur what they enlarge."""
    with Image.open(io.BytesIO(picture)) as image:
        factor = WIDTH // image.width
        if factor < 2 or image.format != "PNG":
            return picture
        larger = image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    larger.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def escaped(words: str) -> str:
    """Words that mean themselves in Markdown, but for commands in `backticks`.

    >>> print(escaped("a_b < c*d"))
    a\\_b &lt; c\\*d
    """
    safe = re.sub(r"([\\*_\[\]#~|$])", r"\\\1", words).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"^(\d+)\.(?= )", r"\1\\.", safe)


def _facts(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- **{escaped(name)}**: {escaped(value)}" for name, value in facts.items())


def _drawings(block: Drawings) -> Iterator[Piece]:
    if block.legend:
        yield "; ".join(f"{CIRCLES[key.series]} {MARKS.get(key.mark, '■')} {escaped(key.text)}" for key in block.legend)
    drawn, lacking = [], []
    for drawing in block.drawings:
        label = re.search(r'aria-label="([^"]*)"', str(drawing.svg))
        alt = unescape(label[1]) if label else ""
        png = getattr(drawing.svg, "png", None)
        if png is None:
            lacking.append(alt)  # its file was not kept
        else:
            drawn.append((png(), alt))
    if drawn:
        yield Shown(_side_by_side([png for png, _ in drawn]), "png", _alt(" ".join(alt for _, alt in drawn)))
    captions = [*(drawing.caption for drawing in block.drawings if drawing.caption), *lacking]
    yield from (f"*{escaped(caption)}*" for caption in captions)


def _side_by_side(pngs: Sequence[bytes]) -> bytes:
    """Small multiples as one picture, in rows."""
    if len(pngs) == 1:
        return pngs[0]
    images = [Image.open(io.BytesIO(png)).convert("RGB") for png in pngs]
    columns = min(COLUMNS, len(images))
    rows = [images[i : i + columns] for i in range(0, len(images), columns)]
    width = max(image.width for image in images)
    heights = [max(image.height for image in row) for row in rows]
    whole = Image.new("RGB", (columns * width, sum(heights)), "white")
    for number, row in enumerate(rows):
        for column, image in enumerate(row):
            whole.paste(image, (column * width, sum(heights[:number])))
    buffer = io.BytesIO()
    whole.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def _picture(one: Picture) -> Iterator[Piece]:
    head, _, content = one.source.partition(";base64,")
    yield Shown(base64.b64decode(content), head.removeprefix("data:image/"), _alt(one.alt))
    caption = [f"**{escaped(one.title)}.**"] if one.title else []
    caption += [escaped(one.caption)] if one.caption else []
    if caption:
        yield " ".join(caption)


def _alt(words: str) -> str:
    return re.sub(r"[\[\]\n]", " ", words)


def _table(block: Table) -> Iterator[Piece]:
    aligned = ["---:" if i in block.numeric else "---" for i in range(len(block.columns))]
    lines = [_row(block.columns), _row(aligned, plain=True), *map(_row, block.rows)]
    yield "\n".join(lines)
    told = [cell for row in block.rows for cell in row if isinstance(cell, Cell) and cell.facts]
    if not told:
        return
    shared = dict(set.intersection(*(set(cell.facts.items()) for cell in told))) if len(told) > 1 else {}
    yield f"<details><summary>{escaped(block.name)}: protocols</summary>"
    lines = [f"- {_listed(shared, told[0].facts)}"] if shared else []
    for cell in told:
        own = {name: value for name, value in cell.facts.items() if name not in shared}
        lines += [f"- **{escaped(cell.text)}**: {_listed(own, cell.facts)}"] if own else []
    yield "\n".join(lines)
    yield "</details>"


def _listed(facts: Mapping[str, str], order: Mapping[str, str]) -> str:
    return escaped("; ".join(f"{name} {facts[name]}" for name in order if name in facts))


def _row(cells: Sequence[str | Cell], plain: bool = False) -> str:
    words = [cell if isinstance(cell, str) else " ".join(filter(None, (cell.text, cell.mark))) for cell in cells]
    return "| " + " | ".join(word if plain else " ".join(escaped(word).split()) for word in words) + " |"


# ------------------------------------------------------------------------------------------------------- in notebooks


def display(found: Iterable[Piece]) -> None:
    """Show pieces as the output of a notebook's cell, each paragraph and picture in its place."""
    from IPython.display import Image as Graphic
    from IPython.display import Markdown
    from IPython.display import display as show

    gathered: list[str] = []

    def said() -> None:
        if gathered:
            show(Markdown("\n\n".join(gathered)))
            gathered.clear()

    for one in found:
        if isinstance(one, str):
            gathered.append(one)
        else:
            said()
            show(Graphic(enlarged(one.content), format=one.kind, alt=one.alt))
    said()
