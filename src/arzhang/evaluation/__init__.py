"""From a run directory to eval.json and the figures beside it: the numbers of a trained model on the test part."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from arzhang import assembly, recipes, scoring, sharing
from arzhang.contracts import Translator
from arzhang.data.pairs import Pairs
from arzhang.errors import ArzhangError, UsageError
from arzhang.evaluation import classifier, gan, segmenter, translation, vae
from arzhang.evaluation.moments import EACH, Metric
from arzhang.files import write_atomically
from arzhang.metrics import hub, scores
from arzhang.metrics.features import Extractor, inception_extractor
from arzhang.tasks.classifier import ClassifierTask
from arzhang.tasks.cyclegan import CycleGANTask
from arzhang.tasks.gan import GANTask
from arzhang.tasks.segmenter import SegmenterTask
from arzhang.training.checkpoint import read_tensors
from arzhang.training.run import Run

EVALUATION, EACH_IMAGE = "eval.json", "eval.safetensors"
DIAGNOSES = "diagnosis"


def evaluate(
    path: Path | str,
    *,
    samples: int = 128,
    seed: int = 0,
    checkpoint: str = "best",
    device: torch.device | str = "cpu",
    metrics: Sequence[str] = (),
    n: int | None = None,
    extractor: Callable[[], Extractor] | None = None,
    diagnose: bool = False,
    judge: str | None = None,
    told_by: str | None = None,
    notify: Callable[[str], None] = print,
) -> dict[str, Metric]:
    """Measure a run on its test part, once: write `eval.json` and the sheets in `figures/`, and return the numbers.

    `samples` is K of the importance-weighted likelihood. Every value is a mean over test images, in nats where it is
    one; its uncertainty is the standard error of that mean. `metrics` (assignment 3g and 3h) compare what the model
    makes with `n` test images (None: 10,000, or all where there are fewer) on the features of `extractor()`, beside the
    floor: train images against them. `diagnose` leaves what lies behind these numbers in `diagnosis/`. `judge` is a
    segmenter's run, by which a translator's images get their FCN-score; `told_by` a classifier's, which says what class
    a cgan's images are of. Of several ranks, the first writes.
    """
    if samples < 1:
        raise UsageError(f"--samples {samples}: must be 1 or more")
    scores.check(metrics)
    run = Run(path)
    model = assembly.load(path, checkpoint=checkpoint, device=device, notify=notify)
    parts = assembly.data_of(run, device, notify)
    if diagnose and not metrics:
        raise UsageError("--diagnose: looks behind image metrics; give --metrics fid")
    if isinstance(run.recipe, recipes.CycleGAN):
        parts = assembly.paired(run.recipe, device) or parts
    _refuse(model, run, parts, metrics, judge, told_by)
    count = _count(parts, n, bool(metrics))
    step = assembly.sound_checkpoint(run, checkpoint, notify).step
    protocol = {"split": "test", "data": parts.sha256, "checkpoint": f"{checkpoint}, step {step}", "seed": seed}
    features = extractor() if extractor is not None and metrics else None  # before the long work: may not be here
    if isinstance(model, ClassifierTask):
        return _written(classifier.measure(model, parts.test, protocol), run)
    if isinstance(model, SegmenterTask):
        return _written(segmenter.measure(model, parts.test, protocol), run)
    figures = run.path / "figures" if sharing.first() else None
    if isinstance(model, Translator):
        found, sets = _translator(model, parts, count, seed, protocol, judge, figures)
    elif isinstance(model, GANTask):
        found, sets = gan.measure(model, parts.test, seed, protocol), gan.image_sets(model, parts, count, seed)
        if told_by is not None:
            found |= gan.told(model, Path(told_by), run, parts.test, seed, protocol)
        if figures is not None:
            gan.draw(model, figures, seed)
    else:
        found = vae.measure(model, parts.test, samples, seed, protocol)
        sets = vae.image_sets(model, parts, count, seed)
        if figures is not None:
            vae.draw(model, parts, figures, seed)
    if features is not None:
        found |= measure_images(sets, metrics, features, seed, protocol)
        if diagnose:
            _diagnose(sets, parts, features, run.path / DIAGNOSES)
    return _written(found, run)


def _refuse(model: Any, run: Run, parts: Any, metrics: Sequence[str], judge: str | None, told_by: str | None) -> None:
    """What was asked for and makes no sense for a run of this kind."""
    kind = f"{run.path} is a run of {run.recipe.system}"
    if metrics and isinstance(model, ClassifierTask | SegmenterTask):
        raise UsageError(f"--metrics {metrics[0]}: a {run.recipe.system} makes no images to measure")
    if judge is not None and not isinstance(model, Translator):
        raise UsageError(f"--segmenter {judge}: judges what a translator makes; {kind}")
    if judge is not None and parts.test.unpaired:
        raise UsageError(f"--segmenter {judge}: needs pairs, and the sides of these data do not belong together")
    if told_by is not None and not (isinstance(model, GANTask) and model.classes):
        raise UsageError(f"--classifier {told_by}: says what a cgan makes; {kind}")


def _count(parts: Any, n: int | None, needed: bool) -> int:
    """How many images of each kind are compared."""
    most = min(len(parts.test), len(parts.train))
    if isinstance(parts.test, Pairs):
        most = min(most, len(parts.test.inputs))
    count = min(10_000, most) if n is None else n
    if needed and not 2 <= count <= most:
        sizes = f"the test part holds {len(parts.test):,} images, the training part {len(parts.train):,}"
        raise UsageError(f"-n {count}: {sizes}")
    return count


def _translator(
    model: Any, parts: Any, count: int, seed: int, protocol: dict[str, Any], judge: str | None, figures: Path | None
) -> tuple[dict[str, Metric], dict[str, scores.ImageSet]]:
    """The numbers of pix2pix or CycleGAN, and the images that metrics of sets compare."""
    found = {} if parts.test.unpaired else translation.measure(model, parts.test, seed, protocol)
    if isinstance(model, CycleGANTask):
        found |= translation.cycles(model, parts.test, protocol)
    if judge is not None:
        loaded = segmenter.load(judge, model.device)
        found |= translation.fcn_scores(model, loaded, parts.test, seed, protocol)
    if figures is not None:
        translation.draw(model, parts.test, figures, seed)
    return found, translation.image_sets(model, parts, count, seed)


def judge_again(
    path: Path | str,
    metrics: Sequence[str],
    features: Extractor,
    *,
    n: int | None = None,
    seed: int = 0,
    checkpoint: str = "best",
    device: torch.device | str = "cpu",
    notify: Callable[[str], None] = print,
) -> dict[str, Metric]:
    """Add to the run's `eval.json` what another feature network says of as many images as it can be given time for."""
    scores.check(metrics)
    run = Run(path)
    model = assembly.load(path, checkpoint=checkpoint, device=device, notify=notify)
    if isinstance(model, ClassifierTask | SegmenterTask | Translator):
        raise UsageError(f"{run.path} is a run of {run.recipe.system}: give a VAE or a GAN")
    parts = assembly.data_of(run, device, notify)
    step = assembly.sound_checkpoint(run, checkpoint, notify).step
    protocol = {"split": "test", "data": parts.sha256, "checkpoint": f"{checkpoint}, step {step}", "seed": seed}
    room: Any = gan if isinstance(model, GANTask) else vae
    sets = room.image_sets(model, parts, _count(parts, n, True), seed)
    return _written(read(run.path) | measure_images(sets, metrics, features, seed, protocol), run)


def extractor(
    features: str = "inception",
    protocol: str = "pytorch-fid",
    weights: str | None = None,
    precision: str = "float32",
    device: torch.device | str = "cpu",
) -> Extractor:
    """A feature network by its name: `inception` under a protocol, `dinov2`, `clip`, or a classifier's run."""
    if features == "inception":
        return inception_extractor(protocol, weights, device, precision)
    if features in hub.NETWORKS:
        return hub.extractor(features, weights, device, precision)
    return classifier.extractor(features, device)


def measure_images(
    sets: Mapping[str, scores.ImageSet], names: Sequence[str], extractor: Extractor, seed: int, protocol: dict[str, Any]
) -> dict[str, Metric]:
    """3g and 3h: whatever the model makes, against n test images; and train images as the floor."""
    found: dict[str, Metric] = {}
    for which in [name for name in sets if name != "test"]:
        for name, metric in scores.scores(sets["test"], sets[which], names, extractor, seed).items():
            found[f"{name}_{which}"] = metric | {"protocol": protocol | metric["protocol"]}
    return found


def read(path: Path) -> dict[str, Metric]:
    """The numbers of a run, or of a JSON file that `score --json` or `evaluate` has written. Raises UsageError."""
    file = path / EVALUATION if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        good = all({"value", "uncertainty", "n", "protocol"} <= metric.keys() for metric in found.values())
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file") from None
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(f"{file}: holds no scores ({error})") from None
    if not good:
        raise UsageError(f"{file}: holds no scores (each has a value, an uncertainty, n and a protocol)")
    return found


def each_image(path: Path) -> dict[str, Tensor]:
    """The values of single test images that a run's evaluation kept, by metric; empty where it kept none."""
    file = path / EACH_IMAGE
    try:
        return read_tensors(file) if file.is_file() else {}
    except ArzhangError as error:
        raise ArzhangError(f"{error}; `arzhang evaluate {path}` makes it anew") from None


def _written(found: dict[str, Metric], run: Run) -> dict[str, Metric]:
    each = {name: metric.pop(EACH) for name, metric in found.items() if EACH in metric}
    if sharing.first():
        if each:
            write_atomically(run.path / EACH_IMAGE, save(each))
        write_atomically(run.path / EVALUATION, json.dumps(found, indent=2) + "\n")
    return found


def _diagnose(sets: Mapping[str, scores.ImageSet], parts: Any, extractor: Extractor, out: Path) -> None:
    """Reconstructions have their images' classes; whatever else is made, those of the nearest test image."""
    n, labels, names = sets["test"].n, getattr(parts.test, "labels", None), parts.classes
    classes = None if labels is None else [names[i] if names else str(i) for i in labels[:n].tolist()]
    for which in [name for name in sets if name not in ("test", "floor")]:
        own = classes if which == "reconstructions" else None
        scoring.diagnose(sets["test"], sets[which], extractor, out / which, sets["floor"], classes, own)
