"""FID beside torchmetrics, torch-fidelity and pytorch-fid: the distance alone, whole folders of images, and memory.

All are given the same weights, and the reference's statistics are at hand for all.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from arzhang import scoring
from arzhang.data.images import whole as whole_folder
from arzhang.metrics import features, frechet, scores
from bench import parity
from bench.timing import compare, show

N, D, IMAGES = 10_000, 2_048, 2_000


def alone(rounds: int) -> None:
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
    told, values = _told(contenders)
    show(f"Fréchet distance, d = {D}, n = {N}, cached reference", compare(told, rounds, warmup=0), 1, "call")
    print(values)


def _told(contenders: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """The contenders, and where each leaves what it found."""
    values: dict[str, float] = {}

    def telling(name: str, work: Any) -> Any:
        return lambda: values.update({name: work()})

    return {name: telling(name, work) for name, work in contenders.items()}, values


def whole(home: Path, images: int, rounds: int) -> None:
    """FID of a folder of PNG files against a cached reference; the files are decoded, and their features made, anew."""
    real, made = parity.folders(home, images + 100, images)
    os.environ["ARZHANG_CACHE"] = str(home / "cache")

    def extractor(precision: str) -> features.Extractor:
        found = features.inception_extractor("pytorch-fid", precision=precision)
        seen = found.seen
        # The reference is kept, the made images are always looked at anew.
        found.seen = lambda a, n, title, keep=True: seen(a, n, title, title == str(real))  # type: ignore[method-assign]
        return found

    def ours(precision: str) -> float:
        shutil.rmtree(home / "cache" / "images", ignore_errors=True)
        found = scoring.score(real, made, ["fid"], lambda: extractor(precision), notify=lambda _: None)
        return float(found["fid"]["value"])

    images_of_real = whole_folder(real, exact=True)
    for precision in ("float32", "bfloat16"):  # the reference is at hand
        at = torch.arange(len(images_of_real)).split(scoring.FED)
        batches = lambda at=at: (images_of_real.batch(part) for part in at)  # noqa: E731
        scores.reference(extractor(precision).seen(batches, len(images_of_real), str(real)))
    contenders: dict[str, Any] = {
        f"arzhang score, {precision}": lambda precision=precision: ours(precision)
        for precision in ("float32", "bfloat16")
    }
    with contextlib.suppress(ImportError):
        from pytorch_fid import fid_score

        network = parity.pytorch_fid(parity.weights(home / "weights.pth"))
        path = parity.quietly
        moments = path(fid_score.compute_statistics_of_path, str(real), network, 50, D, "cpu", 2)

        def theirs() -> float:
            found = path(fid_score.compute_statistics_of_path, str(made), network, 50, D, "cpu", 2)
            return float(path(fid_score.calculate_frechet_distance, *moments, *found))

        contenders["pytorch-fid"] = theirs
    told, values = _told(contenders)
    show(f"FID of {images} images, cached reference", compare(told, rounds, warmup=0), images, "image")
    first = values.get("pytorch-fid", next(iter(values.values())))
    print({name: f"{value:.4f} ({value / first - 1:+.2%})" for name, value in values.items()})


PEAK = """
import resource, sys, torch
from arzhang.metrics import features, scores
from torch import nn

class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(48, 2048)
    def forward(self, x):
        return self.project(x.flatten(1)).relu()

n = int(sys.argv[1])
torch.manual_seed(0)
extractor = features.Extractor(Network(), "FID stand-in", "0", 2048, lambda x: x, {})

def images(seed):
    return lambda: (torch.rand(min(50, n - i), 3, 4, 4, generator=torch.Generator().manual_seed(seed + i))
                    for i in range(0, n, 50))

sets = [scores.ImageSet(str(s), n, images(s)) for s in (0, 1)]
scores.scores(*sets, ["fid"], extractor)
print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
"""


def memory() -> None:
    """Peak resident memory of FID for several n, with a small network in Inception's place, whose own does not vary."""
    print("\nPeak memory of FID")
    for n in (4_000, 12_000, 36_000):
        with tempfile.TemporaryDirectory() as cache:
            words = [sys.executable, "-c", PEAK, str(n)]
            environment = os.environ | {"ARZHANG_CACHE": cache}
            done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
            print(f"  n = {n:6,}: {done.stdout.strip()}")


def main(words: list[str] | None = None) -> None:
    """Print the tables; `--images 500 --rounds 1` for a short look at whole folders."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--part", choices=("alone", "whole", "memory"))
    how = parser.parse_args([] if words is None else words)
    if how.part in (None, "alone"):
        alone(how.rounds)
    if how.part in (None, "whole"):
        with tempfile.TemporaryDirectory() as folder:
            whole(Path(folder), how.images, how.rounds)
    if how.part in (None, "memory"):
        memory()


if __name__ == "__main__":
    main(sys.argv[1:])
