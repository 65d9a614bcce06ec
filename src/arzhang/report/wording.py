"""What conclusions and figures say, by id: studies hold data, the words stand here. English; other languages beside it."""

from collections.abc import Mapping
from typing import Any

ENGLISH: dict[str, str] = {
    # --- Gradient estimators (1d): conclusions ----------------------------------------------------------------------
    "gradients.agree": "The estimators agree: all {compared} measured means lie within the 95 % bound for all of them "
    "together ({bound:.2f} standard errors; the farthest is {largest:.2f} away).",
    "gradients.disagree": "{outside} of {compared} measured means lie outside the 95 % bound for all of them together "
    "({bound:.2f} standard errors; the farthest is {largest:.2f} away).",
    "gradients.zero": "For f = {f} the {estimator} estimator gives {mean:g} everywhere, because f is flat almost "
    "everywhere; the truth at μ = {mu:.2f} is {truth:.3f}. Here it is not noisy but wrong.",
    "gradients.best_per_sample": "f = {f}, per sample: for μ from {low:.2f} to {high:.2f}, {estimator} has the least "
    "variance, {factor:.2f} times below {rival}.",
    "gradients.best_per_evaluation": "f = {f}, at equal evaluations of f: for μ from {low:.2f} to {high:.2f}, "
    "{estimator} has the least variance, {factor:.2f} times below {rival}.",
    "gradients.tie_per_sample": "f = {f}, per sample: for μ from {low:.2f} to {high:.2f}, {estimator} and {rival} "
    "cannot be told apart.",
    "gradients.tie_per_evaluation": "f = {f}, at equal evaluations of f: for μ from {low:.2f} to {high:.2f}, "
    "{estimator} and {rival} cannot be told apart.",
    "gradients.exact_per_sample": "f = {f}, per sample: for μ from {low:.2f} to {high:.2f}, {estimator} has no "
    "variance at all: one sample is exact.",
    "gradients.exact_per_evaluation": "f = {f}, at equal evaluations of f: for μ from {low:.2f} to {high:.2f}, "
    "{estimator} has no variance at all: one sample is exact.",
    "gradients.crossing_per_sample": "f = {f}: per sample the measure-valued estimator beats the pathwise one where "
    "|μ| < {measured:.3f} (exactly: {exact:.3f}).",
    "gradients.crossing_per_evaluation": "f = {f}: at equal evaluations of f the measure-valued estimator beats the "
    "pathwise one where |μ| < {measured:.3f} (exactly: {exact:.3f}).",
    "gradients.variance_exact": "The measured variances lie {median:.2%} from the exact ones in the median, "
    "{largest:.1%} at most ({compared} of them).",
    "gradients.by_n": "Averaging over N samples divides the variance by N: the slopes of log variance against log N "
    "lie between {least:.3f} and {largest:.3f} ({curves} curves).",
    "gradients.cost": "A single-sample gradient by {estimator} takes {nanoseconds:.0f} ns and {evaluations} "
    "evaluation(s) of f.",
    "gradients.mohamed": "{agree} of {compared} variances published by Mohamed et al. (2020, figures 2 and 3) agree "
    "with ours to every digit given.",
    "gradients.mohamed_crossings": "The score function has a lower variance than the pathwise estimator, and is unbiased "
    "all the same, for exp(−kz²) above k = {exp:.3f} and for cos kz above k = {cos:.3f} (μ = σ = 1).",
    # --- Gradient estimators: names and labels ----------------------------------------------------------------------
    "estimator.pathwise": "pathwise (α)",
    "estimator.score-function": "score function (β)",
    "estimator.score-function:leave_one_out": "score function, leave-one-out",
    "estimator.score-function:optimal": "score function, optimal baseline",
    "estimator.score-function:delta": "score function, delta baseline",
    "estimator.measure-valued": "measure-valued (γ)",
    "estimator.measure-valued:shared": "measure-valued, shared",
    "estimator.measure-valued:antithetic": "measure-valued, antithetic",
    "estimator.finite-difference": "finite difference",
    "gradients.figure.means": "Mean of single-sample gradients against μ",
    "gradients.figure.variances": "Variance of a single-sample gradient against μ",
    "gradients.figure.per_evaluation": "Variance at one evaluation of f, against μ",
    "gradients.figure.means_by_n": "Mean of estimates from N samples, at μ = {mu:g}",
    "gradients.figure.variances_by_n": "Variance of an estimate from N samples, at μ = {mu:g}",
    "gradients.figure.mohamed_square": "Mohamed et al. (2020), figure 2: (z − k)², μ = σ = 1",
    "gradients.figure.mohamed_others": "Mohamed et al. (2020), figure 3: μ = σ = 1",
    "gradients.axis.mu": "mean μ",
    "gradients.axis.n": "samples N",
    "gradients.axis.k": "k",
    "gradients.axis.gradient": "estimate of dE[f]/dμ",
    "gradients.axis.variance": "variance",
    "gradients.legend.exact": "exact",
    "gradients.legend.zero": "identically 0",
    "gradients.family.square": "(z − k)²",
    "gradients.family.exp": "exp(−kz²)",
    "gradients.family.cos": "cos kz",
}


def words(id: str, values: Mapping[str, Any] | None = None, language: Mapping[str, str] = ENGLISH) -> str:
    """The sentence of a conclusion, or a label; estimators are called by their names in that language.

    >>> words("gradients.cost", {"estimator": "pathwise", "nanoseconds": 29.6, "evaluations": 1})
    'A single-sample gradient by pathwise (α) takes 30 ns and 1 evaluation(s) of f.'
    """
    values = {
        key: language.get(f"estimator.{value}", value) if isinstance(value, str) else value
        for key, value in (values or {}).items()
    }
    return language[id].format(**values)
