"""Why an estimator's variance matters (the motive of assignment 1): small batches train a VAE only where it is low."""

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from arzhang import assembly, devices, recipes
from arzhang.contracts import Batch, Example
from arzhang.devices import Fabric
from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.randomness import generator, permutation
from arzhang.report import figures
from arzhang.studies.gradient_figures import STYLES
from arzhang.studies.options import BatchStudy
from arzhang.tasks.vae import ESTIMATORS, VAETask
from arzhang.training.loop import Loop
from arzhang.training.run import Run
from arzhang.wording import words

RESULTS = "batches.json"


class First:
    """The first n images of a part."""

    augmented = False

    def __init__(self, images: Any, n: int) -> None:
        self.images, self.n = images, min(n, len(images))
        self.shape = images.shape

    def __len__(self) -> int:
        return self.n

    def batch(self, indices: Int64[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
        return self.images.batch(indices)

    def take(self, indices: Int64[Tensor, " B"], luck: Float[Tensor, "B 4"] | None = None) -> Example:
        return self.images.take(indices, luck)


def study(options: BatchStudy, out: Path, notify: Callable[[str], None] = print) -> dict[str, Any]:
    """Train one small VAE for each estimator and batch size on the same images, and measure its gradient's variance.

    Every arm sees each image equally often and has no batch normalisation. Arms are runs in `out/runs`: a study that
    was stopped goes on where it was. Writes `batches.json` and the figure; returns what the JSON holds.
    """
    _check(options)
    out.mkdir(parents=True, exist_ok=True)
    device = devices.device(options.accelerator)
    parts = assembly.splits(_recipe(options, "pathwise", options.batch_sizes[0], 0), device, notify)
    train, validation = First(parts.train, options.images), First(parts.validation, 2_000)
    arms = []
    for seed in range(options.seeds):
        for estimator in options.estimators:
            for size in options.batch_sizes:
                recipe = _recipe(options, estimator, size, seed)
                arms.append(_arm(recipe, train, validation, parts, out / "runs", notify))
    points = _variances(options, train, parts, out / "runs")
    results = {
        "study": "batches",
        "options": dataclasses.asdict(options),
        "data": parts.sha256,
        "arms": arms,
        "variances": points,
        "conclusions": _conclusions(options, arms, points),
        "tables": [_table(arms, points)],
        "figures": _draw(arms, points, out),
    }
    write_atomically(out / RESULTS, json.dumps(results, indent=2) + "\n")
    return results


def _check(options: BatchStudy) -> None:
    for name in options.estimators:
        if name not in ESTIMATORS:
            raise UsageError(f"--estimators {name}: there is {', '.join(ESTIMATORS)}")
    for flag, given in (("--estimators", options.estimators), ("--batch-sizes", options.batch_sizes)):
        if not given or len(set(given)) < len(given):
            raise UsageError(f"{flag} {' '.join(map(str, given))}: give at least one, and none twice")
    for flag, least, values in (
        ("--batch-sizes", 1, options.batch_sizes),
        ("--draws", 2, [options.draws]),
        ("--seeds", 1, [options.seeds]),
        ("--epochs", 1, [options.epochs]),
        ("--images", max(options.batch_sizes), [options.images]),
    ):
        for value in values:
            if value < least:
                raise UsageError(f"{flag} {value}: must be at least {least}")


def _recipe(options: BatchStudy, estimator: str, size: int, seed: int) -> recipes.VAE:
    return recipes.VAE(
        estimator=cast(Any, estimator),
        norm="none",
        batch_size=size,
        latent_dim=options.latent_dim,
        epochs=options.epochs,
        lr=options.lr,
        seed=seed,
        dataset=cast(Any, options.dataset),
        accelerator=options.accelerator,
        log_every=max(1, options.images // size // 4),
        preview_every=options.epochs,
    )


def _name(recipe: recipes.VAE) -> str:
    return f"{recipe.estimator}-{recipe.batch_size}-seed{recipe.seed}"


def _arm(
    recipe: recipes.VAE, train: First, validation: First, parts: Any, folder: Path, notify: Callable[[str], None]
) -> dict[str, Any]:
    path = folder / _name(recipe)
    exists = (path / "config.yaml").exists()
    run = Run(path) if exists else Run.create(path, recipe, assembly.describe(parts))
    if not run.finished():
        fabric = Fabric(accelerator=recipe.accelerator, devices=1)
        task = assembly.build(recipe, parts.train.shape, parts.train.levels, fabric.device)
        notify(f"{_name(recipe)}: {recipe.epochs} epochs of {len(train):,} images")
        with run.locked():
            Loop(task, recipe, train, validation, run, fabric, notify).fit()
    entries = [entry for entry in run.metrics() if entry["split"] == "validation"]
    return {
        "estimator": recipe.estimator,
        "batch_size": recipe.batch_size,
        "seed": recipe.seed,
        "negative_elbo": entries[-1]["negative_elbo"],
        "seconds": entries[-1]["seconds"],
        "course": [[entry["seconds"], entry["negative_elbo"]] for entry in entries],
    }


def _variances(options: BatchStudy, train: First, parts: Any, folder: Path) -> list[dict[str, Any]]:
    """Variance of each estimator's gradient at every batch size, all at the same weights: those of the first arm that
    the pathwise estimator (or else the first one) trained, so that nothing but the estimator and the batch differs."""
    reference = "pathwise" if "pathwise" in options.estimators else options.estimators[0]
    trained = _recipe(options, reference, max(options.batch_sizes), 0)
    weights = assembly.load(folder / _name(trained), checkpoint="last").networks.state_dict()
    points = []
    for estimator in options.estimators:
        for size in options.batch_sizes:
            recipe = _recipe(options, estimator, size, 0)
            task = cast(VAETask, assembly.build(recipe, parts.train.shape, parts.train.levels, torch.device("cpu")))
            task.networks.load_state_dict(weights)
            start = time.perf_counter()
            gradients = _gradients(task, train, size, options.draws)
            spread = gradients.var(0).sum().item()
            points.append(
                {
                    "estimator": estimator,
                    "batch_size": size,
                    "variance": spread,
                    "signal": max(0.0, gradients.mean(0).square().sum().item() - spread / options.draws),
                    "draws": options.draws,
                    "seconds": (time.perf_counter() - start) / options.draws,
                }
            )
    return points


def _gradients(task: VAETask, train: First, size: int, draws: int) -> Float[Tensor, "draws parameters"]:
    """Gradients of the loss in the encoder's parameters, each from a batch and noise of its own, in float64."""
    encoder = [p for name, p in task.vae.named_parameters() if not name.startswith("decoder")]
    order = permutation(len(train), 0, 0)
    rows = []
    for draw in range(draws):
        indices = order[(torch.arange(size) + draw * size) % len(train)]
        torch.manual_seed(draw)  # the estimators that are not pathwise draw from torch's own generator
        batch = Batch(train.batch(indices).cpu(), indices, task.noise(size, generator(draw, "variance")))
        loss, _ = task.loss(batch, {})
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, encoder)]).double())
    return torch.stack(rows)


def _conclusions(
    options: BatchStudy, arms: Sequence[dict[str, Any]], points: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the numbers say, as data: the report words it."""
    small, large = min(options.batch_sizes), max(options.batch_sizes)
    elbo: dict[tuple[str, int], float] = {}
    for arm in arms:
        key = (arm["estimator"], arm["batch_size"])
        elbo[key] = elbo.get(key, 0.0) + arm["negative_elbo"] / options.seeds
    variance = {(point["estimator"], point["batch_size"]): point["variance"] for point in points}
    best = min(elbo, key=lambda key: elbo[key])
    found = [{"id": "batches.best", "values": {"estimator": best[0], "batch_size": best[1], "elbo": elbo[best]}}]
    reference = "pathwise" if "pathwise" in options.estimators else options.estimators[0]
    for estimator in options.estimators:
        values = {
            "estimator": estimator,
            "small": small,
            "large": large,
            "elbo_small": elbo[estimator, small],
            "elbo_large": elbo[estimator, large],
            "reference": reference,
            "variance_ratio": variance[estimator, small] / variance[reference, small],
            "equivalent_batch": small * variance[estimator, small] / variance[reference, small],
        }
        found.append({"id": "batches.reference" if estimator == reference else "batches.estimator", "values": values})
    return found


def _table(arms: Sequence[dict[str, Any]], points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    rows = []
    for point in points:
        alike = [a for a in arms if (a["estimator"], a["batch_size"]) == (point["estimator"], point["batch_size"])]
        mean = sum(a["negative_elbo"] for a in alike) / len(alike)
        seconds = sum(a["seconds"] for a in alike) / len(alike)
        rows.append([point["estimator"], point["batch_size"], mean, seconds, point["variance"], point["signal"]])
    return {
        "id": "batches.arms",
        "columns": ["estimator", "batch", "elbo", "seconds", "variance", "signal"],
        "rows": rows,
    }


@figures.styled()
def _draw(arms: Sequence[dict[str, Any]], points: Sequence[dict[str, Any]], out: Path) -> list[str]:
    """Validation against batch size and against time, and the gradient's variance at the same points."""
    names = list(dict.fromkeys(arm["estimator"] for arm in arms))
    figure, (by_size, by_time, spread) = figures.panels(3, words("batches.figure.batches"))
    for name in names:
        colour, marker = STYLES[name]
        own = [arm for arm in arms if arm["estimator"] == name]
        sizes = sorted({arm["batch_size"] for arm in own})
        means = [_mean([a["negative_elbo"] for a in own if a["batch_size"] == size]) for size in sizes]
        by_size.plot(sizes, means, marker=marker, color=colour)
        by_size.plot([a["batch_size"] for a in own], [a["negative_elbo"] for a in own], marker, color=colour, alpha=0.4)
        for arm in own:
            seconds, elbo = zip(*arm["course"], strict=True)
            # the larger the batch the thicker its line
            by_time.plot(seconds, elbo, color=colour, linewidth=0.6 + 0.5 * sizes.index(arm["batch_size"]))
        variances = [
            p["variance"] for size in sizes for p in points if (p["estimator"], p["batch_size"]) == (name, size)
        ]
        spread.plot(sizes, variances, marker=marker, color=colour)
    for axes, x, y in (
        (by_size, "batches.axis.size", "batches.axis.elbo"),
        (by_time, "batches.axis.seconds", "batches.axis.elbo"),
        (spread, "batches.axis.size", "batches.axis.variance"),
    ):
        axes.set(xscale="log", xlabel=words(x), ylabel=words(y))
    sizes = sorted({arm["batch_size"] for arm in arms})
    for axes in (by_size, spread):  # the sizes themselves, where a logarithmic axis would number powers of ten
        axes.set_xticks(sizes, labels=[str(size) for size in sizes])
        axes.minorticks_off()
    spread.set_yscale("log")
    figures.legend(figure, [(words(f"estimator.{name}"), *STYLES[name], "-") for name in names])
    return [figures.save(figure, out, "batches")]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
