"""FID, its Fréchet part, KID and PRDC beside torchmetrics, torch-fidelity, pytorch-fid and the textbook's formulas.

All are given the same weights, and the reference's statistics are at hand for all. The limit of whole folders is the
feature network's forward pass over images that lie in memory; that of KID and PRDC is their products of matrices.
"""

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from arzhang import memory, scoring
from arzhang.data.images import whole as whole_folder
from arzhang.metrics import features, frechet, kernel, neighbours, scores
from arzhang.metrics.chunks import chunks
from bench import parity
from bench.timing import DEVICE, Row, Work

N, D, IMAGES = 10_000, 2_048, 250


@functools.cache
def rows_of_features(n: int) -> tuple[Tensor, Tensor]:
    """Two sets of n rows that differ a little, with a spectrum that falls as features' do."""
    rng = torch.Generator().manual_seed(0)
    mixing = torch.randn(D, D, generator=rng) / D**0.5 * torch.logspace(0, -3, D)
    real, made = (torch.randn(n, D, generator=rng) @ mixing for _ in range(2))
    return real, made * 1.1


@functools.cache
def moments() -> tuple[frechet.Moments, frechet.Moments]:
    """Means and covariances of both."""
    real, made = rows_of_features(N)
    return frechet.sums(real).moments(), frechet.sums(made).moments()


def frechet_ours() -> Work:
    """The distance from a reference whose factor is at hand."""
    a, b = moments()
    fixed = frechet.reference(a)
    return lambda: float(frechet.distance(fixed, b).value)


def frechet_limit() -> Work:
    """One product of two covariances in float64: any formula has at least one."""
    a, b = moments()

    def work() -> None:
        a.covariance @ b.covariance

    return work


def frechet_torchmetrics() -> Work:
    from torchmetrics.image.fid import _compute_fid

    a, b = moments()
    return lambda: float(_compute_fid(a.mean, a.covariance, b.mean, b.covariance))


def frechet_torch_fidelity() -> Work:
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    one, other = ({"mu": m.mean.numpy(), "sigma": m.covariance.numpy()} for m in moments())
    return lambda: float(fid_statistics_to_metric(one, other, False)["frechet_inception_distance"])


def kid_ours() -> Work:
    """Of all pairs, with its standard error."""
    real, made = rows_of_features(N)
    return lambda: kernel.kid(real, made).value


def products(n: int) -> Work:
    """The products of features with features, half of the symmetric ones, in chunks: nothing else."""
    real, made = rows_of_features(n)

    def work() -> None:
        for a, b in ((real, real), (made, made), (real, made)):
            for i, x in chunks(a):
                for _, y in chunks(b, since=i if a is b else 0):
                    x @ y.T

    return work


def kid_torch_fidelity() -> Work:
    """Its default, 100 subsets of 1,000: a tenth of a hundredth of the pairs each, with their noise."""
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, made = rows_of_features(N)
    how = {"kid_subsets": 100, "kid_subset_size": 1_000, "rng_seed": 0, "verbose": False}
    how |= {"kid_degree": 3, "kid_gamma": None, "kid_coef0": 1, "kid_kernel": "poly"}
    return lambda: float(kid_features_to_metric(made, real, **how)["kernel_inception_distance_mean"])


def prdc_ours() -> Work:
    """All four, with standard errors."""
    real, made = rows_of_features(N)
    return lambda: neighbours.prdc(real, made).density.value


def prdc_textbook() -> Work:
    """The four from three whole matrices of distances, as they are mostly written."""
    import numpy as np
    from sklearn.metrics import pairwise_distances

    real, made = (part.numpy() for part in rows_of_features(N))

    def work() -> float:
        inside = [np.partition(pairwise_distances(x), 5, axis=-1)[:, 5] for x in (real, made)]
        apart = pairwise_distances(real, made)
        (apart < inside[0][:, None]).any(0).mean(), (apart < inside[1]).any(1).mean()
        (apart.min(1) < inside[0]).mean()
        return float((apart < inside[0][:, None]).sum(0).mean() / 5)

    return work


# ------------------------------------------------------------------------------------------------- whole folders


@functools.cache
def home() -> Path:
    """Two folders of images of 64², and a cache of this process alone."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    parity.folders(Path(folder), IMAGES, IMAGES)
    os.environ["ARZHANG_CACHE"] = str(Path(folder) / "cache")
    return Path(folder)


def weights() -> features.Weights:
    """The network's file, from the cache that the command uses."""
    return features.locate_inception(download=False)


def fid_ours(precision: str) -> Work:
    """`arzhang score REAL MADE`, the made images read and decoded anew each time."""
    file = weights().path
    real, made = home() / "real", home() / "made"

    def extractor() -> features.Extractor:
        found = features.inception_extractor("pytorch-fid", file, DEVICE, precision=precision)
        seen = found.seen
        # The reference is kept, the made images are always looked at anew.
        found.seen = lambda a, n, title, keep=True: seen(a, n, title, title == str(real))  # type: ignore[method-assign]
        return found

    images = whole_folder(real, exact=True)
    at = torch.arange(len(images)).split(scoring.FED)
    scores.reference(extractor().seen(lambda: (images.batch(part) for part in at), len(images), str(real)))

    def work() -> float:
        shutil.rmtree(home() / "cache" / "images", ignore_errors=True)
        found = scoring.score(real, made, ["fid"], extractor, notify=lambda _: None)
        return float(found["fid"]["value"])

    return work


def fid_limit() -> Work:
    """The feature network alone, over images of its own size that lie in memory."""
    network = features.inception_extractor("pytorch-fid", weights().path, DEVICE).network
    images = torch.rand(50, 3, 299, 299, device=DEVICE) * 2 - 1

    @memory.kept()
    @torch.inference_mode()
    def work() -> None:
        for _ in range(IMAGES // len(images)):
            network(images)

    return work


def fid_pytorch_fid() -> Work:
    from pytorch_fid import fid_score

    file = weights().path
    network = parity.pytorch_fid(parity.weights(home() / "weights.pth", file)).to(DEVICE)
    real, made = str(home() / "real"), str(home() / "made")
    statistics = functools.partial(parity.quietly, fid_score.compute_statistics_of_path)
    fixed = statistics(real, network, 50, D, DEVICE, 2)

    def work() -> float:
        found = statistics(made, network, 50, D, DEVICE, 2)
        return float(parity.quietly(fid_score.calculate_frechet_distance, *fixed, *found))

    return work


def rows() -> dict[str, Row]:
    """Each of what one asks for by itself."""
    contenders: dict[str, Callable[[], Work]] = {
        "arzhang": functools.partial(fid_ours, "float32"),
        "network alone": fid_limit,
        "pytorch-fid": fid_pytorch_fid,
    }
    return {
        "frechet": Row(
            f"Fréchet distance, {D:,} features, reference at hand",
            {
                "arzhang": frechet_ours,
                "one product of covariances": frechet_limit,
                "torchmetrics": frechet_torchmetrics,
                "torch-fidelity": frechet_torch_fidelity,
            },
            limit="one product of covariances",
            goals={"torchmetrics": 12.0},
            quality="the distance",
        ),
        "fid": Row(
            f"FID of {IMAGES:,} images, reference at hand",
            contenders,
            per=IMAGES,
            unit="image",
            limit="network alone",
            goals={"pytorch-fid": 1.8},
            quality="FID",
        ),
        "fid-bf16": Row(
            f"FID of {IMAGES:,} images, bfloat16",
            {"arzhang, bfloat16": functools.partial(fid_ours, "bfloat16"), "arzhang, float32": contenders["arzhang"]},
            per=IMAGES,
            unit="image",
            quality="FID",
            bfloat16=True,
        ),
        "kid": Row(
            f"KID, n = {N:,}: all pairs, with an error",
            {
                "arzhang": kid_ours,
                "products of matrices": functools.partial(products, N),
                "torch-fidelity, 100 subsets of 1,000": kid_torch_fidelity,
            },
            limit="products of matrices",
            quality="KID",
        ),
        "prdc": Row(
            f"precision, recall, density, coverage, n = {N:,}",
            {
                "arzhang": prdc_ours,
                "products of matrices": functools.partial(products, N),
                "whole matrices, float32": prdc_textbook,
            },
            limit="products of matrices",
            quality="density",
        ),
    }
