"""The same numbers as pytorch-fid 0.3 and torch-fidelity 0.4 give: their formulas on equal features, and whole folders.

All are given the weights of one file. Prints each pair of numbers and how far they are apart; fails where that is more
than is allowed. `python -m bench parity`, in the environment of `make bench`.
"""

import contextlib
import io
import sys
import tempfile
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image

from arzhang import scoring
from arzhang.metrics import features, frechet

N, D, IMAGES = 10_000, 2_048, 40
FORMULA, WHOLE = 1e-6, 1e-3
"""What their formulas, and their whole pipelines, may differ by from ours, relatively."""


def weights(path: Path, file: Path | None = None) -> Path:
    """A file as the public release is laid out, from whatever file of the network is here; its final layer, where there
    is none, of zeros."""
    from pytorch_fid.inception import _inception_v3

    layers, classes = features._layers(features.locate_inception(file, download=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bare = _inception_v3(num_classes=1008, aux_logits=False, weights=None).state_dict()
    state = {"fc.weight": torch.zeros(1008, D) if classes is None else classes, "fc.bias": torch.zeros(1008)}
    names = [name.removesuffix(".conv.weight") for name in bare if name.endswith(".conv.weight")]
    for name, (weight, shift, mean, variance) in zip(names, layers, strict=True):
        state |= {f"{name}.conv.weight": weight, f"{name}.bn.weight": torch.ones_like(shift)}
        state |= {f"{name}.bn.bias": shift, f"{name}.bn.running_mean": mean, f"{name}.bn.running_var": variance}
        state[f"{name}.bn.num_batches_tracked"] = torch.tensor(0)
    torch.save(state, path)
    return path


def pytorch_fid(path: Path) -> torch.nn.Module:
    """pytorch-fid's network with these weights."""
    from pytorch_fid.inception import InceptionV3

    state = torch.load(path, weights_only=True)
    loaded = mock.patch("pytorch_fid.inception.load_state_dict_from_url", return_value=state)
    with loaded, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[D]]).eval()


def folders(home: Path, real: int, made: int, side: int = 64) -> tuple[Path, Path]:
    """Two folders of colour images that differ in their noise."""
    rng = np.random.default_rng(0)
    for name, n, noise in (("real", real, 20), ("made", made, 5)):
        (home / name).mkdir()
        for i in range(n):
            coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            image = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).astype(int)
            noisy = image + rng.integers(-noise, noise + 1, image.shape)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(home / name / f"{i:05}.png")
    return home / "real", home / "made"


def quietly(work, *words, **named):
    """What a peer returns, without its bars and its warnings."""
    with (
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        return work(*words, **named)


def formulas() -> dict[str, tuple[float, float, float]]:
    """Theirs and ours on the same 10,000 rows of 2,048 features."""
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    rng = torch.Generator().manual_seed(0)
    mixing = torch.randn(D, D, generator=rng).double() / D**0.5 * torch.logspace(0, -3, D).double()
    real, made = ((torch.randn(N, D, generator=rng).double() @ mixing).abs() for _ in range(2))
    made = made * 1.1
    ours = float(frechet.distance(frechet.reference(frechet.sums(real).moments()), frechet.sums(made).moments()).value)
    a, b = ({"mu": x.mean(0).numpy(), "sigma": np.cov(x.numpy(), rowvar=False)} for x in (real, made))
    return {
        "formula of pytorch-fid": (ours, quietly(calculate_frechet_distance, *a.values(), *b.values()), FORMULA),
        "formula of torch-fidelity": (
            ours, fid_statistics_to_metric(a, b, False)["frechet_inception_distance"], FORMULA
        ),
    }  # fmt: skip


def whole(home: Path) -> dict[str, tuple[float, float, float]]:
    """Theirs and ours of the same two folders."""
    import torch_fidelity
    from pytorch_fid import fid_score

    real, made = folders(home, IMAGES, IMAGES)
    file = weights(home / "weights.pth")

    def ours(protocol: str) -> float:
        network = features.inception_extractor(protocol)
        return float(scoring.score(real, made, ["fid"], lambda: network, notify=lambda _: None)["fid"]["value"])

    network = pytorch_fid(file)
    moments = [quietly(fid_score.compute_statistics_of_path, str(f), network, 50, D, "cpu", 1) for f in (real, made)]
    first = quietly(fid_score.calculate_frechet_distance, *moments[0], *moments[1])
    second = quietly(
        torch_fidelity.calculate_metrics, input1=str(made), input2=str(real), fid=True, cuda=False, verbose=False,
        feature_extractor_weights_path=str(file), cache=False,
    )["frechet_inception_distance"]  # fmt: skip
    return {
        "pytorch-fid, whole": (ours("pytorch-fid"), first, WHOLE),
        "torch-fidelity, whole": (ours("tf1"), second, WHOLE),
    }


def main(part: str | None = None) -> None:
    """Print every pair, and fail where one is too far apart. A word (`formulas`, `whole`) does one part alone."""
    with tempfile.TemporaryDirectory() as home:
        found = ({} if part == "whole" else formulas()) | ({} if part == "formulas" else whole(Path(home)))
    bad = []
    for name, (ours, theirs, allowed) in found.items():
        apart = ours / theirs - 1
        print(f"{name:28} ours {ours:.8g}, theirs {theirs:.8g}: {apart:+.1e} apart, {allowed:g} allowed")
        if not abs(apart) <= allowed:
            bad.append(name)
    if bad:
        raise SystemExit(f"not equal: {', '.join(bad)}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
