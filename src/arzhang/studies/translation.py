"""Assignment 4c–4h observed: what each part of pix2pix is worth, the papers' tables anew, CycleGAN beside it."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from arzhang import assembly, devices, evaluation, pictures, recipes, sweep
from arzhang.contracts import Task, Translator
from arzhang.data.images import Splits
from arzhang.data.pairs import Pairs
from arzhang.errors import UsageError
from arzhang.evaluation import segmenter
from arzhang.evaluation import translation as made_by
from arzhang.evaluation.moments import blocks
from arzhang.files import write_atomically
from arzhang.metrics import scores, segmentation
from arzhang.metrics.features import Extractor, inception_extractor
from arzhang.metrics.frechet import GROUPS, jackknife
from arzhang.palettes import CITYSCAPES
from arzhang.randomness import generator
from arzhang.studies import translation_conclusions, translation_figures
from arzhang.studies import translation_plan as plans
from arzhang.studies.kept import kept
from arzhang.studies.options import TranslationStudy, changed
from arzhang.tasks.segmenter import class_map
from arzhang.training.loop import batch_of, block_size
from arzhang.training.run import Run

RESULTS = "translation.json"
SHOWN = 4
"""Test images of which a sheet shows what every arm makes."""
Notify = Callable[[str], None]
Measure = dict[str, Any]
"""{"value", "error", "left_out"}: with its jackknife's values, each without one group of images, where there are."""
SCORED: dict[str, Callable[[segmentation.Counts], float]] = {
    "pixel_accuracy": segmentation.pixel_accuracy,
    "class_accuracy": segmentation.class_accuracy,
    "class_iou": segmentation.mean_iou,
}


class Judged(NamedTuple):
    """What every arm is judged by."""

    parts: Splits
    judge: segmenter.Judge
    features: Extractor | None
    n: int
    """Test images that the features see."""
    device: torch.device


def study(options: TranslationStudy, out: Path, notify: Notify = print) -> dict[str, Any]:
    """Train each arm, judge it on the test part, compare. Writes `translation.json`, figures, pictures; returns what it
    holds.

    Runs are kept in `out/runs`: a study that was stopped goes on where it was.
    """
    whole = plans.resolved(options)
    tables = plans.plan(whole)
    arms = list(dict.fromkeys(arm for table in tables.values() for arm in table))
    for arm in arms:  # every option of a recipe is checked before anything is trained
        assembly.refuse_unfit(plans.recipe(whole, arm, 0))
    seen = _judged(whole, out, notify)
    found: dict[str, Any] = {}
    if whole.ray:
        own = [(arm, seed) for seed in range(whole.seeds or 1) for arm in arms]
        sweep.finished_by_ray([(plans.recipe(whole, *each), _path(out, *each)) for each in own], out / "runs")
    for seed in range(whole.seeds or 1):
        for arm in arms:
            path, recipe = _path(out, arm, seed), plans.recipe(whole, arm, seed)
            sweep.finished(recipe, path, notify)
            how = {"judge": seen.judge.protocol, "data": seen.parts.sha256, "n": seen.n}
            how |= {"features": seen.features.protocol if seen.features else None}
            measured = kept(path, how, lambda path=path: _measured(path, seen), "last")["metrics"]  # type: ignore[misc]
            found.setdefault(arm, []).append(measured | {"seed": seed, "run": path.name, "cost": _cost(path, seen)})
    results = {
        "study": "translation",
        "options": dataclasses.asdict(options),
        "command": ["study", "translation", *recipes.as_flags(changed(options))],
        "resolved": dataclasses.asdict(whole),
        "protocol": _protocol(seen),
        "train": len(seen.parts.train),
        "limits": {kind: _limits(kind, seen) for kind in ("real", "grey")},
        "papers": {"tables": plans.PAPER, "real": plans.PAPER_REAL},
        "plan": tables,
        "arms": found,
    }
    results["means"] = {arm: _means(trained) for arm, trained in found.items()}
    results["conclusions"] = translation_conclusions.conclude(results)
    results["tables"] = translation_conclusions.tables(results)
    results["figures"] = translation_figures.draw(results, out)
    results["pictures"] = _sheets(tables, out, seen)
    write_atomically(out / RESULTS, json.dumps(results, indent=1) + "\n")
    return results


def _path(out: Path, arm: str, seed: int) -> Path:
    return out / "runs" / f"{arm}_{sweep.name({'seed': seed})}"


def _judged(options: TranslationStudy, out: Path, notify: Notify) -> Judged:
    """Data, the segmenter that is given or trained on them, the feature network that is asked for."""
    device = devices.device(options.accelerator)
    features = inception_extractor(device=device) if options.features == "inception" else None  # may not be here
    own = plans.judge(options)
    path = Path(options.segmenter) if options.segmenter else out / "runs" / "segmenter"
    if options.segmenter:
        segmenter.load(path, device)  # before the data are made, for it may be none
    parts = assembly.splits(own, device, notify)
    if options.segmenter and tuple(Run(path).config["data"]["shape"]) != parts.train.shape:
        shape = "×".join(map(str, Run(path).config["data"]["shape"]))
        raise UsageError(f"--segmenter {path}: judges images of {shape}, and these are of another shape")
    n = options.n or len(parts.test)
    most = min(len(parts.test), len(parts.train))
    if features is not None and n > most:
        raise UsageError(
            f"-n {n}: the test part holds {len(parts.test):,} images, the training part enough for {most:,}"
        )
    out.mkdir(parents=True, exist_ok=True)
    if not options.segmenter:
        sweep.finished(own, path, notify)
    return Judged(parts, segmenter.load(path, device), features, n, device)


def _protocol(seen: Judged) -> dict[str, Any]:
    return {
        "split": "test", "checkpoint": "last", "n": len(seen.parts.test), "data": seen.parts.sha256,
        "judge": seen.judge.protocol, "error": f"delete-one-group jackknife, {GROUPS} groups",
        "features": seen.features.protocol | {"n": seen.n} if seen.features else None,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- measuring


def _measured(path: Path, seen: Judged) -> dict[str, Measure]:
    """L1 and FCN-score of what a run makes of all test inputs; FID and KID of it where there are features."""
    model: Translator = assembly.load(path, checkpoint="last", device=seen.device)
    found = _scored(lambda indices: made_by.made(model, seen.parts.test, indices, 0), seen)
    if seen.features is None:
        return found
    sets = made_by.image_sets(model, seen.parts, seen.n, 0)
    judged = evaluation.measure_images(
        {name: sets[name] for name in ("test", "made")}, ("fid", "kid"), seen.features, 0, {}
    )
    return found | {name.removesuffix("_made"): _plain(metric) for name, metric in judged.items()}


def _plain(metric: dict[str, Any]) -> Measure:
    return {"value": metric["value"], "error": metric["uncertainty"] or 0.0, "left_out": []}


def _limits(kind: str, seen: Judged) -> dict[str, Measure]:
    """What the same judges say of real photos, the ceiling, or of a grey image, the floor."""
    test = seen.parts.test
    if kind == "grey":
        return _scored(lambda indices: torch.full((len(indices), *test.shape), made_by.GREY, device=seen.device), seen)
    found = _scored(lambda indices: test.take(indices).images, seen)
    if seen.features is None:
        return found
    sets = {
        "test": scores.ImageSet.of("test images", test, seen.n, seen.device),
        "floor": scores.ImageSet.of("training images", seen.parts.train, seen.n, seen.device),
    }
    judged = evaluation.measure_images(sets, ("fid", "kid"), seen.features, 0, {})
    return found | {name.removesuffix("_floor"): _plain(metric) for name, metric in judged.items()}


@torch.no_grad()
def _scored(images: Callable[[Tensor], Tensor], seen: Judged) -> dict[str, Measure]:
    """L1 and FCN-score of `images(indices)`, and the same without each group of test images, which are dealt to the
    groups in turn: two arms leave out the same ones, so that their difference has an error of its own."""
    test = seen.parts.test
    assert isinstance(test, Pairs)
    confusion, errors = segmentation.Confusion(len(CITYSCAPES)), []
    for _, block in blocks(len(test), "judging", block_size(test)):
        indices = block.to(seen.device)
        shown, pairs = images(indices), test.take(indices)
        assert pairs.inputs is not None
        errors.append((shown - pairs.images).abs().flatten(1).mean(1).double().cpu())
        confusion.add(class_map(pairs.inputs), seen.judge.segment(shown))
    l1 = torch.cat(errors)
    groups = min(GROUPS, len(l1))
    group = torch.arange(len(l1)) % groups
    found = {"l1": _jackknifed(float(l1.mean()), [float(l1[group != g].mean()) for g in range(groups)])}
    for name, number in SCORED.items():
        left_out = [number(confusion.counts(g)) for g in range(groups)]
        found[name] = _jackknifed(number(confusion.counts()), left_out)
    return found


def _jackknifed(value: float, left_out: Sequence[float]) -> Measure:
    return {"value": value, "error": jackknife(left_out), "left_out": list(left_out)}


def _means(trained: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Means over seeds with their standard error; of one seed, the error over images."""
    terms = [name for name, value in trained[0].items() if isinstance(value, dict) and "left_out" in value]
    return {term: translation_conclusions.mean([one[term] for one in trained]) for term in terms}


# ------------------------------------------------------------------------------------------------------------ cost


def _cost(path: Path, seen: Judged) -> dict[str, Any]:
    """What a training took: the seconds that its log counts, steps, weights, and passes of whole networks a step."""
    run = Run(path)
    last = [entry for entry in run.metrics() if entry["split"] == "validation"][-1]
    task = assembly.load(path, checkpoint="last", device=seen.device)
    weights = sum(p.numel() for p in task.networks.parameters())
    return {
        "seconds": last["seconds"],
        "steps": last["step"],
        "weights": weights,
        "passes": passes(task, seen.parts.train),
        "batch": run.recipe.batch_size,
    }


@torch.no_grad()
def passes(task: Task, examples: Pairs) -> int:
    """How often a step sends an image forward through a whole network: counted in one step's own losses."""
    count = 0

    def note(network: Any, given: Any, made: Tensor) -> None:
        nonlocal count
        count += len(made)

    hooks = [network.register_forward_hook(note) for network in task.networks.children()]
    try:
        indices = torch.zeros(1, dtype=torch.int64, device=examples.device)
        batch = batch_of(examples, indices, task.noise(1, generator(0, "passes", device=examples.device)))
        shared = task.prepare(batch)
        for turn in task.turns:
            turn.loss(batch, shared)
    finally:
        for hook in hooks:
            hook.remove()
    return count


# -------------------------------------------------------------------------------------------------------- pictures


@torch.no_grad()
def _sheets(tables: dict[str, list[str]], out: Path, seen: Judged) -> list[dict[str, Any]]:
    """For each table the first test inputs, what each of its arms makes of them (first seed), and the real photos."""
    indices = torch.arange(min(SHOWN, len(seen.parts.test)), device=seen.device)
    pairs, found = seen.parts.test.take(indices), []
    assert pairs.inputs is not None
    for table, arms in tables.items():
        columns = [pairs.inputs]
        for arm in arms:
            model = assembly.load(_path(out, arm, 0), checkpoint="last", device=seen.device)
            columns.append(made_by.made(model, seen.parts.test, indices, 0))
        columns.append(pairs.images)
        sheet = torch.stack(columns, 1).flatten(0, 1)
        pictures.write_sheet(sheet, out / f"{table}_images.png", columns=len(columns))
        named = [{"id": f"arm.{plans.called(table, arm)}"} for arm in arms]
        found.append({"file": f"{table}_images.png", "id": "translation.sheet", "values": {"arms": named}})
    return found
