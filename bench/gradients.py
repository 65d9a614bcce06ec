"""The gradient study's computation: 3 estimators × 41 means × 4 functions, 10⁵ samples each.

The reference draws the same random numbers in the same chunks and evaluates f on them with plain torch: no gradients,
no statistics. The loops over means are what one writes by hand: with one `backward` for each single-sample gradient
(timed on 1 of 1000 samples, and scaled), and with all samples of a mean in one `backward`.
"""

import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Normal

from arzhang.gradients import ZeroGradientWarning
from arzhang.studies.expressions import integrand
from arzhang.studies.gradients import CHUNK, ESTIMATORS, measure
from bench.timing import Row, compare, show

FUNCTIONS = [integrand(name) for name in ("square", "linear:3", "sin", "cos:5")]
NAMES = ("pathwise", "score-function", "measure-valued")
MEANS = torch.linspace(-3, 3, 41, dtype=torch.float64)
SAMPLES = 100_000
SCALE = 1000
F = Callable[[Tensor], Tensor]


def plain() -> None:
    """Draw and evaluate."""
    noise = torch.Generator().manual_seed(0)
    rows = CHUNK // len(MEANS)
    for f in FUNCTIONS:
        for name in NAMES:
            for start in range(0, SAMPLES, rows):
                shape = (min(rows, SAMPLES - start), len(MEANS))
                if name != "measure-valued":
                    f.f(MEANS + torch.randn(shape, dtype=torch.float64, generator=noise))
                    continue
                for sign in (1, -1):
                    u = torch.rand(shape, dtype=torch.float64, generator=noise)
                    f.f(MEANS + sign * (-2 * torch.log1p(-u)).sqrt())


def ours() -> None:
    """What `arzhang study gradients` computes before it draws figures."""
    noise = torch.Generator().manual_seed(0)
    for f in FUNCTIONS:
        for name in NAMES:
            measure(f.f, ESTIMATORS[name], MEANS, 1.0, SAMPLES, noise)


def surrogate(f: F, name: str, μ: Tensor, n: int) -> Tensor:
    """n numbers whose derivatives in μ are the estimator's, written out by hand."""
    shape = torch.Size([n])
    if name == "pathwise":
        return f(μ + torch.randn(shape, dtype=μ.dtype))
    if name == "score-function":
        z = (μ + torch.randn(shape, dtype=μ.dtype)).detach()
        return f(z) * Normal(μ, 1.0, validate_args=False).log_prob(z)
    y, x = ((-2 * torch.log1p(-torch.rand(shape, dtype=μ.dtype))).sqrt() for _ in range(2))
    return μ * (f(μ.detach() + y) - f(μ.detach() - x)) / math.sqrt(2 * math.pi)


def loop_of_samples() -> None:
    """Single-sample gradients, one `backward` each: a thousandth of them."""
    for f in FUNCTIONS:
        for name in NAMES:
            for mean in MEANS:
                gradients = []
                for _ in range(SAMPLES // SCALE):
                    μ = mean.clone().requires_grad_()
                    gradients.append(torch.autograd.grad(surrogate(f.f, name, μ, 1).sum(), μ)[0])
                torch.stack(gradients).var()


def loop_of_means() -> None:
    """For each mean all samples at once, their single-sample gradients by a copy of μ for each."""
    for f in FUNCTIONS:
        for name in NAMES:
            for mean in MEANS:
                μ = mean.expand(SAMPLES).clone().requires_grad_()
                torch.autograd.grad(surrogate(f.f, name, μ, SAMPLES).sum(), μ)[0].var()


def main() -> None:
    """Print the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZeroGradientWarning)
        rows = compare({"drawing and evaluating, plain torch": plain, "arzhang": ours}, rounds=7)
        loops = compare({"arzhang": ours, "loop": loop_of_samples, "means": loop_of_means}, rounds=3)
    one = loops[1]
    scaled = [SCALE * s for s in one.seconds], [SCALE * r for r in one.ratios]
    show("Gradient study, 3 estimators × 41 means × 4 functions × 100,000 samples", rows)
    show(
        "The same, against loops written by hand",
        [
            loops[0],
            Row("loop over means, a backward a sample, scaled", *scaled),
            Row("loop over means, all samples at once", loops[2].seconds, loops[2].ratios),
        ],
    )


if __name__ == "__main__":
    main()
