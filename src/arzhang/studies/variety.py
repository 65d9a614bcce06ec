"""Assignment 4g observed: how outputs of one input vary with dropout's noise, how far that is, and where."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch
from jaxtyping import Float
from torch import Tensor

from arzhang import pictures, recipes
from arzhang.errors import UsageError
from arzhang.evaluation.moments import Moments, blocks
from arzhang.evaluation.translation import alike
from arzhang.files import write_atomically
from arzhang.palettes import CITYSCAPES
from arzhang.randomness import mix
from arzhang.report import figures
from arzhang.studies import trained
from arzhang.studies.options import VarietyStudy, changed
from arzhang.tasks.pix2pix import Pix2PixTask
from arzhang.tasks.segmenter import class_map
from arzhang.wording import named, words

RESULTS = "variety.json"
SHOWN, BESIDE = 4, 4
"""Inputs on the sheet, and outputs of each."""
LEAST_SHARE = 0.002
"""Of all pixels, below which a class is too rare to be spoken of."""
AT_ONCE = 20
"""Inputs that are translated together."""
Notify = Callable[[str], None]


def study(options: VarietyStudy, out: Path, notify: Notify = print) -> dict[str, Any]:
    """Outputs of each input with dropout on and off: their spread, its place, their errors. Writes `variety.json`,
    figures, pictures; returns what it holds."""
    if options.outputs < 2:
        raise UsageError(f"--outputs {options.outputs}: a spread needs 2 or more")
    out.mkdir(parents=True, exist_ok=True)
    run, task, parts = trained.pix2pix(options, out, notify)
    indices = trained.taken("n", options.n, parts, task.device)
    found, classes = measured(task, parts.test, indices, options.outputs, options.seed)
    results = {
        "study": "variety",
        "options": dataclasses.asdict(options),
        "command": ["study", "variety", *recipes.as_flags(changed(options))],
        "run": run.path.name,
        "dropout": task.recipe.dropout,
        "metrics": found,
        "classes": classes,
    }
    results["conclusions"] = conclude(results)
    results["tables"] = [_numbers(results)]
    results["figures"] = [_bars(results, out)]
    results["pictures"] = [_sheet(task, parts.test, indices, options, out)]
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


@torch.no_grad()
def outputs(
    task: Pix2PixTask, inputs: Float[Tensor, "B D H W"], k: int, seed: int, first: int, dropout: bool
) -> Float[Tensor, "k B C H W"]:
    """k outputs of each input, each with noise of its own, or as often the output without."""
    seeds = [mix(seed, "variety", first + i) for i in range(k)]
    return torch.stack([task.translate(inputs, one, dropout=dropout) for one in seeds])


@torch.no_grad()
def measured(
    task: Pix2PixTask, examples: Any, indices: Tensor, k: int, seed: int
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Means over inputs with standard errors: the standard deviation of a pixel over k outputs of one input, dropout
    on and off; L1 from the real image, of one output with it, of the one without, of the mean of k. Then the standard
    deviation by class of the label map, where there is one; and over inputs, of the outputs and of real images."""
    moments, everything, real = Moments(), [], []
    squares = torch.zeros(len(CITYSCAPES), dtype=torch.float64)
    counts = torch.zeros(len(CITYSCAPES), dtype=torch.float64)
    for block, rows in blocks(len(indices), "translating", AT_ONCE):
        found = examples.take(indices[rows.to(indices.device)])
        assert found.inputs is not None
        on = outputs(task, found.inputs, k, seed, block * k, True)
        off = outputs(task, found.inputs, 2, seed, block * k, False)
        spread = on.std(0)
        moments.add({
            "spread_on": spread.flatten(1).mean(1),
            "spread_off": off.std(0).flatten(1).mean(1),
            "l1_on": _l1(on[0], found.images), "l1_off": _l1(off[0], found.images),
            "l1_mean": _l1(on.mean(0), found.images), "gap": _l1(on[0], found.images) - _l1(off[0], found.images),
        })  # fmt: skip
        everything.append(on[0])
        real.append(found.images)
        if examples.classes_are in ("inputs", "both"):
            labels = class_map(found.inputs).cpu()
            known = labels >= 0
            each = spread.mean(1).double().cpu()
            squares += torch.bincount(labels[known], each[known], len(CITYSCAPES))
            counts += torch.bincount(labels[known], minlength=len(CITYSCAPES))
    metrics = {}
    for name in moments.names:
        metric = moments.metric(name, "", {})
        metrics[name] = {"value": metric["value"], "error": metric["uncertainty"]}
    for name, images in (("between", everything), ("real_between", real)):
        metrics[name] = {"value": float(torch.cat(images).std(0).mean()), "error": 0.0}
    total = max(1.0, float(counts.sum()))
    named = zip(CITYSCAPES, squares.tolist(), counts.tolist(), strict=True)
    return metrics, {
        name: {"value": summed / count, "share": count / total}
        for (name, _), summed, count in named
        if count / total >= LEAST_SHARE
    }


def _l1(made: Tensor, real: Tensor) -> Float[Tensor, " B"]:
    return (made - real).abs().flatten(1).mean(1)


# -------------------------------------------------------------------------------------------------------- findings


def conclude(results: dict[str, Any]) -> list[dict[str, Any]]:
    """How far outputs of one input lie apart, whether noise is all that does it, what it costs, and where it acts."""
    own, classes = results["metrics"], results["classes"]
    values = {name: metric["value"] for name, metric in own.items()}
    found = [_of("spread", value=values["spread_on"], error=own["spread_on"]["error"], between=values["between"],
        real=values["real_between"], outputs=results["options"]["outputs"], n=results["options"]["n"],
        share=values["spread_on"] / max(1e-12, values["between"]), dropout=results["dropout"])]  # fmt: skip
    if values["spread_off"] == 0:
        found.append(_of("off"))
    else:
        found.append(_of("off_differs", value=values["spread_off"]))
    gap, error = own["gap"]["value"], own["gap"]["error"]
    kind = "alike" if abs(gap) <= 2 * error else "more" if gap > 0 else "less"
    found.append(_of(f"error_{kind}", on=values["l1_on"], off=values["l1_off"], gap=abs(gap), error=error))
    found.append(_of("beside_error", value=values["spread_on"], l1=values["l1_on"], mean=values["l1_mean"],
        ratio=values["spread_on"] / max(1e-12, values["l1_on"])))  # fmt: skip
    if len(classes) > 1:
        most, least = (pick(classes, key=lambda c: classes[c]["value"]) for pick in (max, min))
        found.append(_of("where", most=most, most_value=classes[most]["value"], least=least,
            least_value=classes[least]["value"]))  # fmt: skip
    return found


def _of(id: str, **values: Any) -> dict[str, Any]:
    return {"id": f"variety.{id}", "values": values}


def _numbers(results: dict[str, Any]) -> dict[str, Any]:
    rows: list[list[Any]] = [
        [{"id": f"variety.row.{name}"}, own["value"], own["error"] or None] for name, own in results["metrics"].items()
    ]
    for name, own in results["classes"].items():
        rows.append([{"id": "variety.row.class", "values": {"name": name}}, own["value"], None])
    return {"id": "variety.numbers", "columns": ["variety_of", "value", "standard_error"], "rows": rows}


# --------------------------------------------------------------------------------------------------------- figures


@figures.styled()
def _bars(results: dict[str, Any], out: Path) -> str:
    """The spread of one input's outputs beside what it could be measured by; and class by class."""
    own, classes = results["metrics"], results["classes"]
    shown = ("spread_on", "spread_off", "between", "real_between", "l1_on")
    figure, panels = figures.panels(2 if classes else 1, words("variety.figure.spread"), columns=2, size=(4.4, 3.2))
    for row, name in enumerate(shown):
        colour = figures.SERIES[0] if name == "spread_on" else figures.SERIES[7]
        panels[0].barh(
            row, own[name]["value"], xerr=own[name]["error"] or None, color=colour, height=0.6, ecolor=figures.INK
        )
        panels[0].annotate(f"{own[name]['value']:.3f}", (own[name]["value"], row), (8, -4), textcoords="offset points")
    panels[0].set_yticks(range(len(shown)), [words(f"variety.bar.{name}") for name in shown])
    panels[0].set_xlim(right=1.25 * max(own[name]["value"] for name in shown))
    panels[0].set_title(words("variety.panel.beside"), fontsize=10)
    if classes:
        ordered = sorted(classes, key=lambda name: -classes[name]["value"])
        panels[1].barh(range(len(ordered)), [classes[n]["value"] for n in ordered], color=figures.SERIES[0], height=0.6)
        panels[1].set_yticks(range(len(ordered)), [named(name) for name in ordered])
        panels[1].set_title(words("variety.panel.classes"), fontsize=10)
    for axes in panels:
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(words("variety.axis.grey"))
    return figures.save(figure, out, "spread")


@torch.no_grad()
def _sheet(task: Pix2PixTask, examples: Any, indices: Tensor, options: VarietyStudy, out: Path) -> dict[str, Any]:
    """A row an input: it, outputs with noise, where they differ, the output without, the real image."""
    found = examples.take(indices[:SHOWN])
    assert found.inputs is not None
    on = outputs(task, found.inputs, options.outputs, options.seed, 0, True)
    off = outputs(task, found.inputs, 1, options.seed, 0, False)[0]
    spread = on.std(0).mean(1)
    most = float(spread.max())
    heat = torch.from_numpy(mpl.colormaps["inferno"]((spread / max(most, 1e-12)).cpu().numpy()))[..., :3]
    heat = heat.permute(0, 3, 1, 2).to(on)
    few = on[: min(BESIDE, len(on))]
    columns = [alike(found.inputs, task), *few, heat if task.shape[0] == 3 else heat.mean(1, True), off, found.images]
    pictures.write_sheet(torch.stack(columns, 1).flatten(0, 1), out / "variety.png", columns=len(columns))
    values = {"outputs": len(few), "of": options.outputs, "most": most if math.isfinite(most) else 0.0}
    return {"file": "variety.png", "id": "variety.sheet", "values": values}
