"""What a trained VAE is worth on the test part: 3d's numbers, 2c's four terms, 3g's images, 3e's pictures."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from arzhang import pictures, sharing
from arzhang.contracts import Batch
from arzhang.evaluation.moments import Metric, Moments, exact, own_blocks
from arzhang.metrics import scores
from arzhang.randomness import generator, mix
from arzhang.tasks.vae import ACTIVE, VAETask
from arzhang.training.loop import BLOCK

USED = 0.02
"""A component is used where it holds more than this share of the images."""


def image_sets(model: VAETask, parts: Any, n: int, seed: int) -> dict[str, scores.ImageSet]:
    """n test images, their reconstructions, as many samples, and as many training images."""

    test = scores.ImageSet.of("test images", parts.test, n, model.device)

    def reconstructed() -> Iterator[Tensor]:
        return (model.reconstruct(batch) for batch in test.batches())

    def sampled() -> Iterator[Tensor]:
        return (
            model.sample(len(part), mix(seed, "fid", i)) for i, part in enumerate(torch.arange(n).split(scores.FED))
        )

    return {
        "test": test,
        "reconstructions": scores.ImageSet("reconstructions", n, reconstructed),
        "samples": scores.ImageSet("samples", n, sampled),
        "floor": scores.ImageSet.of("training images", parts.train, n, model.device),
    }


@torch.no_grad()
def measure(model: VAETask, images: Any, samples: int, seed: int, protocol: dict[str, Any]) -> dict[str, Metric]:
    """Negative ELBO and its terms, importance-weighted log p(x), active units, pixel error: assignment 3d's numbers;
    the four terms of 2c; and how well codes or components tell classes apart, where there are any."""
    moments = Moments()
    codes, shares = [], []
    for block, indices in own_blocks(len(images), "evaluating"):
        indices = indices.to(model.device)
        rng = generator(seed, "evaluation", block, device=model.device)
        batch = images.batch(indices)
        moments.add(columns := _columns(model, batch, indices, rng, samples))
        if images.labels is not None:
            codes.append(columns["codes"].cpu())
        if model.recipe.prior == "mixture":
            shares.append(model.responsibilities(batch).cpu())
    moments, codes, shares = moments.of_all_ranks(), sharing.dealt(codes), sharing.dealt(shares)
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
    if moments.n < 2:  # one image varies by nothing that is known
        return {}
    variances = moments.variance("codes")
    units: dict[str, Any] = {"threshold": ACTIVE, "variances": variances.tolist()}
    if "kl_by_dimension" in moments.names:
        units["kl"] = moments.mean("kl_by_dimension").tolist()
    value = len(pictures.active_units(variances))
    unit = f"of {len(variances)} latent dimensions"
    return {"active_units": exact(value, moments.n, unit, protocol | units)}


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
        f"{name}_accuracy": exact(accuracy, len(classes), "fraction", described) | {"uncertainty": error},
        f"{name}_nmi": exact(
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
        "components_used": exact(int((usage > USED).sum()), len(found), f"of {shares.shape[1]}", described),
        "components_entropy": exact(entropy, len(found), f"nats, at most {math.log(shares.shape[1]):.3f}", described),
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


def draw(model: VAETask, parts: Any, folder: Path, seed: int) -> None:
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
