"""The figures of the gradient study, as PNG and SVG: measured points, with the exact curve behind them."""

import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from arzhang.report import figures
from arzhang.studies.exact import LEAST
from arzhang.wording import words

STYLES = dict(
    zip(
        (
            "pathwise", "score-function", "measure-valued", "score-function:optimal", "score-function:delta",
            "score-function:leave_one_out", "measure-valued:shared", "finite-difference", "measure-valued:antithetic",
        ),
        zip(figures.SERIES, "os^vPD<x>", strict=True),
        strict=True,
    )
)  # fmt: skip
"""Colour and marker of each estimator; the markers say the same to those who print in grey."""


@figures.styled()
def draw(curves: list[dict], sizes: list[dict], mohamed: dict, σ: float, out: Path) -> list[str]:
    """Draws all figures into `out`; their names, without the ending."""
    return [
        _against_mu(curves, "means", "mean", "mean_interval", "exact_mean", σ, out),
        _against_mu(curves, "variances", "variance", "variance_interval", "exact_variance", σ, out),
        _per_evaluation(curves, σ, out),
        _against_n(sizes, "means_by_n", σ, out),
        _against_n(sizes, "variances_by_n", σ, out),
        _mohamed(mohamed, ("square",), "mohamed_square", out),
        _mohamed(mohamed, ("exp", "cos"), "mohamed_others", out),
    ]


def _finish(figure: Figure, estimators: list[str], exact: bool, name: str, out: Path) -> str:
    entries = [(words(f"estimator.{one}"), *STYLES[one], "") for one in estimators]
    if exact:
        entries.append((words("gradients.legend.exact"), figures.SOFT, "", "-"))
    figures.legend(figure, entries)
    return figures.save(figure, out, name)


def _grouped(rows: list[dict]) -> dict[str, list[dict]]:
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(row["f"], []).append(row)
    return groups


def _estimators(rows: list[dict]) -> list[str]:
    return list(dict.fromkeys(row["estimator"] for row in rows))


def _visible(x: list[float], y: list[float]) -> tuple[list[float], list[float]]:
    """What a logarithmic axis can show: zero, and what rounding has left of it, become gaps."""
    floor = max(LEAST, 1e-10 * max(y, default=0))
    return x, [value if value > floor else math.nan for value in y]


def _against_mu(curves: list[dict], what: str, measured: str, interval: str, truth: str, σ: float, out: Path) -> str:
    groups = _grouped(curves)
    figure, panels = figures.panels(len(groups), words(f"gradients.figure.{what}") + f" (σ = {σ:g})")
    logarithmic = measured == "variance"
    for axes, group in zip(panels, groups.values(), strict=True):
        zeros = []
        for order, c in enumerate(group):
            colour, marker = STYLES[c["estimator"]]
            μ, values, errors, exact = c["mu"], c[measured], c[interval], c[truth]
            if logarithmic:
                if exact is not None:
                    axes.plot(*_visible(μ, exact), color=colour, linewidth=1.4, alpha=0.55, zorder=1)
                if max(values) <= LEAST:
                    zeros.append(words(f"estimator.{c['estimator']}"))
                    continue
                μ, values = _visible(μ, values)
            elif order == 0:
                axes.plot(μ, exact, color=figures.SOFT, linewidth=1.4, zorder=1)
            axes.errorbar(μ, values, errors, fmt=marker, color=colour, markersize=3, linewidth=0.7, zorder=2 + order)
        axes.set_title(f"f = {group[0]['label']}", fontsize=11)
        axes.set_xlabel(words("gradients.axis.mu"))
        axes.set_ylabel(words("gradients.axis.variance" if logarithmic else "gradients.axis.gradient"))
        if logarithmic:
            _logarithmic(axes, zeros)
    return _finish(figure, _estimators(curves), True, what, out)


def _logarithmic(axes: Axes, zeros: list[str]) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high / low < 30:  # at least a decade and a half, so that ticks have numbers
        middle = math.sqrt(low * high)
        low, high = middle / 30**0.5, middle * 30**0.5
    axes.set_ylim(low / (1.8 if zeros else 1), high)
    if zeros:
        note = f"{words('language.comma').join(zeros)}: {words('gradients.legend.zero')}"
        axes.text(0.5, 0.03, note, transform=axes.transAxes, fontsize=8.5, ha="center", va="bottom")


def _per_evaluation(curves: list[dict], σ: float, out: Path) -> str:
    groups = _grouped(curves)
    figure, panels = figures.panels(len(groups), words("gradients.figure.variances_per_evaluation") + f" (σ = {σ:g})")
    for axes, group in zip(panels, groups.values(), strict=True):
        zeros = []
        for c in group:
            colour, marker = STYLES[c["estimator"]]
            if max(c["variance"]) <= LEAST:
                zeros.append(words(f"estimator.{c['estimator']}"))
                continue
            if c["exact_variance"] is not None:
                exact = [v * c["evaluations"] for v in c["exact_variance"]]
                axes.plot(*_visible(c["mu"], exact), color=colour, linewidth=1.4, alpha=0.55, zorder=1)
            points = _visible(c["mu"], c["variance_per_evaluation"])
            axes.plot(*points, marker, color=colour, markersize=3, zorder=2)
        axes.set_title(f"f = {group[0]['label']}", fontsize=11)
        axes.set_xlabel(words("gradients.axis.mu"))
        axes.set_ylabel(words("gradients.axis.variance"))
        _logarithmic(axes, zeros)
    return _finish(figure, _estimators(curves), True, "variances_per_evaluation", out)


def _against_n(sizes: list[dict], what: str, σ: float, out: Path) -> str:
    groups = _grouped(sizes)
    title = words(f"gradients.figure.{what}", {"mu": sizes[0]["mu"]})
    figure, panels = figures.panels(len(groups), f"{title} (σ = {σ:g})")
    of_means = what == "means_by_n"
    for axes, group in zip(panels, groups.values(), strict=True):
        zeros = []
        for order, s in enumerate(group):
            colour, marker = STYLES[s["estimator"]]
            n = [p["n"] for p in s["points"]]
            if of_means:
                apart = [value * 1.12 ** (order - (len(group) - 1) / 2) for value in n]
                means, intervals = ([p[k] for p in s["points"]] for k in ("mean", "mean_interval"))
                axes.errorbar(apart, means, intervals, fmt=marker, color=colour, markersize=5, capsize=2, linewidth=1)
                continue
            variances, intervals = ([p[k] for p in s["points"]] for k in ("variance", "variance_interval"))
            if not variances or max(variances) <= LEAST:
                zeros.append(words(f"estimator.{s['estimator']}"))
                continue
            if s["exact_variance_of_one"]:
                axes.plot(n, [s["exact_variance_of_one"] / m for m in n], color=colour, linewidth=1.4, alpha=0.55)
            axes.errorbar(n, _visible(n, variances)[1], intervals, fmt=marker, color=colour, markersize=5, linewidth=1)
        axes.set_xscale("log")
        if of_means:
            axes.axhline(group[0]["exact_mean"], color=figures.SOFT, linewidth=1.4, zorder=0)
            axes.margins(y=0.25)
        else:
            _logarithmic(axes, zeros)
        axes.set_title(f"f = {group[0]['label']}", fontsize=11)
        axes.set_xlabel(words("gradients.axis.n"))
        axes.set_ylabel(words("gradients.axis.gradient" if of_means else "gradients.axis.variance"))
    return _finish(figure, _estimators(sizes), True, what, out)


def _mohamed(mohamed: dict[str, Any], families: tuple[str, ...], name: str, out: Path) -> str:
    figure, panels = figures.panels(len(families), words(f"gradients.figure.{name}"))
    if len(families) == 1:
        figure.set_size_inches(8.4, 4.8)
    for axes, family in zip(panels, families, strict=True):
        rows = [row for row in mohamed["figures"] if row["family"] == family]
        for row in rows:
            colour, marker = STYLES[row["estimator"]]
            axes.plot(*_visible(row["k"], row["exact_variance"]), color=colour, linewidth=1.4, alpha=0.55, zorder=1)
            k, variance = _visible(row["k"], row["variance"])
            axes.errorbar(
                k, variance, row["variance_interval"], fmt=marker, color=colour, markersize=4, linewidth=0.8, zorder=2
            )
        axes.set_yscale("log")
        highest = max(max(row["variance"]) for row in rows)
        least = min(min(v for v in row["variance"] if v > LEAST) for row in rows)
        axes.set_ylim(max(least / 2, highest * 1e-6), highest * 3)
        if family == "exp":
            axes.set_xscale("log")
        if len(families) > 1:
            axes.set_title(f"f = {words(f'gradients.family.{family}')}", fontsize=11)
        axes.set_xlabel(words("gradients.axis.k"))
        axes.set_ylabel(words("gradients.axis.variance"))
    return _finish(figure, _estimators(mohamed["figures"]), True, name, out)
