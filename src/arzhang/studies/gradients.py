"""Assignment 1d: three ways to differentiate E[f(z)], z ∼ N(μ, σ²), simulated over means, sample sizes and functions.

Everything measured stands beside what it must be: the exact mean, and the exact variance where there is one. What the
numbers say is derived from them, as data; the report puts it in words.
"""

import dataclasses
import json
import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor
from torch.distributions import Normal

from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.gradients import (
    Estimator,
    FiniteDifference,
    MeasureValued,
    Pathwise,
    ScoreFunction,
    ZeroGradientWarning,
    expectation,
    per_sample_gradients,
)
from arzhang.randomness import generator
from arzhang.studies import exact, gradient_conclusions, gradient_figures
from arzhang.studies.expressions import Integrand, integrand
from arzhang.studies.gradient_conclusions import CONFIDENCE
from arzhang.studies.options import GradientStudy

RESULTS = "gradients.json"
ESTIMATORS: dict[str, Estimator] = {
    "pathwise": Pathwise(),
    "score-function": ScoreFunction(),
    "score-function:leave_one_out": ScoreFunction("leave_one_out"),
    "score-function:optimal": ScoreFunction("optimal"),
    "score-function:delta": ScoreFunction("delta"),
    "measure-valued": MeasureValued(),
    "measure-valued:shared": MeasureValued("shared"),
    "measure-valued:antithetic": MeasureValued("antithetic"),
    "finite-difference": FiniteDifference(),
}
CHUNK = 200_000  # numbers worked on at once: what fits a processor's cache
MOST = 10_000_000  # samples in one estimate: they are in memory together

# Mohamed et al. 2020, figures 2 and 3: the variance of ∂μ at μ = σ = 1 against k.
MOHAMED_ESTIMATORS = ("score-function", "score-function:optimal", "pathwise", "measure-valued:shared")
MOHAMED: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], tuple[float, float, bool]]] = {
    "square": (lambda z, k: (z - k) ** 2, (-3.0, 3.0, False)),
    "exp": (lambda z, k: torch.exp(-k * z**2), (0.1, 10.0, True)),
    "cos": (lambda z, k: torch.cos(k * z), (0.5, 5.0, False)),
}
# Their values, to the digits known: (function, k): score function, with the optimal baseline, pathwise, shared.
MOHAMED_VALUES = {
    ("square", -3.0): ("495", "134", "4", "17.5"),
    ("square", 0.0): ("30", "14", "4", "1.09"),
    ("square", 1.0): ("15", "6", "4", "0"),
    ("square", 3.0): ("87", "38", "4", "4.37"),
    ("exp", 0.1): (".564", ".041", ".016", ".0025"),
    ("exp", 1.0): (".176", ".072", ".212", ".013"),
    ("exp", 10.0): (".077", ".060", ".942", ".021"),
    ("cos", 0.5): (".455", ".118", ".039", ".008"),
    ("cos", 5.0): (".5", ".5", "12.5", ".296"),
}


def study(options: GradientStudy, out: Path, notify: Callable[[str], None] = print) -> dict[str, Any]:
    """Simulate, compare with the truth, conclude. Writes `gradients.json` and the figures; returns what the JSON holds.

    Raises:
        UsageError: an option that makes no sense, or an f that gives NaN.
    """
    μ, functions = _checked(options)
    out.mkdir(parents=True, exist_ok=True)
    curves: list[dict[str, Any]] = []
    sizes: list[dict[str, Any]] = []
    for f in functions:
        for name in options.estimators:
            curves.append(_curve(f, name, μ, options))
            sizes.append(_by_size(f, name, μ, options))
        notify(f"{f.label}: " + ", ".join(f"{c['estimator']} {c['seconds']:.1f} s" for c in curves if c["f"] == f.name))
    mohamed = _mohamed(options)
    results = {
        "study": "gradients",
        "options": dataclasses.asdict(options),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "curves": curves,
        "sizes": sizes,
        "mohamed": mohamed,
        "conclusions": gradient_conclusions.conclude(curves, sizes, mohamed, options.sigma),
        "tables": [_table(curves)],
        "figures": gradient_figures.draw(curves, sizes, mohamed, options.sigma, out),
    }
    write_atomically(out / RESULTS, json.dumps(results, indent=1, allow_nan=False))
    return results


def _checked(options: GradientStudy) -> tuple[Float64[Tensor, " means"], list[Integrand]]:
    try:
        first, last, count = options.mu.split(":")
        μ = torch.linspace(float(first), float(last), int(count), dtype=torch.float64)
    except (ValueError, RuntimeError):
        raise UsageError(f"--mu {options.mu}: must be first:last:how many, e.g. -3:3:41") from None
    if not len(μ) or not μ.isfinite().all():
        raise UsageError(f"--mu {options.mu}: needs at least one mean, all of them finite")
    if not 1e-6 <= options.sigma <= 1e6:
        raise UsageError(f"--sigma {options.sigma}: a standard deviation is greater than 0, and here from 1e-6 to 1e6")
    if options.samples < 1000:
        raise UsageError(f"--samples {options.samples}: a variance needs at least 1000")
    for n in options.n:
        if not 1 <= n <= MOST:
            raise UsageError(f"--n {n}: must be at least 1 and at most {MOST:,}")
    for name in options.estimators:
        if name not in ESTIMATORS:
            raise UsageError(f"--estimators {name}: there is {', '.join(ESTIMATORS)}")
    for option, values in (("--f", options.f), ("--estimators", options.estimators), ("--n", options.n)):
        if not values or len(set(values)) < len(values):
            raise UsageError(f"{option} {' '.join(map(str, values))}: give at least one, and none twice")
    return μ, [integrand(text) for text in options.f]


def measure(
    f: Callable[[Tensor], Tensor],
    estimator: Estimator,
    μ: Float64[Tensor, " means"],
    σ: float,
    samples: int,
    noise: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """(mean, variance, the variance's standard error) of single-sample gradients, for all means at once, in chunks."""
    leaf = μ.clone().requires_grad_()
    chunk = max(min(CHUNK // len(μ), samples // 10), 2)
    sizes, means, variances = [], [], []
    for start in range(0, samples - 1, chunk):
        n = min(chunk, samples - start)
        drawn = per_sample_gradients(f, Normal(leaf, σ), estimator=estimator, n=n, generator=noise)["loc"]
        mean = drawn.mean(0)
        sizes.append(n)
        means.append(mean)
        variances.append((drawn - mean).square_().sum(0) / (n - 1))  # a third of the time of torch.var_mean
    weight = torch.tensor(sizes, dtype=torch.float64).unsqueeze(1)
    each, within = torch.stack(means), torch.stack(variances)
    mean = (weight * each).sum(0) / weight.sum()
    squares = ((weight - 1) * within).sum(0) + (weight * (each - mean) ** 2).sum(0)
    error = within.std(0) / len(sizes) ** 0.5  # the chunks are alike and independent
    return mean, squares / (weight.sum() - 1), error


def _curve(f: Integrand, name: str, μ: Tensor, options: GradientStudy) -> dict[str, Any]:
    """Mean and variance of one estimator against μ."""
    estimator, σ = ESTIMATORS[name], options.sigma
    noise = generator(options.seed, "gradients", f.name, name)
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ZeroGradientWarning)
        mean, variance, error = measure(f.f, estimator, μ, σ, options.samples, noise)
    seconds = time.perf_counter() - began
    _must_be_finite(mean + variance, f, name, μ)
    evaluations = estimator.evaluations(Normal(μ[0].clone().requires_grad_(), σ), 1000) / 1000
    truth = _truth(f, μ, σ)
    of_variance = exact.variance(f.f, estimator, μ, σ)
    return {
        "f": f.name,
        "label": f.label,
        "estimator": name,
        "mu": μ.tolist(),
        "mean": mean.tolist(),
        "mean_interval": (CONFIDENCE * (variance / options.samples).sqrt()).tolist(),
        "exact_mean": truth.tolist(),
        "exact_mean_by": "closed form" if f.gradient else "quadrature",
        "variance": variance.tolist(),
        "variance_interval": (CONFIDENCE * error).tolist(),
        "exact_variance": None if of_variance is None else of_variance.tolist(),
        "evaluations": evaluations,
        "variance_per_evaluation": (variance * evaluations).tolist(),
        "zero_gradient": any(issubclass(w.category, ZeroGradientWarning) for w in caught),
        "samples": options.samples,
        "seconds": seconds,
        "nanoseconds_per_sample": 1e9 * seconds / (options.samples * len(μ)),
    }


def _truth(f: Integrand, μ: Tensor, σ: float) -> Tensor:
    truth = f.gradient(μ, σ) if f.gradient else exact.gradient(f.f, μ, σ)
    if truth is None:
        raise UsageError(f"--f {f.name}: the integral of E[f(z) (z − μ)] does not converge, so there is no gradient")
    return truth


def _must_be_finite(values: Tensor, f: Integrand, name: str, μ: Tensor) -> None:
    bad = ~values.isfinite()
    if bad.any():
        raise UsageError(f"--f {f.name}: the gradients by {name} are not finite at μ = {μ[bad][0]:g}: f grows too fast")


def _by_size(f: Integrand, name: str, μ: Tensor, options: GradientStudy) -> dict[str, Any]:
    """Mean and variance against N, of whole estimates from N samples, at the mean nearest to 1."""
    at = μ[(μ - 1).abs().argmin()]
    σ, estimator = options.sigma, ESTIMATORS[name]
    points = []
    for n in options.n:
        if estimator.refusal(Normal(at.clone().requires_grad_(), σ), n) is not None:
            continue  # a baseline fitted on the other samples needs some
        repeats = max(options.samples // n, 400)
        noise = generator(options.seed, "gradients", f.name, name, n)
        estimates = torch.cat(
            [_estimates(f, estimator, at, σ, n, rows, noise) for rows in _parts(repeats, max(CHUNK // n, 1))]
        )
        _must_be_finite(estimates.var().reshape(1), f, name, at.reshape(1))
        variance = estimates.var().item()
        points.append(
            {
                "n": n,
                "repeats": repeats,
                "mean": estimates.mean().item(),
                "mean_interval": CONFIDENCE * (variance / repeats) ** 0.5,
                "variance": variance,
                "variance_interval": CONFIDENCE * ((estimates - estimates.mean()) ** 2).std().item() / repeats**0.5,
            }
        )
    truth = _truth(f, at.reshape(1), σ)
    of_variance = exact.variance(f.f, estimator, at.reshape(1), σ)
    return {
        "f": f.name,
        "label": f.label,
        "estimator": name,
        "mu": at.item(),
        "exact_mean": truth.item(),
        "exact_variance_of_one": None if of_variance is None else of_variance.item(),
        "points": points,
    }


def _table(curves: list[dict[str, Any]]) -> dict[str, Any]:
    """Each estimator at the mean nearest to 1: what it gives, how it varies, what it costs."""
    rows = []
    for c in curves:
        at = min(range(len(c["mu"])), key=lambda i: abs(c["mu"][i] - 1))
        exact_variance = c["exact_variance"][at] if c["exact_variance"] is not None else None
        rows.append([
            c["label"], c["estimator"], c["mean"][at], c["exact_mean"][at], c["variance"][at], exact_variance,
            c["variance_per_evaluation"][at], c["nanoseconds_per_sample"],
        ])  # fmt: skip
    columns = ["f", "estimator", "mean", "truth", "variance", "exact", "per_evaluation", "nanoseconds"]
    return {"id": "gradients.at_one", "columns": columns, "rows": rows}


def _parts(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


def _estimates(
    f: Integrand, estimator: Estimator, at: Tensor, σ: float, n: int, rows: int, noise: torch.Generator
) -> Tensor:
    leaf = at.expand(rows).clone().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZeroGradientWarning)
        value = expectation(f.f, Normal(leaf, σ), estimator=estimator, n=n, generator=noise)
    if not value.requires_grad:
        return torch.zeros_like(at).expand(rows)
    return torch.autograd.grad(value.sum(), leaf)[0]


def _mohamed(options: GradientStudy) -> dict[str, Any]:
    """Variance against k at μ = σ = 1, and the published values beside ours."""
    figures = []
    for family, (f, (first, last, logarithmic)) in MOHAMED.items():
        ends = (math.log(first), math.log(last)) if logarithmic else (first, last)
        k = torch.linspace(*ends, 25, dtype=torch.float64)
        k = k.exp() if logarithmic else k
        one = torch.ones_like(k)
        for name in MOHAMED_ESTIMATORS:
            noise = generator(options.seed, "mohamed", family, name)
            _, variance, error = measure(_with(f, k), ESTIMATORS[name], one, 1.0, options.samples, noise)
            truth = exact.variance(_with(f, k), ESTIMATORS[name], one, 1.0)
            figures.append(
                {
                    "family": family,
                    "estimator": name,
                    "k": k.tolist(),
                    "variance": variance.tolist(),
                    "variance_interval": (CONFIDENCE * error).tolist(),
                    "exact_variance": [] if truth is None else truth.tolist(),
                }
            )
    values = []
    for (family, at), printed in MOHAMED_VALUES.items():
        f = MOHAMED[family][0]
        for name, text in zip(MOHAMED_ESTIMATORS, printed, strict=True):
            one = torch.ones(1, dtype=torch.float64)
            truth = exact.variance(_with(f, torch.tensor(at, dtype=torch.float64)), ESTIMATORS[name], one, 1.0)
            assert truth is not None
            half = 0.5 * 10.0 ** -len(text.partition(".")[2])
            agrees = abs(truth.item() - float(text)) <= half * 1.02  # and the quadrature's own rounding
            values.append({
                "family": family, "k": at, "estimator": name, "published": text, "ours": truth.item(), "agrees": agrees
            })  # fmt: skip
    return {"figures": figures, "values": values, "crossings": _crossings()}


def _with(f: Callable[[Tensor, Tensor], Tensor], k: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda z: f(z, k)


def _crossings() -> dict[str, float]:
    """The k above which the score function has the lower variance: exp(−kz²), cos kz, by bisection."""
    found = {}
    for family in ("exp", "cos"):
        f = MOHAMED[family][0]

        def excess(k: float, f: Callable[[Tensor, Tensor], Tensor] = f) -> float:
            one = torch.ones(1, dtype=torch.float64)
            score, pathwise = (
                exact.variance(_with(f, torch.tensor(k, dtype=torch.float64)), e, one, 1.0)
                for e in (ScoreFunction(), Pathwise())
            )
            assert score is not None
            assert pathwise is not None
            return (pathwise - score).item()

        low, high = 0.5, 2.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if excess(middle) > 0 else (middle, high)
        found[family] = high
    return found
