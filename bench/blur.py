"""How much of a translator's FID is blur: real images, blurred until they are as sharp as what it makes, have which?

    python -m bench blur RUN… [-n 1000]

Of each run of paired images: the FID of what it makes of n test inputs, how sharp that is (the mean difference of
neighbouring pixels), and the FID of the real images of the same sharpness. All against the real images; the floor is
that of n training images.
"""

import argparse
import sys
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from arzhang import assembly
from arzhang.evaluation.translation import image_sets
from arzhang.metrics.features import inception_extractor
from arzhang.metrics.scores import FED, ImageSet, scores
from arzhang.training.run import Run

WIDEST = 8.0
"""The largest standard deviation of a blur that is tried, in pixels."""
HALVINGS = 30


def sharpness(images: Tensor) -> float:
    """The mean difference of neighbouring pixels, over both directions."""
    across, down = (images.diff(dim=d).abs().mean() for d in (-1, -2))
    return float(across + down) / 2


def blurred(images: Tensor, sigma: float) -> Tensor:
    """By a Gaussian of `sigma` pixels; what lies outside is as the border."""
    reach = int(3 * sigma) + 1
    kernel = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    channels = images.shape[1]
    line = (kernel / kernel.sum()).expand(channels, 1, 1, -1)
    across = F.conv2d(F.pad(images, (reach, reach, 0, 0), "replicate"), line, groups=channels)
    return F.conv2d(F.pad(across, (0, 0, reach, reach), "replicate"), line.transpose(2, 3), groups=channels)


def as_sharp(images: Tensor, aim: float) -> tuple[Tensor, float]:
    """Images, blurred until their sharpness is the aim, and by how many pixels; as they are where that is not less."""
    low, high = 0.0, WIDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if sharpness(blurred(images, middle)) > aim else (low, middle)
    return blurred(images, high), high


def of_tensor(name: str, images: Tensor) -> ImageSet:
    """Images that are here already."""

    def batches() -> Iterator[Tensor]:
        yield from images.split(FED)

    return ImageSet(name, len(images), batches)


@torch.no_grad()
def main() -> None:
    """Print a line a set."""
    parser = argparse.ArgumentParser(prog="python -m bench blur", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+")
    parser.add_argument("-n", type=int, default=1_000)
    how = parser.parse_args(sys.argv[2:])
    extractor = inception_extractor()

    def line(name: str, made: ImageSet, real: ImageSet) -> None:
        fid = scores(real, made, ["fid"], extractor)["fid"]
        sharp = sharpness(torch.cat(list(made.batches())))
        print(f"{name:40} FID {fid['value']:6.1f} ± {fid['uncertainty']:.1f}, sharpness {sharp:.4f}", flush=True)

    for i, path in enumerate(how.runs):
        run = Run(path)
        model = assembly.load(path, checkpoint="last")
        sets = image_sets(model, assembly.splits(run.recipe, "cpu", print), how.n, run.recipe.seed)
        real, made = (torch.cat(list(sets[name].batches())) for name in ("test", "made"))
        if i == 0:
            line("real ones", sets["test"], sets["test"])
            line("training images (the floor)", sets["floor"], sets["test"])
        same, sigma = as_sharp(real, sharpness(made))
        line(path, sets["made"], sets["test"])
        line(f"  real ones, blurred by {sigma:.2f} pixels", of_tensor("blurred", same), sets["test"])
