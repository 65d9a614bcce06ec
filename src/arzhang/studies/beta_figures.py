"""The figures of the study of β."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from arzhang.data.sprites import NAMES
from arzhang.report import figures
from arzhang.wording import words

ONE, OTHER, THIRD = figures.SERIES[:3]


def draw(
    name: str, arms: Sequence[Any], rows: Sequence[Any], sigma: Any, apart: Sequence[Any], choice: Any,
    floor: dict[str, float], out: Path,
) -> list[str]:  # fmt: skip
    """All of them; returns their names."""
    found = [_choice(name, arms, rows, sigma, choice, floor, out), _rates(arms, rows, sigma, choice, out)]
    return [*found, _apart(apart, out)] if apart else found


def _by_beta(axes: Axes, rows: Sequence[Any], title: str) -> None:
    """β on a logarithmic axis, each value named, and β·M/N above."""
    betas, normal = [row["beta"] for row in rows], {row["beta"]: row["normalised"] for row in rows}
    axes.set_title(title, fontsize=10)
    axes.set(xscale="log" if min(betas) > 0 else "linear", xlabel=words("beta.axis.beta"))
    upper = axes.secondary_xaxis("top")
    upper.set_xlabel(words("beta.axis.normalised"), fontsize=8)
    upper.tick_params(labelsize=7)
    for axis, text in ((axes.xaxis, lambda b, _: f"{b:g}"), (upper.xaxis, lambda b, _: f"{normal.get(b, b):.2g}")):
        axis.set_major_locator(FixedLocator(betas))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(text))


def _points(axes: Axes, arms: Sequence[Any], rows: Sequence[Any], term: str, colour: str, marker: str) -> None:
    """Every training a point, a line through their means with its standard errors."""
    own = [arm for arm in arms if arm["beta"] is not None]
    axes.plot(
        [a["beta"] for a in own],
        [a["metrics"][term]["value"] for a in own],
        marker,
        color=colour,
        alpha=0.3,
        markersize=4,
    )
    _line(axes, rows, term, colour, marker)


def _line(axes: Axes, rows: Sequence[Any], term: str, colour: str, marker: str) -> None:
    at, means = [row["beta"] for row in rows], [row[term]["value"] for row in rows]
    axes.errorbar(
        at,
        means,
        [row[term]["error"] for row in rows],
        marker=marker,
        color=colour,
        markersize=5,
        capsize=2,
        linewidth=1.3,
    )


@figures.styled()
def _choice(
    name: str, arms: Sequence[Any], rows: Sequence[Any], sigma: Any, choice: Any, floor: dict[str, float], out: Path
) -> str:
    """The distances by which β is chosen, and the two that cannot choose."""
    figure, panels = figures.panels(3, words("beta.figure.choice"), size=(4.2, 3.5))
    for axes, metric in zip(panels, (name, "kid"), strict=False):
        _points(axes, arms, rows, f"{metric}_samples", ONE, "o")
        _points(axes, arms, rows, f"{metric}_reconstructions", OTHER, "s")
        axes.axhline(sigma[f"{metric}_samples"]["value"], color=ONE, linestyle=":")
        axes.axhline(sigma[f"{metric}_reconstructions"]["value"], color=OTHER, linestyle=":")
        axes.axhline(floor[metric], color=figures.SOFT, linewidth=1)
        _by_beta(axes, rows, words(f"beta.panel.{metric}"))
        axes.axvline(choice.beta, color=figures.INK, linestyle="--", linewidth=1)
    panels[0].set_ylim(bottom=0)
    last = panels[2]
    _points(last, arms, rows, "negative_elbo", THIRD, "^")
    _by_beta(last, rows, words("beta.panel.elbo"))
    last.axvline(choice.beta, color=figures.INK, linestyle="--", linewidth=1)
    figures.legend(
        figure,
        [
            (words("beta.legend.samples"), ONE, "o", "-"),
            (words("beta.legend.reconstructions"), OTHER, "s", "-"),
            (words("beta.legend.elbo"), THIRD, "^", "-"),
            (words("beta.legend.sigma"), figures.SOFT, "", ":"),
            (words("beta.legend.floor"), figures.SOFT, "", "-"),
            (words("beta.legend.chosen", {"beta": choice.beta}), figures.INK, "", "--"),
        ],
    )
    return figures.save(figure, out, "choice")


@figures.styled()
def _rates(arms: Sequence[Any], rows: Sequence[Any], sigma: Any, choice: Any, out: Path) -> str:
    """Rate against distortion, in the model's nats and in pixels; active units."""
    figure, panels = figures.panels(3, words("beta.figure.rates"), size=(4.2, 3.5))
    for axes, term in zip(panels, ("reconstruction", "pixel_mse"), strict=False):
        own = [arm["metrics"] for arm in arms if arm["beta"] is not None]
        axes.plot(
            [m["kl"]["value"] for m in own], [m[term]["value"] for m in own], "o", color=ONE, alpha=0.3, markersize=4
        )
        x, y = [row["kl"]["value"] for row in rows], [row[term]["value"] for row in rows]
        axes.plot(x, y, "-o", color=ONE, markersize=5)
        for row, a, b in zip(rows, x, y, strict=True):
            bold = "bold" if row["beta"] == choice.beta else "normal"
            axes.annotate(f"{row['beta']:g}", (a, b), (5, 4), textcoords="offset points", fontsize=9, fontweight=bold)
        axes.set_xlabel(words("beta.axis.rate"))
        axes.set_title(words(f"beta.panel.{term}"), fontsize=10)
    panels[1].plot(sigma["kl"]["value"], sigma["pixel_mse"]["value"], "*", color=OTHER, markersize=11)
    _points(panels[2], arms, rows, "active_units", ONE, "o")
    panels[2].axhline(sigma["active_units"]["value"], color=OTHER, linestyle=":")
    _by_beta(panels[2], rows, words("beta.panel.active_units"))
    panels[2].axvline(choice.beta, color=figures.INK, linestyle="--", linewidth=1)
    panels[2].set_ylim(bottom=0)
    panels[2].yaxis.set_major_locator(MaxNLocator(integer=True))
    figures.legend(
        figure,
        [
            (words("beta.legend.beta_vae"), ONE, "o", "-"),
            (words("beta.sigma_vae"), OTHER, "*", ":"),
            (words("beta.legend.chosen", {"beta": choice.beta}), figures.INK, "", "--"),
        ],
    )
    return figures.save(figure, out, "rates")


@figures.styled()
def _apart(rows: Sequence[Any], out: Path) -> str:
    """MIG, its factors, and DCI against β on sprites."""
    figure, panels = figures.panels(3, words("beta.figure.disentanglement"), size=(4.2, 3.5))
    _line(panels[0], rows, "mig", figures.INK, "o")
    marks = ("o", "s", "^", "D", "v")
    for factor, colour, marker in zip(NAMES, figures.SERIES[3:], marks, strict=False):
        _line(panels[1], rows, f"mig_{factor}", colour, marker)
    named = ("disentanglement", "completeness", "informativeness")
    for term, colour, marker in zip(named, figures.SERIES, marks, strict=False):
        _line(panels[2], rows, term, colour, marker)
    for axes, panel in zip(panels, ("mig", "mig_factors", "dci"), strict=True):
        _by_beta(axes, rows, words(f"beta.panel.{panel}"))
    panels[2].set_ylim(0, 1)
    entries = [
        (words(f"beta.factor.{f}"), c, m, "-") for f, c, m in zip(NAMES, figures.SERIES[3:], marks, strict=False)
    ]
    entries += [(words(f"term.{t}"), c, m, "-") for t, c, m in zip(named, figures.SERIES, marks, strict=False)]
    figures.legend(figure, entries)
    return figures.save(figure, out, "disentanglement")
