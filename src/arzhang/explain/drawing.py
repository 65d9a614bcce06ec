"""A network as a drawing: its blocks with their sizes, and the ways between them, from the same walk as its table."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from arzhang.errors import UsageError
from arzhang.explain import Network, said, seen, size
from arzhang.networks.walk import Block, Shape
from arzhang.report import figures
from arzhang.report.figures import GRID, INK, PAPER, SERIES, SOFT
from arzhang.wording import named, words

WIDE, HIGH = 3.5, 0.72
"""Inches of a block."""
APART, BELOW = 0.75, 0.27
"""Inches between columns and between rows."""
MARGIN = 0.15
GLYPH = 0.62
"""Inches of the field at a block's left in which the map that it gives is drawn."""
LETTERS = 46
"""Of a line within a block."""
SHRINKS, GROWS, KEEPS, MEETS, SKIP = SERIES[:5]

Place = tuple[int, int]
"""Column and row."""
Point = tuple[float, float]
"""In inches from the left and from above."""


class _Scale(NamedTuple):
    """What the largest map of a network has, so that all are drawn by one measure."""

    side: float
    channels: float

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> "_Scale":
        sides = [max(block.output[1:], default=1) for block in blocks]
        return cls(_log(max(sides)), _log(max((block.output[0] for block in blocks if block.output), default=1)))

    def map(self, shape: Shape) -> tuple[float, float]:
        """Width and height, in inches: the logarithms of channels and of pixels a side."""
        field = GLYPH - 0.14
        across = _log(shape[0]) / self.channels if shape else 0.1
        high = _log(shape[1]) / self.side if len(shape) > 1 else 0.12
        return field * max(across, 0.06), (HIGH - 0.14) * max(high, 0.06)


def _log(count: float) -> float:
    return math.log2(count) + 1


def draw(network: Network) -> Figure:
    """Blocks in the order of their turn, from above; a network that goes down and up again as a U, its skips across.

    In the language that is spoken now.
    """
    with figures.styled():
        return _drawn(network)


def _drawn(network: Network) -> Figure:
    blocks = _gathered(network.blocks)
    given = {id(source) for block in blocks for source, _ in block.sources}
    ends = [block for block in blocks if id(block) not in given]  # two heads are two outputs, and say so themselves
    bends, shown = _bends(blocks), list(blocks)
    if len(ends) == 1:
        shown.append(Block(words("explain.output"), ends[0].output, ends[0].output, [(ends[0], 0)]))
    places = _folded(shown) if bends else _layered(shown)
    columns = 1 + max(column for column, _ in places.values())
    rows = 1 + max(row for _, row in places.values())
    beside = 1.9 if network.judges and columns == 1 else 0.0
    wide = columns * WIDE + (columns - 1) * APART + beside + 2 * MARGIN
    high = rows * HIGH + (rows - 1) * BELOW + 2 * MARGIN
    notes = textwrap.wrap(words("explain.glyph"), int(17 * wide))
    if bends:
        notes += textwrap.wrap(words("explain.skips"), int(17 * wide))
    title = words("explain.title", {"name": network.title, "weights": network.weights})
    head = 0.25 + 0.2 * (1 + len(notes))
    figure = Figure(figsize=(wide, high + head))
    for i, (line, points, colour) in enumerate([(title, 12, INK), *((note, 8, SOFT) for note in notes)]):
        figure.text(
            MARGIN / wide, 1 - (0.2 + 0.2 * i) / (high + head), line, fontsize=points, color=colour, va="center"
        )
    axes = figure.add_axes((0, 0, 1, high / (high + head)), xlim=(0, wide), ylim=(high, 0))
    axes.axis("off")
    scale = _Scale.of(blocks)
    corners = {
        id(block): (MARGIN + column * (WIDE + APART), MARGIN + row * (HIGH + BELOW))
        for block, (column, row) in ((block, places[id(block)]) for block in shown)
    }
    for block in shown:
        for source, count in block.sources:
            skip = source.sources and source is not block.sources[-1][0] and not _meets(block)
            _way(axes, corners[id(source)], corners[id(block)], count if skip else 0)
    for block in shown:
        _box(axes, block, corners[id(block)], scale, through=bool(block.sources) and block in blocks)
    if beside:
        whole = max(blocks[0].output[1:])
        for block in [block for block in blocks if block.sources]:
            _patch(axes, block, corners[id(block)], whole)
    return figure


def write(networks: Sequence[Network], out: Path) -> list[Path]:
    """Draw networks into FILE.svg and FILE.png, or of several into one pair of files each. Returns the files of the
    ending that was asked for. Raises UsageError for another ending."""
    if out.suffix.lower() not in (".svg", ".png"):
        raise UsageError(f"--out {out}: a drawing's name ends in .svg or .png")
    out.parent.mkdir(parents=True, exist_ok=True)
    names = [out.stem if len(networks) == 1 else f"{out.stem}-{one.name.replace(' ', '-')}" for one in networks]
    return [
        out.parent / f"{figures.save(draw(network), out.parent, name, data=False)}{out.suffix.lower()}"
        for network, name in zip(networks, names, strict=True)
    ]


# ---------------------------------------------------------------------------------------------------- where it stands


def _gathered(blocks: Sequence[Block]) -> list[Block]:
    """Equal blocks in a row, three or more, as one: residual 1–6."""
    found: list[Block] = []
    stands: dict[int, Block] = {}
    at = 0
    while at < len(blocks):
        first, last = blocks[at], at
        while last + 1 < len(blocks) and _equal(first, blocks[last + 1]):
            last += 1
        last = last if last - at >= 2 else at
        name = first.name if last == at else f"{first.name}–{blocks[last].name.rpartition(' ')[2]}"
        parameters = sum(block.parameters for block in blocks[at : last + 1])
        sources = [(stands[id(source)], count) for source, count in first.sources]
        one = replace(blocks[last], name=name, sources=sources, parameters=parameters)
        stands |= {id(block): one for block in blocks[at : last + 1]}
        found.append(one)
        at = last + 1
    return found


def _equal(one: Block, other: Block) -> bool:
    alike = (one.input, one.output, one.operations) == (other.input, other.output, other.operations)
    return alike and bool(one.sources) and len(other.sources) == 1


def _meets(block: Block) -> bool:
    return bool(block.operations) and block.operations[0].kind in ("product", "sum")


def _bends(blocks: Sequence[Block]) -> bool:
    """Whether a drawing is a U: where maps skip blocks, or half of the blocks, four at least, make maps larger."""
    skips = any(source.sources for block in blocks if not _meets(block) for source, _ in block.skips)
    larger = sum(_direction(block) == GROWS for block in blocks)
    return skips or (larger >= 4 and 2 * larger == sum(bool(block.sources) for block in blocks))


def _folded(blocks: Sequence[Block]) -> Mapping[int, Place]:
    """Down at the left, up at the right, each block beside the one whose map it is given besides."""
    turn = next(i for i, block in enumerate(blocks) if block.skips or _direction(block) == GROWS)
    places: dict[int, Place] = {id(block): (0, row) for row, block in enumerate(blocks[:turn])}
    row = turn - 1
    for block in blocks[turn:]:
        row = places[id(block.skips[0][0])][1] if block.skips else row if id(block) == id(blocks[turn]) else row - 1
        places[id(block)] = (1, row)
    least = min(row for _, row in places.values())
    return {one: (column, row - least) for one, (column, row) in places.items()}


def _layered(blocks: Sequence[Block]) -> Mapping[int, Place]:
    """Each block below all that it is given, in the first free column; the inputs stand above."""
    places: dict[int, Place] = {}
    used: dict[int, int] = {}
    for block in blocks:
        row = 1 + max((places[id(source)][1] for source, _ in block.sources), default=-1)
        first = places[id(block.sources[0][0])][0] if block.sources else 0
        column = max(used.get(row, 0), first if len(block.sources) == 1 else 0)
        places[id(block)], used[row] = (column, row), column + 1
    return places


# ------------------------------------------------------------------------------------------------------ what is drawn


def _direction(block: Block) -> str:
    """The colour of what a block does to the size of a map."""
    if _meets(block) or any(operation.kind == "embedding" for operation in block.operations):
        return MEETS
    before = block.sources[0][0].output if block.sources else block.output
    one, two = (max(shape[1:], default=0) for shape in (block.input or before, block.output))
    resized = any(
        "transposed" in operation.kind or operation.kind == "nearest pixels" for operation in block.operations
    )
    return GROWS if resized or two > one else SHRINKS if two < one else KEEPS


def _box(axes: Axes, block: Block, corner: Point, scale: _Scale, through: bool) -> None:
    """A block, or an input or output, which nothing is done to."""
    x, y = corner
    colour = _direction(block) if through else SOFT
    shape = FancyBboxPatch(
        (x, y), WIDE, HIGH, boxstyle="round,pad=0,rounding_size=0.08", facecolor=PAPER, edgecolor=colour, linewidth=1.2
    )
    axes.add_patch(shape)
    wide, high = scale.map(block.output)
    centre = x + GLYPH / 2, y + HIGH / 2
    axes.add_patch(
        Rectangle((centre[0] - wide / 2, centre[1] - high / 2), wide, high, facecolor=colour, alpha=0.55, linewidth=0)
    )
    left = x + GLYPH + 0.05
    if not through:
        text = f"{named(block.name)}   {named(size(block.output))}" if block.output else named(block.name)
        axes.text(left, y + HIGH / 2, text, fontsize=9, va="center", color=INK)
        return
    done = [said(operation).replace(" ", "\N{NO-BREAK SPACE}") for operation in block.operations]
    lines = [
        line.replace("\N{NO-BREAK SPACE}", " ")
        for line in textwrap.wrap(words("language.comma").join(done), LETTERS, break_on_hyphens=False)
    ]
    given = size(block.input) if block.input else block.sources[0][0].name
    passes = words("explain.passes", {"given": given, "made": size(block.output)})
    axes.text(left, y + 0.13, named(block.name), fontsize=8.5, weight="bold", va="center", color=INK)
    axes.text(left + 1.02, y + 0.13, passes, fontsize=8.5, va="center", color=INK)
    for i, line in enumerate(lines):
        axes.text(left, y + 0.44 + 0.135 * (i - (len(lines) - 1) / 2), line, fontsize=7.5, va="center", color=SOFT)


def _way(axes: Axes, start: Point, end: Point, skipping: int) -> None:
    """An arrow from one block to the next, or across to one in another column; on a skip stands how many channels it
    brings."""
    (x, y), (u, v) = start, end
    middle = WIDE / 2
    if abs(x - u) < 0.01:  # along a column, down or up
        one, two = ((x + middle, y + HIGH), (u + middle, v)) if v > y else ((x + middle, y), (u + middle, v + HIGH))
    elif v > y + HIGH / 2:
        one, two = (x + middle, y + HIGH), (u + middle + (0.4 if u < x else -0.4), v)
    elif y > v + HIGH / 2:
        one, two = (x + WIDE, y + HIGH / 2), (u + middle, v + HIGH)
    else:
        one, two = (x + WIDE, y + HIGH / 2), (u, v + HIGH / 2)
    colour = SKIP if skipping else SOFT
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    axes.annotate("", two, one, arrowprops=arrow, zorder=0)
    if skipping:
        at = (one[0] + two[0]) / 2, (one[1] + two[1]) / 2 - 0.04
        axes.text(*at, named(str(skipping)), fontsize=7.5, color=colour, ha="center", va="bottom")


def _patch(axes: Axes, block: Block, corner: Point, whole: int) -> None:
    """Beside a block: how much of the image one number of its output sees, to scale."""
    x, y = corner[0] + WIDE + 0.2, corner[1]
    side = HIGH - 0.04
    axes.add_patch(Rectangle((x, y + 0.02), side, side, facecolor=GRID, edgecolor=SOFT, linewidth=0.6))
    part = side if block.sees is None else min(1.0, block.sees / whole) * side
    corner = x + (side - part) / 2, y + 0.02 + (side - part) / 2
    axes.add_patch(Rectangle(corner, part, part, facecolor=SERIES[4], alpha=0.75, linewidth=0))
    text = words("explain.sees_all") if block.sees is None else words("explain.sees", {"seen": seen(block)})
    axes.text(x + side + 0.12, y + HIGH / 2, text, fontsize=8.5, va="center", color=INK)
