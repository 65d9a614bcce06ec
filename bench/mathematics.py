"""The gradient study's computation, 3 estimators × 41 means × 4 functions at 10⁵ samples each, and D_CS of a mixture.

The gradients' limit draws the same random numbers in the same chunks and evaluates f on them with plain torch: no
gradients, no statistics. Beside it stand loops over means as one writes them by hand: with one `backward` for each
single-sample gradient (timed on 1 of 10,000 samples; the page's time is that of the part), and with all samples of
a mean in one `backward`. D_CS's limit is one Gaussian log-density of its largest shape.
"""

import functools
import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from arzhang.divergences import cauchy_schwarz
from arzhang.gradients import ZeroGradientWarning
from arzhang.studies.expressions import integrand
from arzhang.studies.gradients import CHUNK, ESTIMATORS, measure
from bench.timing import Row, Work

FUNCTIONS = [integrand(name) for name in ("square", "linear:3", "sin", "cos:5")]
NAMES = ("pathwise", "score-function", "measure-valued")
MEANS = torch.linspace(-3, 3, 41, dtype=torch.float64)
SAMPLES = 100_000
SCALE = 10_000
B, K, D = 128, 100, 32
TIMES = 20
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZeroGradientWarning)
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
    """Single-sample gradients, one `backward` each: a ten-thousandth of them."""
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


def divergence(which: str) -> Work:
    """D_CS of B posteriors from a mixture of K in D dimensions: fused, by a double loop, or its limit."""
    rng = torch.Generator().manual_seed(0)
    mean, scale = torch.randn(B, D, generator=rng), torch.rand(B, D, generator=rng) + 0.1
    means, scales = torch.randn(K, D, generator=rng), torch.rand(K, D, generator=rng) + 0.1
    weights = torch.rand(K, generator=rng)
    q = Independent(Normal(mean, scale), 1)
    p = MixtureSameFamily(Categorical(weights), Independent(Normal(means, scales), 1))
    x, v = torch.randn(B + K, 1, D, generator=rng), torch.rand(K, D, generator=rng) + 0.1
    spread = torch.rand(B + K, 1, D, generator=rng) + 0.1
    log_w = weights.log() - weights.sum().log()

    def density() -> Tensor:
        """log N(x; μ_k, S + T_k) for B + K points and K components: one Gaussian log-density of that shape."""
        total = spread + v
        return -((x - means).square() / total + total.log()).sum(-1) / 2

    def overlap(i: Tensor, s: Tensor, j: Tensor, t: Tensor) -> Tensor:
        total = s**2 + t**2
        return -((i - j).square() / total + (2 * torch.pi * total).log()).sum(-1) / 2

    def loop() -> Tensor:
        pq = torch.logsumexp(torch.stack([log_w[j] + overlap(mean, scale, means[j], scales[j]) for j in range(K)]), 0)
        pairs = [(i, j) for i in range(K) for j in range(K)]
        inner = [log_w[i] + log_w[j] + overlap(means[i], scales[i], means[j], scales[j]) for i, j in pairs]
        pp = torch.logsumexp(torch.stack(inner), 0)
        return (pp + overlap(mean, scale, mean, scale)) / 2 - pq

    work = {"ours": lambda: cauchy_schwarz(q, p), "limit": density, "loop": loop}[which]

    def call() -> float | None:
        for _ in range(1 if which == "loop" else TIMES):
            found = work()
        return None if which == "limit" else float(found.mean())

    return call


def rows() -> dict[str, Row]:
    """The study, and the divergence twice: the loop takes too long to be called as often."""
    title = f"D_CS of {B} posteriors from a mixture of {K} in {D} dimensions"
    fused = functools.partial(divergence, "ours")

    def once() -> Work:
        work = fused()
        return lambda: work()

    return {
        "gradients": Row(
            "gradient study: 3 estimators × 41 means × 4 functions × 100,000 samples",
            {
                "arzhang": lambda: ours,
                "drawing and evaluating": lambda: plain,
                "loop over means": lambda: loop_of_means,
                "a backward a sample, a ten-thousandth": lambda: loop_of_samples,
            },
            unit="study",
            limit="drawing and evaluating",
            shares={"a backward a sample, a ten-thousandth": 1e-4},
        ),
        "divergence": Row(
            title,
            {"arzhang": fused, "one log-density": functools.partial(divergence, "limit")},
            per=TIMES,
            limit="one log-density",
            rounds=21,
            quality="mean D_CS",
        ),
        "divergence-loop": Row(
            f"{title}: {TIMES} of ours beside one double loop",
            {"arzhang": once, "double loop": functools.partial(divergence, "loop")},
            quality="mean D_CS",
        ),
    }
