"""The figure of the study of metrics: a panel a metric, a line a way of spoiling images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.ticker import MaxNLocator

from arzhang.report import figures
from arzhang.wording import words

MARKS = ("o", "s", "^", "D", "v", "P")


@figures.styled()
def draw(
    name: str, floor: Mapping[str, Any], curves: Mapping[str, Any], bound: float, better: Mapping[str, int],
    vae: Mapping[str, Any], out: Path,
) -> str:  # fmt: skip
    """Every metric against the strength of each way, beside the band of untouched images."""
    figure, panels = figures.panels(len(better), words("metrics.figure.sees"), columns=4, size=(3.5, 2.9))
    styles = dict(zip(curves, zip(figures.SERIES, MARKS, strict=False), strict=False))
    for axes, (metric, way) in zip(panels, better.items(), strict=True):
        own = floor[metric]
        reach = bound * own["spread"]
        axes.axhspan(own["value"] - reach, own["value"] + reach, color=figures.SOFT, alpha=0.25, linewidth=0)
        axes.axhline(own["value"], color=figures.SOFT, linewidth=1)
        for kind, steps in curves.items():
            colour, marker = styles[kind]
            values = [step[metric]["value"] for step in steps]
            if isinstance(steps[0]["level"], str):  # rules, of which none is the stronger one
                axes.plot(range(1, len(values) + 1), values, marker, color=colour, markersize=5)
            else:
                axes.plot(range(len(values) + 1), [own["value"], *values], marker=marker, color=colour, markersize=4)
        for which, style in (("reconstructions", "--"), ("samples", ":")):
            if which in vae:
                axes.axhline(vae[which][metric], color=figures.INK, linestyle=style, linewidth=1)
        if way < 0:  # a distance, over orders of magnitude
            axes.set_yscale("symlog", linthresh=max(own["value"] + reach, 1e-9))
            axes.set_ylim(bottom=min(0.0, 1.5 * (own["value"] - reach)))
        title = words(f"metrics.name.{name if metric == 'fd' else metric}")
        axes.set_title(
            words("metrics.panel.lower" if way < 0 else "metrics.panel.higher", {"metric": title}), fontsize=10
        )
        axes.set_xlabel(words("metrics.axis.strength"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    entries = []
    for kind, steps in curves.items():
        levels = [step["level"] if isinstance(step["level"], str) else f"{step['level']:g}" for step in steps]
        line = "" if isinstance(steps[0]["level"], str) else "-"
        entries.append((words(f"metrics.legend.{kind}", {"levels": levels}), *styles[kind], line))
    entries.append((words("metrics.legend.floor"), figures.SOFT, "", "-"))
    entries += [
        (words(f"metrics.legend.{which}"), figures.INK, "", style)
        for which, style in (("reconstructions", "--"), ("samples", ":"))
        if which in vae
    ]
    figures.legend(figure, entries)
    return figures.save(figure, out, "sees")
