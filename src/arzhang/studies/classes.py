"""Assignment 4a observed: a conditional GAN told each class, and what a classifier takes its images for."""

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from arzhang import assembly, devices, pictures, recipes, sweep
from arzhang.errors import UsageError
from arzhang.evaluation import classifier, gan
from arzhang.files import write_atomically
from arzhang.randomness import mix
from arzhang.report import figures
from arzhang.studies.options import ClassStudy, changed
from arzhang.tasks.adversarial import variety
from arzhang.tasks.gan import GANTask
from arzhang.training.run import Run
from arzhang.wording import named, words

RESULTS = "classes.json"
COLUMNS = 10
"""Images of each class on the sheet."""
VARIED = 50
"""Images of each class from which their variety is measured."""
SHOWN = 20
"""Classes that a figure and a sheet can hold."""
Notify = Callable[[str], None]


def study(options: ClassStudy, out: Path, notify: Notify = print) -> dict[str, Any]:
    """Images of each class, and how often a classifier sees the class that was asked for. Writes `classes.json`, a
    figure, a picture; returns what it holds. What is trained for it is kept in `out/runs`."""
    runs = _runs(options, out, notify)
    device = devices.device(options.accelerator)
    run = runs["cgan"]
    model = assembly.load(run.path, checkpoint="last", device=device)
    network = gan.classifier_for(model, runs["classifier"].path, run)
    parts = assembly.data_of(run, device, notify)
    names = [str(name) for name in run.config["data"]["classes"]]
    right = classifier.measure(network, parts.test, {})["accuracy"]
    results: dict[str, Any] = {
        "study": "classes",
        "options": dataclasses.asdict(options),
        "command": ["study", "classes", *recipes.as_flags(changed(options))],
        "classes": names,
        "epochs": run.recipe.epochs,
        "each": gan.TOLD,
        "taken_for": gan.taken_for(model, network, options.seed).tolist(),
        "real": {key: right[key] for key in ("value", "uncertainty", "n")},
        "variety": within_classes(model, parts.test, options.seed),
    }
    results["conclusions"] = conclude(results)
    results["tables"] = [_numbers(results)]
    results["figures"] = [_confusion(results, out)]
    results["pictures"] = [_sheet(model, names, options.seed, out)]
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def _runs(options: ClassStudy, out: Path, notify: Notify) -> dict[str, Run]:
    """The two that are given, or trained."""
    shared: dict[str, Any] = {"dataset": options.dataset, "accelerator": options.accelerator}
    plan: dict[str, recipes.Training] = {
        "classifier": recipes.Classifier(epochs=options.classifier_epochs, **shared),
        "cgan": recipes.CGAN(width=options.width, epochs=options.epochs, choose_by="last", seed=options.seed,
            preview_every=options.epochs, **shared),
    }  # fmt: skip
    given = {name: Run(path) for name in plan if (path := getattr(options, name)) is not None}
    for name, run in given.items():  # before anything is trained
        if run.recipe.system != name:
            raise UsageError(f"--{name} {run.path}: a run of {run.recipe.system} (`arzhang train {name}` makes one)")
    out.mkdir(parents=True, exist_ok=True)
    return given | {
        name: sweep.finished(recipe, out / "runs" / name, notify) for name, recipe in plan.items() if name not in given
    }


def within_classes(model: GANTask, images: Any, seed: int) -> dict[str, float]:
    """How far images of one class lie from their own mean, the mean over classes: made ones, and as many real ones. A
    class can be told from a single picture made over and over, so how often it is told says nothing of this."""
    sums = {"made_variety": 0.0, "real_variety": 0.0}
    labels = images.labels.to(model.device)
    for label in range(model.classes):
        own = (labels == label).nonzero()[:VARIED, 0]
        real, made = images.batch(own), model.sample(len(own), mix(seed, "variety", label), label)
        for name, values in variety(made=made, real=real).items():
            sums[name] += float(values.mean()) / model.classes
    return sums


def conclude(results: dict[str, Any]) -> list[dict[str, Any]]:
    """How often the class asked for is seen, beside real images; the best and the worst class, and its most frequent
    mistake."""
    counts, names, each = results["taken_for"], results["classes"], results["each"]
    right = [counts[i][i] / each for i in range(len(names))]
    share, real, n = sum(right) / len(right), results["real"], each * len(names)
    error = math.sqrt(share * (1 - share) / n)
    values = {"value": share, "error": error, "n": n, "real": real["value"], "real_n": real["n"]}
    values |= {"epochs": results["epochs"], "chance": 1 / len(names)}
    best, worst = max(range(len(right)), key=right.__getitem__), min(range(len(right)), key=right.__getitem__)
    ends = {"best": names[best], "best_value": right[best], "worst": names[worst], "worst_value": right[worst]}
    found = [_of("told", **values), _of("ends", **ends)]
    a, b = max(
        ((i, j) for i in range(len(names)) for j in range(len(names)) if i != j), key=lambda ij: counts[ij[0]][ij[1]]
    )
    if counts[a][b]:
        found.append(_of("mistaken", asked=names[a], seen=names[b], value=counts[a][b] / each))
    made, own = (results["variety"][f"{kind}_variety"] for kind in ("made", "real"))
    return [*found, _of("variety", made=made, real=own, share=made / own)]


def _of(id: str, **values: Any) -> dict[str, Any]:
    return {"id": f"classes.{id}", "values": values}


def _numbers(results: dict[str, Any]) -> dict[str, Any]:
    """Each class: how often it is seen where it was asked for, and what else is seen most."""
    rows = []
    for i, name in enumerate(results["classes"]):
        row = results["taken_for"][i]
        others = [j for j in range(len(row)) if j != i]
        other = max(others, key=row.__getitem__)
        mistake = results["classes"][other] if row[other] else None
        rows.append([name, row[i] / results["each"], mistake, row[other] / results["each"]])
    return {
        "id": "classes.each",
        "columns": ["class_asked", "class_seen", "class_other", "class_other_share"],
        "rows": rows,
    }


@figures.styled()
def _confusion(results: dict[str, Any], out: Path) -> str:
    """What was asked for against what is seen, as shares."""
    names, each = results["classes"][:SHOWN], results["each"]
    shares = [[count / each for count in row[:SHOWN]] for row in results["taken_for"][:SHOWN]]
    size = (8.4, 0.36 * len(names) + 1.6)
    figure, (axes,) = figures.panels(1, words("classes.figure.confusion"), size=size)
    axes.pcolormesh(shares, vmin=0, vmax=1, cmap="viridis", edgecolors="face", linewidth=0.4)
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            if share >= 0.01:
                colour = "#fefefe" if share < 0.6 else "#010101"
                axes.text(j + 0.5, i + 0.5, f"{share:.0%}", ha="center", va="center", color=colour, fontsize=8)
    at = [i + 0.5 for i in range(len(names))]
    axes.set_yticks(at, [named(name) for name in names])
    axes.set_xticks(at, [named(name) for name in names], rotation=90)
    axes.set(xlabel=words("classes.axis.seen"), ylabel=words("classes.axis.asked"))
    axes.invert_yaxis()
    axes.grid(False)
    axes.tick_params(length=0)
    return figures.save(figure, out, "confusion")


@torch.no_grad()
def _sheet(model: GANTask, names: Sequence[str], seed: int, out: Path) -> dict[str, Any]:
    """A row of each class, the same noise in each."""
    rows = [model.sample(COLUMNS, mix(seed, "row"), label) for label in range(len(names[:SHOWN]))]
    pictures.write_sheet(torch.cat(rows), out / "classes.png", columns=COLUMNS)
    return {"file": "classes.png", "id": "classes.sheet", "values": {"names": ", ".join(names[:SHOWN])}}
