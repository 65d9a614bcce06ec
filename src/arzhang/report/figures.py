"""Figures for pages and files: drawn by matplotlib in one palette, sharp at any size, legible in light and dark.

A file has the palette's own colours; on a page each of them becomes a CSS variable, so that a figure follows the page's
scheme. Text stays text: it can be searched, and the browser sets it, in whatever script.
"""

import contextlib
import csv
import functools
import io
import math
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
from cycler import cycler
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter, MaxNLocator

from arzhang.files import write_atomically
from arzhang.wording import LANGUAGES, speaking, spoken, words

F = TypeVar("F", bound=Callable[..., Any])

INK, SOFT, GRID, PAPER = "#1b1e24", "#565d69", "#d5d8de", "#ffffff"
SERIES = (
    "#1f4e9c", "#b4540a", "#0f7b6c", "#8a3ffc", "#9f1853", "#6f6a00", "#007ba8", "#5b6b7a", "#c2185b"
)  # fmt: skip
"""Told apart in light and dark (style.css has the dark ones), and by most who see fewer colours."""
COLOURS = {
    INK: f"var(--ink, {INK})",
    SOFT: f"var(--soft, {SOFT})",
    GRID: f"var(--grid, {GRID})",
    PAPER: f"var(--paper, {PAPER})",
    **{colour: f"var(--series-{i}, {colour})" for i, colour in enumerate(SERIES)},
}
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": GRID,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "axes.prop_cycle": cycler(color=SERIES),
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "savefig.facecolor": PAPER,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
}
COLUMNS = ("panel", "series", "x", "y", "low", "high")
"""Of a figure's CSV: a row for each point that is drawn."""
PANEL = (3.7, 2.4)
"""Inches of one panel: so narrow that its words can still be read across a phone."""
POINTS = 500
"""Points of a line: more cannot be seen, and make the page heavy."""


class Sketch(Markup):
    """A figure as an inline SVG element; `png` makes of it what can go where no SVG can."""

    png: Callable[[], bytes] | None = None


def save(figure: Figure, out: Path, name: str, *, data: bool = True) -> str:
    """`out/name.png`, `.svg`, and `.csv` with what is drawn; returns the name. `adopted` brings the SVG onto a page.

    `data`: off for a drawing, which plots none.

    In another language than English there is no PNG (matplotlib joins no letters, browsers do), and the others are
    `out/name.LANGUAGE.svg` and `.csv`.
    """
    language = spoken()
    if language == "en":
        write_atomically(out / f"{name}.png", _png(figure))
        figure.set_layout_engine("none")  # found; finding it takes as long as all else, and the SVG has the same
    stem = name if language == "en" else f"{name}.{language}"
    if data:
        rows = csv.writer(table := io.StringIO(newline=""), lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(plotted(figure))
        write_atomically(out / f"{stem}.csv", table.getvalue())
    write_atomically(out / f"{stem}.svg", _svg(figure, name))
    return name


ISOLATES, EMBEDDINGS = "\u2066\u2067\u2068\u2069", "\u202a\u202b\u202a\u202c"
"""Marks of direction: the former are what a browser should see, only the latter are in the font that widths are
measured by."""
RIGHT_TO_LEFT = re.compile(r">([^<]*[\u0600-\u06ff][^<]*)<")


def _svg(figure: Figure, name: str) -> str:
    """A figure as SVG text. Its layout, anchors too, runs from left to right; words of another direction are marked."""
    table = str.maketrans(ISOLATES, EMBEDDINGS)
    for text in figure.findobj(Text):
        text.set_text(text.get_text().translate(table))
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if isinstance(ticks := axis.get_major_formatter(), FixedFormatter):  # it sets its labels anew
            ticks.seq = [label.translate(table) for label in ticks.seq]
    buffer = io.StringIO()
    with mpl.rc_context(STYLE | {"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawn = buffer.getvalue().translate(str.maketrans("\u202a\u202b\u202c", "\u2066\u2067\u2069"))
    return RIGHT_TO_LEFT.sub(">\u2067\\1\u2069<", drawn)


def plotted(figure: Figure) -> Iterator[tuple[str, str, Any, Any, Any, Any]]:
    """Every point that is drawn: (panel, series, x, y, low, high), the last two of its error bar or band, if any."""
    for i, axes in enumerate(figure.axes):
        title = axes.get_title("left") or axes.get_title() or words("page.panel", {"n": i + 1})
        panel = " ".join(title.split())
        within = axes.transData
        bars = {id(bar.lines[0]): bar for bar in axes.containers if isinstance(bar, ErrorbarContainer)}
        for j, line in enumerate(axes.lines):
            if not line.get_transform().contains_branch_seperately(within)[0]:
                continue  # a line across the panel: it has no x of data
            series, xs, ys = _series(line, j, bars), np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
            ends = _ends(bars[id(line)]) if id(line) in bars else [("", "")] * len(xs)
            for (x, y), (low, high) in zip(zip(xs, ys, strict=True), ends, strict=True):
                yield panel, series, _plain(x), _plain(y), low, high
        for j, points in enumerate(c for c in axes.collections if isinstance(c, PathCollection)):
            for x, y in np.ma.filled(np.ma.asarray(points.get_offsets(), float), math.nan):
                yield panel, _series(points, j, {}, "points"), float(x), float(y), "", ""
        for mesh in (c for c in axes.collections if isinstance(c, QuadMesh)):
            for row, values in enumerate(np.asarray(mesh.get_array(), float), 1):
                yield from ((panel, f"row {row}", x, float(y), "", "") for x, y in enumerate(values, 1))
        for j, box in enumerate(axes.patches):
            if isinstance(box, Rectangle):
                yield panel, _series(box, j, {}, "bar"), box.get_x() + box.get_width() / 2, box.get_height(), "", ""


def _series(artist: Any, number: int, bars: Mapping[int, Any], kind: str = "line") -> str:
    """What a legend calls it, or else its number."""
    label = bars[id(artist)].get_label() if id(artist) in bars else artist.get_label()
    return f"{kind} {number + 1}" if not label or str(label).startswith("_") else str(label)


def _ends(bar: ErrorbarContainer) -> list[tuple[Any, Any]]:
    segments = [segment for lines in bar.lines[2] for segment in lines.get_segments()] if bar.has_yerr else []
    count = len(np.asarray(bar.lines[0].get_xdata())) if bar.lines[0] is not None else 0
    if len(segments) < count:
        return [("", "")] * count
    return [(float(s[0][1]), float(s[-1][1])) if len(s) else ("", "") for s in segments[-count:]]  # some are masked


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int | float | np.number) else str(value)


def described(data: Path, say: Callable[..., str]) -> list[str]:
    """The alternative text of a figure from its CSV: each panel with the reach of its numbers."""
    if not data.is_file():
        return []
    panels: dict[str, list[float]] = {}
    with data.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            with contextlib.suppress(ValueError):
                if math.isfinite(value := float(row["y"])):
                    panels.setdefault(row["panel"], []).append(value)
    return [say("page.panel_alt", panel=panel, low=min(ys), high=max(ys)) for panel, ys in panels.items()]


def inline(figure: Figure, name: str, alt: str) -> Sketch:
    """A figure as an inline SVG element with alternative text, in the page's colours.

    `name` keeps its ids apart from those of other figures on the page: no two may share it.
    """
    return adopted(_svg(figure, name), name, alt, lambda: _png(figure))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()


def adopted(text: str, name: str, alt: str, png: Callable[[], bytes] | None = None) -> Sketch:
    """An SVG file that `save` has written as an inline element, as from `inline`."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub("|".join(COLOURS), lambda m: COLOURS[m[0]], text)
    text = text.replace("xlink:href", "href")
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    box = re.search(r'viewBox="0 0 ([\d.]+) [^"]*"', text)
    assert box is not None
    width = f"max-width: {1.15 * float(box[1]):.0f}px"  # so that words are of one size in figures of any
    head = f'<svg {box[0]} style="{width}" role="img" aria-label="{escape(alt)}">'
    sketch = Sketch(head + re.sub(r"\n\s*", "\n", text[text.index(">") + 1 :]).strip())
    sketch.png = png
    return sketch


# -------------------------------------------------------------------------------------------------- a study's figures


class styled(AbstractContextManager[None]):
    """Around code that draws one of a study's figures. A function that it decorates draws it in every language."""

    def __enter__(self) -> None:
        self.context = mpl.rc_context(STYLE)
        self.context.__enter__()

    def __exit__(self, *error: Any) -> None:
        self.context.__exit__(*error)

    def __call__(self, draw: F) -> F:
        @functools.wraps(draw)
        def drawn(*args: Any, **named: Any) -> Any:
            found = []
            for language in LANGUAGES:
                with mpl.rc_context(STYLE), speaking(language):
                    found.append(draw(*args, **named))
            return found[0]

        return drawn  # type: ignore[return-value]


def panels(
    count: int, title: str, columns: int = 3, size: tuple[float, float] = (4.2, 3.1)
) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels in rows, under one title."""
    columns = min(count, columns)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(size[0] * columns + 0.4, size[1] * rows + 1.1), layout="constrained")
    figure.suptitle(title, fontsize=12)
    grid = figure.subplots(rows, columns, squeeze=False).flatten()
    for spare in grid[count:]:
        spare.remove()
    return figure, list(grid[:count])


def legend(figure: Figure, entries: Sequence[tuple[str, str, str, str]]) -> None:
    """One legend below all panels: (words, colour, marker or "", line style or "")."""
    handles = [
        Line2D([], [], color=colour, marker=marker or "none", markersize=5, linestyle=line or "none", label=words)
        for words, colour, marker, line in entries
    ]
    columns = len(handles) if len(handles) <= 4 else 3
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=10)


# ------------------------------------------------------------------------------------------------------------- curves


@dataclass(frozen=True)
class Course:
    """One term over training: a line of the training means, points of the validations."""

    line: tuple[Sequence[float], Sequence[float]]
    points: tuple[Sequence[float], Sequence[float]]


def course(of: Course, name: str, title: str, x_label: str, y_label: str, alt: str) -> tuple[Sketch, str, dict]:
    """The panel of one term; and, where the first steps reach beyond it, the id and values of the note that says so.

    The first steps of a training fall so steeply that a panel which holds them shows nothing of the rest.
    """
    xs, ys = _thinned(*of.line)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=PANEL, layout="constrained")
        axes = figure.add_subplot()
        axes.plot(xs, ys, "o" if len(xs) == 1 else "-", color=SERIES[0], solid_joinstyle="round")
        axes.plot(*of.points, "o", color=SERIES[1], markersize=4.6, markeredgecolor=PAPER, markeredgewidth=0.7)
        axes.set_title(title)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.margins(x=0.02)
        if len(every := {*xs, *of.points[0]}) and max(every) - min(every) < 1:  # whole numbers beside it, for ticks
            axes.set_xlim(max(0, math.floor(min(every)) - 1), math.floor(max(every)) + 1)
        note = _zoom(axes, of)
        svg = inline(figure, name, alt)
    return svg, *note


def _thinned(xs: Sequence[float], ys: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """At most POINTS points, each a mean over neighbours."""
    x, y = np.asarray(xs, float), np.asarray(ys, float)
    if len(x) <= POINTS:
        return x, y
    groups = np.array_split(np.arange(len(x)), POINTS)
    return np.array([x[g].mean() for g in groups]), np.array([y[g].mean() for g in groups])


def _zoom(axes: Axes, of: Course) -> tuple[str, dict]:
    """Limits that hold all validations and all training means but those of the first steps, if these would squash
    everything after them."""
    xs, ys = (np.asarray(part, float) for part in of.line)
    if len(xs) < 8:
        return "", {}
    late = ys[xs > xs[0] + (xs[-1] - xs[0]) / 20]
    inside = np.concatenate([late, np.asarray(of.points[1], float)])
    low, high = float(inside.min()), float(inside.max())
    margin = 0.06 * (high - low)
    top, bottom = float(ys.max()), float(ys.min())
    above, below = top > high + (high - low) / 2, bottom < low - (high - low) / 2
    if high <= low or not (above or below):
        return "", {}
    axes.set_ylim(
        low - margin if below else min(low, bottom) - margin, high + margin if above else max(high, top) + margin
    )
    id = "outside" if above and below else "above" if above else "below"
    return f"run.{id}", {"top": top, "bottom": bottom}


def as_files(svg: Markup, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, str]:
    """An inline figure and its numbers as links that hold the files themselves, for a page whose figures it draws."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    drawn = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    held = {"SVG": ("image/svg+xml", drawn), "CSV": ("text/csv", text.getvalue())}
    return {name: f"data:{kind};base64,{b64encode(found.encode()).decode()}" for name, (kind, found) in held.items()}


# -------------------------------------------------------------------------------------------------------------- ranked


def ranked(values: Sequence[float], marked: Sequence[bool], name: str, x_label: str, y_label: str, alt: str) -> Sketch:
    """Positive values as points on a logarithmic axis in the order given, those marked in the first colour."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=PANEL, layout="constrained")
        axes = figure.add_subplot()
        positions, heights = np.arange(1, len(values) + 1), np.asarray(values, float)
        for series, chosen in ((0, np.asarray(marked, bool)), (1, ~np.asarray(marked, bool))):
            axes.plot(positions[chosen], heights[chosen], "o", color=SERIES[series], markersize=5)
        if (heights > 0).any():
            axes.set_yscale("log", nonpositive="mask")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        return inline(figure, name, alt)
