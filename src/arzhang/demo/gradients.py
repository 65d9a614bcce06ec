"""The variance of gradient estimators, to be played with: f, μ, σ and N are chosen, and d/dμ E[f(z)] or d/dσ E[f(z)]
for z ∼ N(μ, σ²) is estimated many times over, by the estimators of `arzhang.gradients`. (Assignment 1d)"""

import math
import warnings
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Normal

from arzhang.demo.requests import LARGEST, Refused, Values, chosen, real, several, whole
from arzhang.gradients import (
    Estimator,
    MeasureValued,
    Pathwise,
    ScoreFunction,
    ZeroGradientWarning,
    expectation,
    per_sample_gradients,
)
from arzhang.randomness import generator
from arzhang.studies import exact
from arzhang.studies.expressions import expression

FUNCTIONS = {
    "square": ("z²", "z**2"),
    "cube": ("z³", "z**3"),
    "cos": ("cos z", "cos(z)"),
    "sin": ("sin z", "sin(z)"),
    "exp": ("exp z", "exp(z)"),
    "abs": ("|z|", "abs(z)"),
    "step": ("1[z > 0]", "z > 0"),
}
"""How each is printed, and the expression of z that it is."""
ESTIMATORS: dict[str, tuple[str, Estimator]] = {
    "pathwise": ("pathwise", Pathwise()),
    "score-function": ("score function", ScoreFunction()),
    "score-function:leave_one_out": ("score function, mean of the others as baseline", ScoreFunction("leave_one_out")),
    "score-function:optimal": ("score function, best constant baseline", ScoreFunction("optimal")),
    "score-function:delta": ("score function, f's second-order expansion as baseline", ScoreFunction("delta")),
    "measure-valued": ("measure-valued, independent", MeasureValued()),
    "measure-valued:shared": ("measure-valued, shared noise", MeasureValued("shared")),
    "measure-valued:antithetic": ("measure-valued, antithetic", MeasureValued("antithetic")),
}
PARAMETERS = {"mean": "loc", "std": "scale"}
MOST_SAMPLES, MOST_REPEATS, MOST = 1_000, 1_000, 100_000
BINS = 60
EDGE = 0.005
"""Share of the single-sample gradients that lies beyond each end of a histogram."""


class Explorer:
    """The panel of it."""

    kind: ClassVar[str] = "gradients"

    def __init__(self, id: str, title: str) -> None:
        self.id, self.title = id, title

    def about(self) -> dict[str, Any]:
        able = {name: [p for p in PARAMETERS if _refusal(one, p) is None] for name, (_, one) in ESTIMATORS.items()}
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "functions": [{"id": name, "label": label} for name, (label, _) in FUNCTIONS.items()],
            "estimators": [
                {"id": name, "label": label, "parameters": able[name]} for name, (label, _) in ESTIMATORS.items()
            ],
        }

    def gradients(self, values: Values, body: bytes) -> dict[str, Any]:
        """`repeats` estimates of the derivative by each estimator, from `samples` samples each, beside the truth."""
        name = chosen(values, "function", FUNCTIONS)
        μ, σ = real(values, "mean", -5, 5), real(values, "std", 0.1, 3)
        n, repeats = whole(values, "samples", 2, MOST_SAMPLES), whole(values, "repeats", 10, MOST_REPEATS)
        seed, of = whole(values, "seed", 0, LARGEST, 0), chosen(values, "parameter", PARAMETERS, "mean")
        if n * repeats > MOST:
            raise Refused(422, f"samples × repeats: at most {MOST:,}, not {n * repeats:,}")
        wanted = several(values, "estimators", len(ESTIMATORS))
        found: dict[str, Any] = {}
        f = expression(FUNCTIONS[name][1])
        for id in wanted:
            estimator = ESTIMATORS[chosen({"estimators": id}, "estimators", ESTIMATORS)][1]
            if (why := _refusal(estimator, of)) is not None:
                raise Refused(422, why)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ZeroGradientWarning)  # of a step: that it is zero is what one sees
                found[id] = _measured(f, estimator, μ, σ, of, n, repeats, seed)
        return {"truth": truth(f, μ, σ, of), "estimators": found}


def _refusal(estimator: Estimator, of: str) -> str | None:
    return estimator.refusal(_normal(0.0, 1.0, of, ())[0], 2)


def _normal(μ: float, σ: float, of: str, shape: tuple[int, ...]) -> tuple[Normal, Tensor]:
    """N(μ, σ²), as often as `shape` says, and its parameter that carries gradients."""
    values = {"loc": torch.full(shape, μ, dtype=torch.float64), "scale": torch.full(shape, σ, dtype=torch.float64)}
    moved = values[PARAMETERS[of]].requires_grad_()
    return Normal(**values, validate_args=False), moved


def _measured(
    f: exact.F, estimator: Estimator, μ: float, σ: float, of: str, n: int, repeats: int, seed: int
) -> dict[str, Any]:
    normal, moved = _normal(μ, σ, of, (repeats,))
    rng = generator(seed, "gradients", type(estimator).__name__, of)
    each = per_sample_gradients(f, normal, estimator=estimator, n=n, generator=rng)[PARAMETERS[of]]  # (n, repeats)
    fitted = isinstance(estimator, ScoreFunction) and estimator.baseline in ("leave_one_out", "optimal")
    first = 2 if fitted else 1  # a baseline that is fitted on the others needs one
    sizes = [size for size in (first * 4**k for k in range(6)) if size < n]
    variances = []
    for size in sizes:
        value = expectation(f, normal, estimator=estimator, n=size, generator=rng).sum() + 0 * moved.sum()
        (estimates,) = torch.autograd.grad(value, moved)  # a step's pathwise one alone would not hang together with it
        variances.append(float(estimates.var()))
    variance = float(each.var())
    known = exact_variance(f, estimator, μ, σ) if of == "mean" else None
    return {
        "mean": float(each.mean()),
        "variance": variance,
        "standard_error": math.sqrt(float(each.mean(0).var()) / repeats),  # the repeats are independent
        "exact_variance": known,
        "histogram": histogram(each.detach().flatten()),
        "curve": {"samples": [*sizes, n], "variance": [*variances, float(each.mean(0).var())]},
    }


def exact_variance(f: exact.F, estimator: Estimator, μ: float, σ: float) -> float | None:
    """Of a single-sample gradient in μ, by quadrature; None where it is infinite, or not known."""
    found = exact.variance(f, estimator, torch.tensor([μ], dtype=torch.float64), σ)
    return None if found is None else float(found)


def histogram(values: Tensor) -> dict[str, Any]:
    """Counts in equal bins over all but the outermost values, which are counted by themselves.

    >>> found = histogram(torch.zeros(5))
    >>> sum(found["counts"]), found["below"], found["above"]
    (5, 0, 0)
    """
    out = int(EDGE * len(values))
    low, high = (float(values.kthvalue(k).values) for k in (1 + out, len(values) - out))
    if not high > low:  # all are one, or all but a few
        low, high = float(values.min()), float(values.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts, edges = torch.histogram(values, BINS, range=(low, high))
    below, above = int((values < low).sum()), int((values > high).sum())
    return {"edges": edges.tolist(), "counts": counts.long().tolist(), "below": below, "above": above}


def truth(f: exact.F, μ: float, σ: float, of: str) -> float | None:
    """d/dμ or d/dσ of E[f(z)] by quadrature: E[f(z) ∂ log p]; None where there is none.

    >>> f = expression("z**2")  # E = μ² + σ²
    >>> [round(truth(f, 1.5, 0.5, of), 6) for of in PARAMETERS]
    [3.0, 1.0]
    """
    at = torch.tensor([μ], dtype=torch.float64)
    if of == "mean":
        found = exact.gradient(f, at, σ)
    else:  # ∂_σ log p = ((z − μ)² − σ²)/σ³; E[f x²]/σ is E[(f x) x/σ], less E[f]/σ = E[(f/x) x/σ]
        found = exact.gradient(lambda z: f(z) * ((z - at) / σ - σ / (z - at)), at, σ)
    return None if found is None else float(found)
