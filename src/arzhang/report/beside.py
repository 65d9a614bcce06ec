"""Two runs side by side on one page: their samples, the numbers that both have, and what these say of the second."""

import math
from pathlib import Path

from arzhang.report import analysis
from arzhang.report.analysis import Conclusion
from arzhang.report.blocks import Block, Cell, Missing, Picture, Pictures, Section, Table, Unreadable, picture
from arzhang.report.page import Say, slug
from arzhang.report.results import Metric, Results, number, read

JUDGED = ("fid_samples", "fd_samples", "kid_samples", "fid_made", "kid_made")
"""Distances of samples, or of a translator's images, from test images: the first that both runs have decides."""
SHEETS = {"vae": "samples", "pix2pix": "triplets"}
"""What one looks at of a run of each system."""
CLUSTERED = ("component_accuracy", "kmeans_accuracy")
"""Of the second run and of the first: what the mixture is for."""


def section(first: Path | str, second: Path | str, language: str = "en", assignment: str = "") -> Section:
    """What the second run has over the first. Raises what `results.read` raises."""
    say = Say(language)
    runs = [read(Path(path)) for path in (first, second)]
    blocks = [*say.findings(findings(*runs)), *_samples(runs, say), *_table(runs, say)]
    name = runs[1].path.resolve().name
    return Section(f"{slug(name)}-beside", say("beside.title", **_names(runs, say)), blocks, name, assignment)


def _names(runs: list[Results], say: Say) -> dict[str, str]:
    return dict(
        zip(("first", "second"), (f"{_system(run, say)} ({run.path.resolve().name})" for run in runs), strict=True)
    )


def _system(run: Results, say: Say) -> str:
    name = "cs_vae" if run.recipe.get("divergence") == "cauchy-schwarz" else run.system
    return say.label("l1_alone" if run.recipe.get("adversarial") == "none" else name, "system")


def findings(first: Results, second: Results) -> list[Conclusion]:
    """Whose samples lie nearer to the test images, whose edges are softer, and which clusters are the classes'."""
    found = []
    name = next((name for name in JUDGED if name in first.evaluation and name in second.evaluation), None)
    if name is not None:
        found.append(_compared("samples", name, second.evaluation[name], first.evaluation[name]))
    sheets = [run.sheet("samples") for run in (first, second)]
    if all(sheet is not None and min(sheet.shape[1:3]) > 1 for sheet in sheets):
        details = [analysis.detail(sheet) for sheet in sheets if sheet is not None]
        means = [Metric(float(d.mean()), float(d.std(ddof=1)) / math.sqrt(len(d)), len(d), "", {}) for d in details]
        found.append(_compared("detail", "detail", means[1], means[0]))
    iou = [run.evaluation.get("class_iou_made") for run in (second, first)]
    if iou[0] is not None and iou[1] is not None:
        found.append(_compared("fcn", "class_iou_made", iou[0], iou[1]))
    components, kmeans = second.evaluation.get(CLUSTERED[0]), first.evaluation.get(CLUSTERED[1])
    if components is not None and kmeans is not None:
        found.append(_compared("clusters", CLUSTERED[0], components, kmeans))
    return found


def _compared(what: str, term: str, second: Metric, first: Metric) -> Conclusion:
    """A difference counts where it is more than twice its standard error, the two taken as independent."""
    difference = second.value - first.value
    error = math.hypot(second.uncertainty or 0.0, first.uncertainty or 0.0)
    which = "alike" if abs(difference) <= 2 * error else "more" if difference > 0 else "less"
    values = {"term": term, "first": first.value, "second": second.value, "error": error}
    return {"id": f"beside.{what}_{which}", "values": values}


def pictures(first: Path | str, second: Path | str, say: Say) -> list[Block]:
    """What one looks at of each run, side by side. Raises what `results.read` raises."""
    return _samples([read(Path(path)) for path in (first, second)], say)


def _samples(runs: list[Results], say: Say) -> list[Block]:
    shown: list[Picture] = []
    blocks: list[Block] = []
    for run in runs:
        sheet, name = SHEETS.get(run.system, "samples"), _system(run, say)
        path = run.path / "figures" / f"{sheet}.png"
        try:
            shown.append(picture(path, say(f"run.{sheet}_alt", n=run.shown()), name, say(f"run.{sheet}_caption")))
        except (FileNotFoundError, Unreadable):
            told = say("run.picture_missing", file=f"{run.path.name}/figures/{sheet}.png")
            blocks.append(Missing(told, f"arzhang evaluate {run.path.resolve().name}"))
    return [Pictures(shown), *blocks] if shown else blocks


def _table(runs: list[Results], say: Say) -> list[Block]:
    both = [name for name in runs[0].evaluation if name in runs[1].evaluation]
    if not both:
        return []
    rows: list[list[str | Cell]] = [
        [say.label(name), *(number(run.evaluation[name]) for run in runs), say.named(runs[0].evaluation[name].unit)]
        for name in both
    ]
    heads = [say("run.metric"), *(_system(run, say) for run in runs), say("run.unit")]
    return [Table(say("beside.table"), heads, rows, numeric=(1, 2))]
