"""The figures of the study of translation: each table as points with their errors, the paper's beside ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from arzhang.report import figures
from arzhang.studies import translation_plan as plans
from arzhang.wording import words

OURS, SEED, THEIRS = figures.SERIES[0], figures.SERIES[0], figures.SERIES[1]


def draw(results: dict[str, Any], out: Path) -> list[str]:
    """All of them; returns their names."""
    return [_table(results, table, arms, out) for table, arms in results["plan"].items()]


@figures.styled()
def _table(results: dict[str, Any], table: str, arms: Sequence[str], out: Path) -> str:
    """Class IoU of each arm between floor and ceiling, the paper's, and L1 (and KID): arms from top to bottom."""
    means, limits = results["means"], results["limits"]
    terms = ["class_iou", "paper", "l1", *(["kid"] if "kid" in means[arms[0]] else [])]
    height = max(2.2, 0.36 * len(arms) + 1.1)
    figure, panels = figures.panels(
        len(terms), words(f"translation.figure.{table}"), columns=len(terms), size=(3.3, height)
    )
    for axes, term in zip(panels, terms, strict=True):
        axes.set_title(words(f"translation.panel.{term}"), fontsize=10)
        _rows(axes, [plans.called(table, arm) for arm in arms], named=axes is panels[0])
        if term == "paper":
            _papers(axes, table, arms)
            continue
        for row, arm in enumerate(arms):
            own = means[arm][term]
            for one in results["arms"][arm] if len(results["arms"][arm]) > 1 else []:
                axes.plot(one[term]["value"], row, "o", color=SEED, alpha=0.3, markersize=4)
            axes.errorbar(own["value"], row, xerr=own["error"], fmt="o", color=OURS, markersize=5, capsize=2)
        if term == "class_iou":
            axes.axvline(limits["real"][term]["value"], color=figures.INK, linestyle="--", linewidth=1)
            axes.axvline(limits["grey"][term]["value"], color=figures.SOFT, linestyle=":", linewidth=1)
        axes.set_xlim(left=0 if term != "kid" else None)
    error = "over_seeds" if results["resolved"]["seeds"] > 1 else "over_images"
    figures.legend(
        figure,
        [
            (words(f"translation.legend.{error}"), OURS, "o", "-"),
            (words("translation.legend.paper"), THEIRS, "s", ""),
            (words("translation.legend.real"), figures.INK, "", "--"),
            (words("translation.legend.grey"), figures.SOFT, "", ":"),
        ],
    )
    return figures.save(figure, out, table)


def _rows(axes: Axes, arms: Sequence[str], named: bool) -> None:
    """A row for each arm, the first at the top."""
    axes.set_yticks(range(len(arms)), [words(f"arm.{arm}") for arm in arms] if named else [""] * len(arms))
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))


def _papers(axes: Axes, table: str, arms: Sequence[str]) -> None:
    """The paper's class IoU of the same arms, and of its real photos."""
    for row, arm in enumerate(arms):
        if (scores := plans.PAPER[table][arm]) is not None:
            axes.plot(scores[2], row, "s", color=THEIRS, markersize=5)
    axes.axvline(plans.PAPER_REAL[2], color=figures.INK, linestyle="--", linewidth=1)
    axes.set_xlim(left=0)
