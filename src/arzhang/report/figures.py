"""Figures for pages: drawn by matplotlib, sharp at any size, legible in light and dark.

Text and lines are drawn in a stand-in colour that becomes `currentColor` in the page, so that they follow its scheme.
"""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK, FAINT = "#010203", "#040506"
"""Stand-ins for the page's text colour, full and faint."""
SERIES = ("#3b7dd8", "#d9662a", "#2f9e6e", "#a855c7", "#c2a012", "#d14b6f")
"""Told apart in light and dark, and by most who see fewer colours."""
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "axes.prop_cycle": mpl.cycler(color=SERIES),
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


def svg(figure: Figure, name: str, alt: str) -> str:
    """A figure as an inline SVG element with alternative text; `name` keeps its ids apart from other figures'."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE | {"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = text.replace(INK, "currentColor").replace(FAINT, "currentColor")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|xlink:href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1), count=1
    )
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def curves(
    entries: Sequence[dict[str, Any]], terms: Sequence[str], label: Callable[[str], str], name: str, alt: str
) -> str:
    """One panel a term: the training's mean as a line against epochs, validation as points."""
    columns = min(2, len(terms))
    rows = -(-len(terms) // columns)
    train = [entry for entry in entries if entry["split"] == "train"]
    validation = [entry for entry in entries if entry["split"] == "validation"]
    per_epoch = max((entry["step"] / entry["epoch"] for entry in validation), default=1.0)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.4 * columns, 2.5 * rows), layout="constrained")
        for i, term in enumerate(terms):
            axes = figure.add_subplot(rows, columns, i + 1)
            points = [(e["step"] / per_epoch, e[term]) for e in train if term in e]
            if points:
                axes.plot(*zip(*points, strict=True), color=SERIES[0], label=label("train"))
            points = [(e["epoch"], e[term]) for e in validation if term in e]
            if points:
                axes.plot(*zip(*points, strict=True), "o", markersize=3.5, color=SERIES[1], label=label("validation"))
            axes.set_title(label(term))
            axes.set_xlabel(label("epochs"))
            _zoom(axes, [e[term] for e in [*train, *validation] if term in e])
            if i == 0:
                axes.legend()
    return svg(figure, name, alt)


def _zoom(axes: Any, values: Sequence[float]) -> None:
    """Leave the first steep fall out of view where it would flatten everything after it."""
    if len(values) < 8:
        return
    ordered = sorted(values)
    low, high = ordered[0], ordered[int(0.95 * (len(ordered) - 1))]
    if high > low and ordered[-1] - low > 3 * (high - low):
        axes.set_ylim(low - 0.1 * (high - low), high + 0.6 * (high - low))


def bars(values: Sequence[float], threshold: float, label: Callable[[str], str], name: str, alt: str) -> str:
    """Latent dimensions by the variance of their posterior mean, largest first, on a logarithmic axis."""
    ordered = sorted(values, reverse=True)
    colours = [SERIES[0] if value > threshold else FAINT for value in ordered]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 2.4), layout="constrained")
        axes = figure.add_subplot()
        floor = threshold / 100
        axes.bar(range(1, len(ordered) + 1), [max(value, floor) for value in ordered], color=colours)
        axes.set_yscale("log")
        axes.set_ylim(bottom=floor)
        axes.axhline(threshold, color=SERIES[1], linewidth=1)
        axes.set_xlabel(label("dimension"))
        axes.set_ylabel(label("variance"))
    return svg(figure, name, alt)
