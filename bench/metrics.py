"""FID beside torchmetrics, torch-fidelity and pytorch-fid: the distance alone, then whole folders of images.

All are given the same extracted weights (the package's file, with a final layer of zeros where one is wanted).
"""

import contextlib
import io
import tempfile
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image

from arzhang import scoring
from arzhang.metrics import features, frechet
from bench.timing import compare, show

N, D, IMAGES = 10_000, 2_048, 2_000


def alone() -> None:
    """The Fréchet distance of 10,000 rows of 2,048 features from a reference whose factor is at hand."""
    rng = torch.Generator().manual_seed(0)
    mixing = torch.randn(D, D, generator=rng) / D**0.5 * torch.logspace(0, -3, D)
    real, made = (torch.randn(N, D, generator=rng) @ mixing for _ in range(2))
    a, b = frechet.sums(real).moments(), frechet.sums(made).moments()
    fixed = frechet.reference(a)
    contenders: dict[str, Any] = {"arzhang": lambda: float(frechet.distance(fixed, b).value)}
    with contextlib.suppress(ImportError):
        from torchmetrics.image.fid import _compute_fid

        contenders["torchmetrics"] = lambda: float(_compute_fid(a.mean, a.covariance, b.mean, b.covariance))
    with contextlib.suppress(ImportError):
        from torch_fidelity.metric_fid import fid_statistics_to_metric

        one, other = ({"mu": m.mean.numpy(), "sigma": m.covariance.numpy()} for m in (a, b))
        contenders["torch-fidelity"] = lambda: fid_statistics_to_metric(one, other, False)["frechet_inception_distance"]
    print({name: work() for name, work in contenders.items()})
    show(f"Fréchet distance, d = {D}, n = {N}, cached reference", compare(contenders, rounds=3, warmup=0), 1, "call")


def whole(folder: Path) -> None:
    """FID of 2,000 PNG files against a cached reference."""
    rng = np.random.default_rng(0)
    for name, blur in (("real", 0), ("made", 3)):
        (folder / name).mkdir()
        for i in range(IMAGES if name == "made" else 2_100):
            coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            image = np.asarray(Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)).astype(int)
            noisy = image + rng.integers(-20 + 5 * blur, 21 - 5 * blur, image.shape)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / name / f"{i:05}.png")

    def ours() -> float:
        def extractor() -> features.Extractor:
            found = features.inception_extractor("pytorch-fid")
            found.rows = _uncached(found, folder / "real")  # type: ignore[method-assign]
            return found

        metrics = scoring.score(folder / "real", folder / "made", ["fid"], extractor, notify=lambda _: None)
        return float(metrics["fid"]["value"])

    kept: dict[str, np.ndarray] = {}

    def _uncached(extractor: features.Extractor, reference: Path) -> Any:
        """The reference's features are kept, those of the made images are always computed."""
        rows = type(extractor).rows

        def take(images: Any, n: int, title: str, keep: bool = True) -> np.ndarray:
            if title != str(reference):
                return rows(extractor, images, n, title, keep=False)
            if title not in kept:
                kept[title] = rows(extractor, images, n, title, keep=False)
            return kept[title]

        return take

    contenders: dict[str, Any] = {"arzhang score": ours}
    with contextlib.suppress(ImportError):
        from pytorch_fid import fid_score
        from pytorch_fid.inception import InceptionV3

        model = _theirs(InceptionV3)
        with contextlib.redirect_stderr(io.StringIO()):
            moments = fid_score.compute_statistics_of_path(str(folder / "real"), model, 50, D, "cpu", 2)

        def theirs() -> float:
            with contextlib.redirect_stderr(io.StringIO()):
                made = fid_score.compute_statistics_of_path(str(folder / "made"), model, 50, D, "cpu", 2)
                return float(fid_score.calculate_frechet_distance(*moments, *made))

        contenders["pytorch-fid"] = theirs
    values = {name: work() for name, work in contenders.items()}
    print(values, {name: value / values["arzhang score"] - 1 for name, value in values.items()})
    show(f"FID of {IMAGES} images, cached reference", compare(contenders, rounds=2, warmup=0), IMAGES, "image")


def _theirs(network: Any) -> Any:
    """pytorch-fid's network with the package's weights."""
    layers = features._layers(features.locate_inception(download=False))

    def loaded(*_: Any, **__: Any) -> dict[str, torch.Tensor]:
        from pytorch_fid.inception import _inception_v3

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bare = _inception_v3(num_classes=1008, aux_logits=False, weights=None)
        state = {"fc.weight": torch.zeros(1008, D), "fc.bias": torch.zeros(1008)}
        names = [name.removesuffix(".conv.weight") for name in bare.state_dict() if name.endswith(".conv.weight")]
        for name, (weight, shift, mean, variance) in zip(names, layers, strict=True):
            state |= {f"{name}.conv.weight": weight, f"{name}.bn.weight": torch.ones_like(shift)}
            state |= {f"{name}.bn.bias": shift, f"{name}.bn.running_mean": mean, f"{name}.bn.running_var": variance}
            state[f"{name}.bn.num_batches_tracked"] = torch.tensor(0)
        return state

    with mock.patch("pytorch_fid.inception.load_state_dict_from_url", loaded), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return network([network.BLOCK_INDEX_BY_DIM[D]]).eval()


def main() -> None:
    """Print both tables."""
    alone()
    with tempfile.TemporaryDirectory() as folder:
        whole(Path(folder))


if __name__ == "__main__":
    main()
