"""From a run directory to eval.json and the figures beside it: the numbers of a trained model on the test part."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from arzhang import assembly, pictures
from arzhang.contracts import Batch
from arzhang.errors import UsageError
from arzhang.randomness import generator
from arzhang.tasks.vae import ACTIVE, VAETask
from arzhang.training.loop import BLOCK
from arzhang.training.run import Run, write_atomically

EVALUATION = "eval.json"
Metric = dict[str, Any]
"""{"value", "uncertainty", "n", "unit", "protocol"}: a number is never stored without how it came about."""


def evaluate(
    path: Path | str,
    *,
    samples: int = 128,
    seed: int = 0,
    checkpoint: str = "best",
    device: torch.device | str = "cpu",
    notify: Callable[[str], None] = print,
) -> dict[str, Metric]:
    """Measure a run on its test part, once: write `eval.json` and the sheets in `figures/`, and return the numbers.

    `samples` is K of the importance-weighted likelihood. Every value is a mean over test images, in nats where it is
    one; its uncertainty is the standard error of that mean.
    """
    if samples < 1:
        raise UsageError(f"--samples {samples}: must be 1 or more")
    run = Run(path)
    model = assembly.load(path, checkpoint=checkpoint, device=device, notify=notify)
    parts = assembly.splits(run.recipe, device, notify)
    step = assembly.sound_checkpoint(run, checkpoint, notify).step
    protocol = {"split": "test", "data": parts.sha256, "checkpoint": f"{checkpoint}, step {step}", "seed": seed}
    metrics = measure_vae(model, parts.test, samples, seed, protocol)
    write_atomically(run.path / EVALUATION, json.dumps(metrics, indent=2) + "\n")
    draw_vae(model, parts, run.path / "figures", seed)
    return metrics


def blocks(n: int, title: str) -> Iterator[tuple[int, Tensor]]:
    """Consecutive blocks of indices, numbered, with a bar where there is a terminal to show it on."""
    console = Console(stderr=True)
    for block in track(range(math.ceil(n / BLOCK)), title, console=console, disable=not console.is_terminal):
        yield block, torch.arange(block * BLOCK, min(n, (block + 1) * BLOCK))


class Moments:
    """Sums and sums of squares in float64: means and variances of any number of rows, in constant memory."""

    def __init__(self) -> None:
        self.n = 0
        self.sums: dict[str, Tensor] = {}
        self.squares: dict[str, Tensor] = {}

    def add(self, columns: Mapping[str, Tensor]) -> None:
        """Take in one block: columns of shape (rows, …)."""
        self.n += len(next(iter(columns.values())))
        for name, column in columns.items():
            values = column.cpu().double()
            self.sums[name] = self.sums.get(name, 0) + values.sum(0)
            self.squares[name] = self.squares.get(name, 0) + values.square().sum(0)

    def mean(self, name: str) -> Tensor:
        return self.sums[name] / self.n

    def variance(self, name: str) -> Tensor:
        """The unbiased one."""
        spread = (self.squares[name] - self.n * self.mean(name) ** 2) / max(1, self.n - 1)
        return spread.clamp_min(0)

    def metric(self, name: str, unit: str, protocol: dict[str, Any], scale: float = 1.0) -> Metric:
        """The mean of a column with its standard error."""
        error = float((self.variance(name) / self.n).sqrt()) * scale if self.n > 1 else None
        value = float(self.mean(name)) * scale
        return {"value": value, "uncertainty": error, "n": self.n, "unit": unit, "protocol": protocol}


@torch.no_grad()
def measure_vae(model: VAETask, images: Any, samples: int, seed: int, protocol: dict[str, Any]) -> dict[str, Metric]:
    """Negative ELBO and its terms, importance-weighted log p(x), active units, pixel error: assignment 3d's numbers."""
    moments = Moments()
    for block, indices in blocks(len(images), "evaluating"):
        indices = indices.to(model.device)
        rng = generator(seed, "evaluation", block, device=model.device)
        moments.add(_columns(model, images.batch(indices), indices, rng, samples))
    nats = "nats per image"
    metrics = {name: moments.metric(name, nats, protocol) for name in ("negative_elbo", "reconstruction", "kl")}
    likelihood = protocol | {
        "samples": samples,
        "bound": "lower, in expectation; tight as the number of samples grows",
        "monte_carlo_error": float((moments.mean("log_likelihood_variance") / len(images)).sqrt()),
        "effective_samples": float(moments.mean("effective_samples")),
        "normalised_density": model.recipe.likelihood != "bernoulli",
    }
    metrics["log_likelihood"] = moments.metric("log_likelihood", nats, likelihood)
    if model.recipe.likelihood == "logistic":  # only a discretised likelihood has bits
        scale = 1 / (math.log(2) * math.prod(model.shape))
        metrics["bits_per_dimension"] = moments.metric("negative_elbo", "bits per dimension", protocol, scale)
    variances = moments.variance("codes")
    units = {"threshold": ACTIVE, "variances": variances.tolist(), "kl": moments.mean("kl_by_dimension").tolist()}
    metrics["active_units"] = {
        "value": len(pictures.active_units(variances)),
        "uncertainty": None,
        "n": len(images),
        "unit": f"of {len(variances)} latent dimensions",
        "protocol": protocol | units,
    }
    metrics["pixel_mse"] = moments.metric("pixel_mse", "squared grey value in [0, 1]", protocol)
    metrics["pixel_mae"] = moments.metric("pixel_mae", "grey value in [0, 1]", protocol)
    return metrics


def _columns(model: VAETask, images: Tensor, indices: Tensor, rng: torch.Generator, samples: int) -> dict[str, Tensor]:
    """What is measured of each image of one block."""
    terms = model.measure(Batch(images, indices, model.noise(BLOCK, rng)[: len(indices)]))
    weights = model.log_weights(images, rng, samples)
    bound = weights.logsumexp(0) - math.log(samples)
    ratios = (weights - bound).double().exp()  # w_k over their mean; the log's variance by the delta method
    posterior = model.posterior(images).base_dist
    error = model.decode(posterior.mean) - images
    return terms | {
        "log_likelihood": bound,
        "log_likelihood_variance": ratios.var(0) / samples if samples > 1 else torch.full_like(bound, math.nan),
        "effective_samples": ratios.sum(0) ** 2 / ratios.square().sum(0),
        "codes": posterior.mean,
        "kl_by_dimension": (posterior.mean**2 + posterior.variance - posterior.variance.log() - 1) / 2,
        "pixel_mse": error.square().flatten(1).mean(1),
        "pixel_mae": error.abs().flatten(1).mean(1),
    }


def draw_vae(model: VAETask, parts: Any, folder: Path, seed: int) -> None:
    """Assignment 3e: test images, their reconstructions and as many from noise; an interpolation; every active unit."""
    count = min(pictures.SHEET, len(parts.test))
    images = parts.test.batch(torch.arange(count, device=model.device))
    pictures.write_sheet(images, folder / "originals.png")
    pictures.write_sheet(model.reconstruct(images), folder / "reconstructions.png")
    pictures.write_sheet(model.sample(count, seed), folder / "samples.png")
    if count >= 2:
        pairs = images[: min(16, count // 2 * 2)]
        pictures.write_sheet(pictures.interpolate(model, pairs), folder / "interpolation.png")
    reference = parts.validation if len(parts.validation) else parts.test
    some = reference.batch(torch.arange(min(1_000, len(reference)), device=model.device))
    if units := pictures.active_units(pictures.activity(model, some)):
        pictures.write_sheet(pictures.traverse(model, images[:1], units), folder / "traversal.png", columns=11)
