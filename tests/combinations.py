"""Every estimator and every distribution that the tests of gradients go through, and which of them do not fit."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Cauchy,
    Chi2,
    Dirichlet,
    Distribution,
    Exponential,
    Gamma,
    Geometric,
    Gumbel,
    HalfNormal,
    Independent,
    Laplace,
    LKJCholesky,
    LogNormal,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    OneHotCategorical,
    Pareto,
    Poisson,
    RelaxedBernoulli,
    SigmoidTransform,
    StudentT,
    TransformedDistribution,
    Uniform,
    Weibull,
)

from arzhang.gradients import (
    Enumerate,
    Estimator,
    FiniteDifference,
    GumbelSoftmax,
    MeasureValued,
    Pathwise,
    ScoreFunction,
    StraightThrough,
)


def f64(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def wave(z: Tensor) -> Tensor:
    z = z.double()
    return torch.sin(z) + z**2 / 8


def summed(z: Tensor) -> Tensor:
    return (wave(z) * torch.arange(1, z.shape[-1] + 1)).sum(-1) ** 2


ESTIMATORS: dict[str, Estimator] = {
    "pathwise": Pathwise(),
    "score": ScoreFunction(),
    "leave-one-out": ScoreFunction("leave_one_out"),
    "optimal": ScoreFunction("optimal"),
    "delta": ScoreFunction("delta"),
    "own baseline": ScoreFunction(lambda d: torch.tensor(0.7)),
    "measure-valued": MeasureValued(),
    "shared": MeasureValued("shared"),
    "antithetic": MeasureValued("antithetic"),
    "finite difference": FiniteDifference(),
    "enumerate": Enumerate(),
    "straight-through": StraightThrough(),
    "gumbel-softmax": GumbelSoftmax(0.7),
}
Given = dict[str, Tensor]
DISTRIBUTIONS: dict[str, tuple[Callable[[Given], Distribution], Given, Callable[[Tensor], Tensor]]] = {
    "Normal": (lambda t: Normal(**t), {"loc": f64(0.5, -1), "scale": f64(0.8, 1.2)}, wave),
    "Normal mean": (lambda t: Normal(t["loc"], 1.0), {"loc": f64(0.5, -1)}, wave),
    "Normal of 3 × 2": (
        lambda t: Independent(Normal(t["loc"], t["scale"]), 1),
        {"loc": f64(0.5, -1, 2, 0, 1, 2).reshape(3, 2), "scale": torch.full((3, 2), 0.6, dtype=torch.float64)},
        summed,
    ),
    "MultivariateNormal": (
        lambda t: MultivariateNormal(t["loc"], scale_tril=t["scale_tril"]),
        {"loc": f64(0.5, -1), "scale_tril": f64(1, 0, 0.4, 0.8).reshape(2, 2)},
        summed,
    ),
    "MultivariateNormal by covariance": (
        lambda t: MultivariateNormal(f64(0.5, -1), t["covariance_matrix"]),
        {"covariance_matrix": f64(1, 0.2, 0.2, 0.8).reshape(2, 2)},
        summed,
    ),
    "Bernoulli": (lambda t: Bernoulli(**t), {"probs": f64(0.3, 0.6)}, wave),
    "Bernoulli by logits": (lambda t: Bernoulli(**t), {"logits": f64(0.3, -0.6)}, wave),
    "Bernoulli of 3 × 2": (
        lambda t: Independent(Bernoulli(**t), 1),
        {"logits": f64(0.5, -1, 2, 0, 1, 2).reshape(3, 2)},
        summed,
    ),
    "Binomial": (lambda t: Binomial(4, **t), {"logits": f64(0.3, -0.6)}, wave),
    "Categorical": (lambda t: Categorical(**t), {"probs": f64(0.3, 0.6, 0.1, 0.2, 0.2, 0.6).reshape(2, 3)}, wave),
    "Categorical by logits": (
        lambda t: Categorical(**t),
        {"logits": f64(0.3, 0.6, 2, 0.2, 0.2, 1).reshape(2, 3)},
        wave,
    ),
    "OneHotCategorical": (lambda t: OneHotCategorical(**t), {"logits": f64(0.3, 0.6, 2)}, summed),
    "Poisson": (lambda t: Poisson(**t), {"rate": f64(0.8, 2.5)}, wave),
    "Geometric": (lambda t: Geometric(**t), {"probs": f64(0.3, 0.6)}, wave),
    "Exponential": (lambda t: Exponential(**t), {"rate": f64(0.8, 2.5)}, wave),
    "Gamma": (lambda t: Gamma(f64(2, 3), **t), {"rate": f64(0.8, 2.5)}, wave),
    "Gamma, both": (lambda t: Gamma(**t), {"concentration": f64(2, 3), "rate": f64(0.8, 2.5)}, wave),
    "Weibull": (lambda t: Weibull(concentration=f64(1.5), **t), {"scale": f64(0.8, 2.5)}, wave),
    "Uniform": (lambda t: Uniform(**t), {"low": f64(0.3, -1), "high": f64(0.8, 2.5)}, wave),
    "Laplace": (lambda t: Laplace(**t), {"loc": f64(0.3, -1), "scale": f64(0.8, 2.5)}, wave),
    "LogNormal": (lambda t: LogNormal(**t), {"loc": f64(0.3, -1), "scale": f64(0.8, 0.5)}, torch.sin),
    "Gumbel": (lambda t: Gumbel(**t), {"loc": f64(0.3, -1), "scale": f64(0.8, 0.5)}, torch.sin),
    "Cauchy": (lambda t: Cauchy(**t), {"loc": f64(0.3, -1), "scale": f64(0.8, 0.5)}, torch.sin),
    "StudentT": (lambda t: StudentT(f64(5, 7), **t), {"loc": f64(0.3, -1), "scale": f64(0.8, 0.5)}, torch.sin),
    "Beta": (lambda t: Beta(**t), {"concentration1": f64(2, 3), "concentration0": f64(0.8, 2.5)}, torch.sin),
    "Dirichlet": (lambda t: Dirichlet(**t), {"concentration": f64(2, 3, 1)}, summed),
    "Categorical, not normalised": (lambda t: Categorical(**t), {"probs": f64(3, 2, 5)}, wave),
    "Categorical of 2 × 3": (
        lambda t: Independent(Categorical(**t), 1),
        {"probs": f64(1, 2, 3, 4, 5, 6).reshape(2, 3)},
        summed,
    ),
    "OneHotCategorical, not normalised": (lambda t: OneHotCategorical(**t), {"probs": f64(3, 2, 5)}, summed),
    "NegativeBinomial": (lambda t: NegativeBinomial(f64(3, 4), **t), {"logits": f64(0.3, -0.5)}, torch.sin),
    "HalfNormal": (lambda t: HalfNormal(**t), {"scale": f64(0.8, 1.2)}, torch.sin),
    "Chi2": (lambda t: Chi2(**t), {"df": f64(3, 4)}, torch.sin),
    "Pareto": (lambda t: Pareto(**t), {"alpha": f64(5, 6), "scale": f64(1, 2)}, torch.sin),
    "RelaxedBernoulli": (lambda t: RelaxedBernoulli(f64(0.5), **t), {"logits": f64(0.3, -0.6)}, torch.sin),
    "TransformedDistribution": (
        lambda t: TransformedDistribution(Normal(**t), [SigmoidTransform()]),
        {"loc": f64(0.3, -0.6), "scale": f64(0.8, 1.2)},
        torch.sin,
    ),
    "LKJCholesky": (lambda t: LKJCholesky(2, **t), {"concentration": f64(1.5)}, lambda z: torch.sin(z[..., 1, 0])),
}
REFUSED = {  # what the library must refuse, by the first four letters or the whole name; everything else must agree
    "pathwise": {"Bern", "Bino", "Cate", "OneH", "Pois", "Geom", "Nega", "LKJC"},
    "scores": {"Unif", "Pare"},
    "delta": {"Unif", "Pare", "Cate", "Cauc", "Rela", "Tran", "LKJC"},
    "measures": {
        "Mult", "OneH", "Lapl", "LogN", "Gumb", "Cauc", "Stud", "Beta", "Diri", "Gamma, both", "Nega", "Half", "Chi2",
        "Pare", "Rela", "Tran", "LKJC",
    },
    "finite difference": {"MultivariateNormal by covariance", "Categorical of 2 × 3"},
}  # fmt: skip


def refused(estimator: str, distribution: str) -> bool:
    kind = {"score": "scores", "leave-one-out": "scores", "optimal": "scores", "own baseline": "scores"}.get(estimator)
    kind = kind or {"measure-valued": "measures", "shared": "measures"}.get(estimator, estimator)
    if kind == "antithetic":
        return distribution != "Normal mean"
    if kind == "enumerate":
        return distribution[:4] not in ("Bern", "Bino", "Cate", "OneH")
    if kind in ("straight-through", "gumbel-softmax"):
        return distribution[:4] not in ("Bern", "OneH")
    return distribution[:4] in REFUSED[kind] or distribution in REFUSED[kind]
