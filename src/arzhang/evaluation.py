"""From a run directory to eval.json and the figures beside it: the numbers of a trained model on the test part."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from arzhang import assembly, pictures, scoring
from arzhang.contracts import Batch
from arzhang.errors import UsageError
from arzhang.metrics import scores
from arzhang.metrics.features import Extractor
from arzhang.metrics.weights import sha256
from arzhang.networks.classifier import FEATURES, Embedding
from arzhang.randomness import generator, mix
from arzhang.tasks.classifier import ClassifierTask
from arzhang.tasks.vae import ACTIVE, VAETask
from arzhang.training.checkpoint import WEIGHTS
from arzhang.training.loop import BLOCK, batch_of
from arzhang.training.run import Run, write_atomically

EVALUATION = "eval.json"
DIAGNOSES = "diagnosis"
USED = 0.02
"""A component is used where it holds more than this share of the images."""
Metric = dict[str, Any]
"""{"value", "uncertainty", "n", "unit", "protocol"}: a number is never stored without how it came about."""


def evaluate(
    path: Path | str,
    *,
    samples: int = 128,
    seed: int = 0,
    checkpoint: str = "best",
    device: torch.device | str = "cpu",
    metrics: Sequence[str] = (),
    n: int = 10_000,
    extractor: Callable[[], Extractor] | None = None,
    diagnose: bool = False,
    notify: Callable[[str], None] = print,
) -> dict[str, Metric]:
    """Measure a run on its test part, once: write `eval.json` and the sheets in `figures/`, and return the numbers.

    `samples` is K of the importance-weighted likelihood. Every value is a mean over test images, in nats where it is
    one; its uncertainty is the standard error of that mean. `metrics` (assignment 3g and 3h) compare reconstructions
    and samples with `n` test images on the features of `extractor()`, beside the floor: train images against them.
    `diagnose` leaves what lies behind these numbers in `diagnosis/`. Of several ranks, the first writes.
    """
    if samples < 1:
        raise UsageError(f"--samples {samples}: must be 1 or more")
    scores.check(metrics)
    run = Run(path)
    model = assembly.load(path, checkpoint=checkpoint, device=device, notify=notify)
    parts = assembly.splits(run.recipe, device, notify)
    if diagnose and not metrics:
        raise UsageError("--diagnose: looks behind image metrics; give --metrics fid")
    step = assembly.sound_checkpoint(run, checkpoint, notify).step
    protocol = {"split": "test", "data": parts.sha256, "checkpoint": f"{checkpoint}, step {step}", "seed": seed}
    if metrics and not 2 <= n <= min(len(parts.test), len(parts.train)):
        sizes = f"the test part holds {len(parts.test):,} images, the training part {len(parts.train):,}"
        raise UsageError(f"-n {n}: {sizes}")
    features = extractor() if extractor is not None and metrics else None  # before the long work: may not be here
    if isinstance(model, ClassifierTask):
        found = measure_classifier(model, parts.test, protocol)
        return _written(found, run)
    found = measure_vae(model, parts.test, samples, seed, protocol)
    if features is not None:
        sets = image_sets(model, parts, n, seed)
        found |= measure_images(sets, metrics, features, seed, protocol)
        if diagnose:
            _diagnose(sets, parts, features, run.path / DIAGNOSES)
    if assembly.first():
        draw_vae(model, parts, run.path / "figures", seed)
    return _written(found, run)


def read(path: Path) -> dict[str, Metric]:
    """The numbers of a run, or of a JSON file that `score --json` or `evaluate` has written. Raises UsageError."""
    file = path / EVALUATION if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        good = all({"value", "uncertainty", "n", "protocol"} <= metric.keys() for metric in found.values())
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file") from None
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{file}: holds no scores ({error})") from None
    if not good:
        raise UsageError(f"{file}: holds no scores (each has a value, an uncertainty, n and a protocol)")
    return found


def _written(found: dict[str, Metric], run: Run) -> dict[str, Metric]:
    if assembly.first():
        write_atomically(run.path / EVALUATION, json.dumps(found, indent=2) + "\n")
    return found


@torch.no_grad()
def measure_classifier(model: ClassifierTask, images: Any, protocol: dict[str, Any]) -> dict[str, Metric]:
    """Accuracy and cross-entropy."""
    moments = Moments()
    for _, indices in blocks(len(images), "evaluating"):
        indices = indices.to(model.device)
        noise = torch.empty(len(indices), 0)
        moments.add(model.measure(batch_of(images, indices, noise)))
    units = {"accuracy": "fraction", "cross_entropy": "nats per image"}
    return {name: moments.metric(name, unit, protocol) for name, unit in units.items()}


def classifier_extractor(path: Path | str, device: torch.device | str = "cpu") -> Extractor:
    """The features of a classifier that Arzhang trained: a distance on them is an FD of its data set, never an FID."""
    model = assembly.load(path, device=device)
    if not isinstance(model, ClassifierTask):
        raise UsageError(f"{path}: not a classifier's run (`arzhang train classifier` makes one)")
    weights = sound_digest(Run(path))
    channels, side, _ = model.shape

    def prepare(images: Tensor) -> Tensor:
        if tuple(images.shape[1:]) != model.shape:
            raise UsageError(
                f"{path}: takes images of {side}×{side} with {channels} channels, not {tuple(images.shape[1:])}"
            )
        return images

    named = f"classifier of {Run(path).recipe.dataset}"
    return Extractor(Embedding(model.classifier), named, weights, FEATURES, prepare, {"resize": "none"}, device)


def sound_digest(run: Run) -> str:
    """The hash of a run's best weights."""
    return sha256(assembly.sound_checkpoint(run, "best", lambda _: None).path / WEIGHTS)


def image_sets(model: VAETask, parts: Any, n: int, seed: int) -> dict[str, scores.ImageSet]:
    """n test images, their reconstructions, as many samples, and as many training images."""

    def taken(images: Any) -> Callable[[], Iterator[Tensor]]:
        return lambda: (images.batch(part) for part in torch.arange(n, device=model.device).split(scores.FED))

    def reconstructed() -> Iterator[Tensor]:
        return (model.reconstruct(batch) for batch in taken(parts.test)())

    def sampled() -> Iterator[Tensor]:
        return (
            model.sample(len(part), mix(seed, "fid", i)) for i, part in enumerate(torch.arange(n).split(scores.FED))
        )

    return {
        "test": scores.ImageSet("test images", n, taken(parts.test)),
        "reconstructions": scores.ImageSet("reconstructions", n, reconstructed),
        "samples": scores.ImageSet("samples", n, sampled),
        "floor": scores.ImageSet("training images", n, taken(parts.train)),
    }


def measure_images(
    sets: Mapping[str, scores.ImageSet], names: Sequence[str], extractor: Extractor, seed: int, protocol: dict[str, Any]
) -> dict[str, Metric]:
    """3g and 3h: reconstructions of n test images, and as many samples, against them; and train images as the floor."""
    found: dict[str, Metric] = {}
    for which in ("reconstructions", "samples", "floor"):
        for name, metric in scores.scores(sets["test"], sets[which], names, extractor, seed).items():
            found[f"{name}_{which}"] = metric | {"protocol": protocol | metric["protocol"]}
    return found


def _diagnose(sets: Mapping[str, scores.ImageSet], parts: Any, extractor: Extractor, out: Path) -> None:
    """Reconstructions have their images' classes; samples those of the nearest test image."""
    n, labels, names = sets["test"].n, parts.test.labels, parts.classes
    classes = None if labels is None else [names[i] if names else str(i) for i in labels[:n].tolist()]
    for which, own in (("reconstructions", classes), ("samples", None)):
        scoring.diagnose(sets["test"], sets[which], extractor, out / which, sets["floor"], classes, own)


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
    """Negative ELBO and its terms, importance-weighted log p(x), active units, pixel error: assignment 3d's numbers;
    the four terms of 2c; and how well codes or components tell classes apart, where there are any."""
    moments = Moments()
    codes, shares = [], []
    for block, indices in blocks(len(images), "evaluating"):
        indices = indices.to(model.device)
        rng = generator(seed, "evaluation", block, device=model.device)
        batch = images.batch(indices)
        moments.add(columns := _columns(model, batch, indices, rng, samples))
        if images.labels is not None:
            codes.append(columns["codes"].cpu())
        if model.recipe.prior == "mixture":
            shares.append(model.responsibilities(batch).cpu())
    metrics = _likelihoods(model, moments, samples, protocol)
    metrics |= _units(model, moments, protocol)
    metrics["pixel_mse"] = moments.metric("pixel_mse", "squared grey value in [0, 1]", protocol)
    metrics["pixel_mae"] = moments.metric("pixel_mae", "grey value in [0, 1]", protocol)
    classes = None if images.labels is None else images.labels.cpu().numpy()
    if classes is not None and len(classes) > len(np.unique(classes)):
        metrics |= _clusters(torch.cat(codes).double().numpy(), classes, "k-means of codes", "kmeans", protocol)
    if shares:
        metrics |= _components(torch.cat(shares), classes, protocol)
    return metrics


def _likelihoods(model: VAETask, moments: Moments, samples: int, protocol: dict[str, Any]) -> dict[str, Metric]:
    """The terms of the objective, and log p(x) = objective's own bound + KL(q‖posterior). (2c)"""
    nats = "nats per image"
    by_monte_carlo = {} if model.closed else {"kl": "one sample of q(z|x) an image"}
    metrics = {
        name: moments.metric(name, nats, protocol | by_monte_carlo)
        for name in ("negative_elbo", "reconstruction", "kl")
    } | {"cauchy_schwarz": moments.metric("cauchy_schwarz", nats, protocol)}
    if model.criterion == "loss":  # else it is the negative ELBO, but for the weight
        weight = {"weight": model.recipe.beta, "divergence": model.recipe.divergence}
        metrics["objective"] = moments.metric("loss", nats, protocol | weight)
    by_samples = zip(_doublings(samples), moments.mean("by_samples").tolist(), strict=True)
    likelihood = protocol | {
        "samples": samples,
        "bound": "lower, in expectation; tight as the number of samples grows",
        "monte_carlo_error": float((moments.mean("log_likelihood_variance") / moments.n).sqrt()),
        "effective_samples": float(moments.mean("effective_samples")),
        "normalised_density": model.recipe.likelihood != "bernoulli",
        "by_samples": {str(k): value for k, value in by_samples},
    }
    metrics["log_likelihood"] = moments.metric("log_likelihood", nats, likelihood)
    gap = protocol | {"samples": samples, "bound": "lower, as that of log p(x) is, through which it is defined"}
    metrics["posterior_gap"] = moments.metric("posterior_gap", nats, gap)
    if model.recipe.likelihood == "logistic":  # only a discretised likelihood has bits
        scale = 1 / (math.log(2) * math.prod(model.shape))
        metrics["bits_per_dimension"] = moments.metric("negative_elbo", "bits per dimension", protocol, scale)
    return metrics


def _units(model: VAETask, moments: Moments, protocol: dict[str, Any]) -> dict[str, Metric]:
    variances = moments.variance("codes")
    units: dict[str, Any] = {"threshold": ACTIVE, "variances": variances.tolist()}
    if "kl_by_dimension" in moments.sums:
        units["kl"] = moments.mean("kl_by_dimension").tolist()
    value = len(pictures.active_units(variances))
    unit = f"of {len(variances)} latent dimensions"
    return {"active_units": _exact(value, moments.n, unit, protocol | units)}


def _exact(value: float, n: int, unit: str, protocol: dict[str, Any]) -> Metric:
    return {"value": value, "uncertainty": None, "n": n, "unit": unit, "protocol": protocol}


def _clusters(
    found: np.ndarray, classes: np.ndarray, how: str, name: str, protocol: dict[str, Any]
) -> dict[str, Metric]:
    """Accuracy under the best one-to-one naming of clusters, and normalised mutual information, against the classes.

    `found` is each image's cluster, or its code (n, D), of which k-means makes as many clusters as there are classes.
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score

    if found.ndim == 2:
        found = KMeans(len(np.unique(classes)), n_init=10, random_state=0).fit_predict(found)
    table = np.zeros((found.max() + 1, classes.max() + 1), dtype=np.int64)
    np.add.at(table, (found, classes), 1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    accuracy = float(table[rows, columns].sum() / len(classes))
    error = math.sqrt(accuracy * (1 - accuracy) / len(classes))
    described = protocol | {"clusters": how, "naming": "one-to-one, the best (Hungarian method)"}
    return {
        f"{name}_accuracy": _exact(accuracy, len(classes), "fraction", described) | {"uncertainty": error},
        f"{name}_nmi": _exact(
            float(normalized_mutual_info_score(classes, found)), len(classes), "of 1", protocol | {"clusters": how}
        ),
    }


def _components(shares: Tensor, classes: np.ndarray | None, protocol: dict[str, Any]) -> dict[str, Metric]:
    """How images share out among the prior's components: how many are used, how evenly, and for which classes."""
    found = shares.argmax(1)
    usage = torch.bincount(found, minlength=shares.shape[1]).double() / len(found)
    entropy = float(torch.special.entr(usage).sum())
    how = "argmax of π_k ∫ q(z|x) N_k(z) dz"
    described = protocol | {"threshold": USED, "usage": usage.tolist(), "assignment": how}
    metrics = {
        "components_used": _exact(int((usage > USED).sum()), len(found), f"of {shares.shape[1]}", described),
        "components_entropy": _exact(entropy, len(found), f"nats, at most {math.log(shares.shape[1]):.3f}", described),
    }
    if classes is not None:
        metrics |= _clusters(found.numpy(), classes, how, "component", protocol)
    return metrics


def _doublings(samples: int) -> list[int]:
    """1, 2, 4, …, and `samples` itself."""
    return sorted({2**i for i in range(samples.bit_length()) if 2**i <= samples} | {samples})


def _columns(model: VAETask, images: Tensor, indices: Tensor, rng: torch.Generator, samples: int) -> dict[str, Tensor]:
    """What is measured of each image of one block."""
    terms = model.measure(Batch(images, indices, model.noise(BLOCK, rng)[: len(indices)]))
    weights = model.log_weights(images, rng, samples)
    bound = weights.logsumexp(0) - math.log(samples)
    ratios = (weights - bound).double().exp()  # w_k over their mean; the log's variance by the delta method
    # Means over disjoint groups of k: each an estimate of the bound that k samples give.
    groups = [weights[: samples // k * k].unflatten(0, (-1, k)) for k in _doublings(samples)]
    codes = model.encode(images)
    error = model.decode(codes) - images
    columns = terms | {
        "log_likelihood": bound,
        "log_likelihood_variance": ratios.var(0) / samples if samples > 1 else torch.full_like(bound, math.nan),
        "effective_samples": ratios.sum(0) ** 2 / ratios.square().sum(0),
        "by_samples": torch.stack([(g.logsumexp(1) - math.log(g.shape[1])).mean(0) for g in groups], 1),
        "posterior_gap": bound + terms["negative_elbo"],
        "codes": codes,
        "pixel_mse": error.square().flatten(1).mean(1),
        "pixel_mae": error.abs().flatten(1).mean(1),
    }
    if model.closed:
        q = model.posterior(images)
        columns["kl_by_dimension"] = (q.mean**2 + q.variance - q.variance.log() - 1) / 2
    return columns


def draw_vae(model: VAETask, parts: Any, folder: Path, seed: int) -> None:
    """Assignment 3e: test images, their reconstructions and as many from noise; an interpolation; every active unit."""
    count = min(pictures.SHEET, len(parts.test))
    images = parts.test.batch(torch.arange(count, device=model.device))
    pictures.write_sheet(images, folder / "originals.png")
    pictures.write_sheet(model.reconstruct(images), folder / "reconstructions.png")
    pictures.write_sheet(model.sample(count, seed), folder / "samples.png")
    if model.recipe.prior == "mixture":  # ten of each component, a row each
        rows = [model.sample(10, seed, component=k) for k in range(model.recipe.components)]
        pictures.write_sheet(torch.cat(rows), folder / "components.png")
    if count >= 2:
        pairs = images[: min(16, count // 2 * 2)]
        pictures.write_sheet(pictures.interpolate(model, pairs), folder / "interpolation.png")
    reference = parts.validation if len(parts.validation) else parts.test
    some = reference.batch(torch.arange(min(1_000, len(reference)), device=model.device))
    if units := pictures.active_units(pictures.activity(model, some)):
        pictures.write_sheet(pictures.traverse(model, images[:1], units), folder / "traversal.png", columns=11)
