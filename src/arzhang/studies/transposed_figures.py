"""Figures of the study of transposed convolutions: grids of pixels in the palette's colours."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.ticker import MaxNLocator

from arzhang.report import figures
from arzhang.wording import words

DENSEST = 0.5
"""Of a pixel's colour, so that a number on it stays legible in light and dark."""
SHADES = ListedColormap(
    [to_rgba(figures.SERIES[1], DENSEST * (1 - i / 128)) for i in range(128)]
    + [to_rgba(figures.SERIES[0], DENSEST * i / 127) for i in range(128)]
)


def _pixels(axes: Axes, values: list[list[float]], label: str | None = None) -> None:
    """A grid of pixels, the larger a value the denser its colour; negative ones in the second colour."""
    peak = max(abs(v) for row in values for v in row) or 1.0
    height, width = len(values), len(values[0])
    axes.pcolormesh(values, cmap=SHADES, vmin=-peak, vmax=peak, edgecolors=figures.GRID, linewidth=0.6)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if label and value:
                text = format(value, label)
                axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=9, color=figures.INK)
    axes.set(xlim=(-0.1, width + 0.1), ylim=(height + 0.1, -0.1), aspect="equal")
    axes.axis("off")


@figures.styled()
def spread(spreads: list[dict[str, Any]], out: Path) -> str:
    """Where the kernel of a single 1 lands; what padding cuts off lies outside the frame."""
    figure, panels = figures.panels(len(spreads), words("transposed.figure.spread"), size=(3.3, 3.3))
    for axes, one in zip(panels, spreads, strict=True):
        full, p, side = one["full"], one["p"], len(one["kept"])
        reach = max(len(full), p + side)
        padded = [[full[i][j] if max(i, j) < len(full) else 0.0 for j in range(reach)] for i in range(reach)]
        _pixels(axes, padded, ".0f")
        corners = ([p, p + side, p + side, p, p], [p, p, p + side, p + side, p])
        axes.plot(*corners, color=figures.SERIES[1], linewidth=2, clip_on=False, label=words("transposed.legend.kept"))
        places = [(one["s"] * j + 0.14, one["s"] * i + 0.14) for i in range(one["n"]) for j in range(one["n"])]
        for lit in (False, True):  # the middle one holds the 1
            shown = [place for at, place in enumerate(places) if (at == len(places) // 2) == lit]
            fill, label = ("full" if lit else "none"), words("transposed.legend.begins")
            xs, ys = zip(*shown, strict=True)
            axes.plot(xs, ys, "o", markersize=4, color=figures.SERIES[2], fillstyle=fill, label=label)
        axes.set_title(words(f"transposed.spread.{one['name']}", {"n": one["n"], "side": side}), fontsize=10)
    figures.legend(
        figure,
        [
            (words("transposed.legend.tap"), figures.SERIES[0], "s", ""),
            (words("transposed.legend.kept"), figures.SERIES[1], "", "-"),
            (words("transposed.legend.begins"), figures.SERIES[2], "o", ""),
        ],
    )
    return figures.save(figure, out, "spread")


@figures.styled()
def sides(courses: dict[str, Any], out: Path) -> str:
    """The output's side as one parameter changes: the formula a line, layers points, what is refused a cross."""
    figure, panels = figures.panels(len(courses), words("transposed.figure.sides"), size=(3.4, 2.5))
    for axes, (name, course) in zip(panels, courses.items(), strict=True):
        taken = [(x, y) for x, y in zip(course["x"], course["layer"], strict=True) if y is not None]
        refused = [
            (x, y) for x, y, real in zip(course["x"], course["formula"], course["layer"], strict=True) if real is None
        ]
        named = {kind: words(f"transposed.legend.{kind}") for kind in ("formula", "layer", "refused")}
        axes.plot(course["x"], course["formula"], color=figures.SERIES[0], label=named["formula"])
        axes.plot(*zip(*taken, strict=True), "o", color=figures.SERIES[0], markersize=4, label=named["layer"])
        if refused:
            xs, ys = zip(*refused, strict=True)
            axes.plot(xs, ys, "x", color=figures.SERIES[1], markersize=7, label=named["refused"])
        axes.set_title(words(f"transposed.parameter.{name}"), fontsize=10)
        axes.set_ylabel(words("transposed.axis.side"))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    figures.legend(
        figure,
        [
            (words("transposed.legend.formula"), figures.SERIES[0], "", "-"),
            (words("transposed.legend.layer"), figures.SERIES[0], "o", ""),
            (words("transposed.legend.refused"), figures.SERIES[1], "x", ""),
        ],
    )
    return figures.save(figure, out, "sides")


@figures.styled()
def matrices(found: dict[str, Any], out: Path) -> str:
    """The convolution's matrix and the layer's, one the other's transpose."""
    figure, panels = figures.panels(2, words("transposed.figure.matrices"), size=(5.0, 3.6))
    shape = {"n": found["n"], "m": found["m"]}
    for axes, name in zip(panels, ("convolution", "transposed"), strict=True):
        _pixels(axes, found[name])
        axes.set_title(words(f"transposed.matrix.{name}", shape), fontsize=10)
    return figures.save(figure, out, "matrices")


@figures.styled()
def checkerboards(coverages: list[dict[str, Any]], arms: list[dict[str, Any]], out: Path) -> str:
    """How many inputs reach each output; and what random layers make of an even image."""
    count = len(coverages) + len(arms) - 1
    figure, panels = figures.panels(count, words("transposed.figure.checkerboards"), size=(3.3, 3.4))
    for axes, one in zip(panels, coverages, strict=False):
        s, counts = one["s"], one["counts"]
        repeat = -(-6 // s)
        tiled = [[counts[i % s][j % s] for j in range(s * repeat)] for i in range(s * repeat)]
        _pixels(axes, tiled, ".0f")
        axes.set_title(words("transposed.reached", {"k": one["k"], "s": s}), fontsize=10)
    shown = [arm for arm in arms if arm["name"] != "bilinear"]  # looks like resizing does: even
    for axes, arm in zip(panels[len(coverages) :], shown, strict=True):
        _pixels(axes, arm["picture"])
        axes.set_title(words(f"transposed.arm.{arm['name']}"), fontsize=10)
    figures.legend(
        figure,
        [
            (words("transposed.legend.above"), figures.SERIES[0], "s", ""),
            (words("transposed.legend.below"), figures.SERIES[1], "s", ""),
        ],
    )
    return figures.save(figure, out, "checkerboards")
