"""The variance of one sample, z ∼ N(μ, σ²): every row of the table of truths, and Mohamed et al.'s figures 2 and 3."""

import math
from collections.abc import Callable

import pytest
import torch
from scipy.integrate import quad
from stats import check_mean, check_variance
from torch import Tensor
from torch.distributions import Normal

from arzhang.gradients import Estimator, MeasureValued, Pathwise, ScoreFunction, per_sample_gradients
from arzhang.studies import exact
from arzhang.studies.gradients import MOHAMED, MOHAMED_VALUES

π = math.pi
M = 3.0
N = 500_000
POINTS = [(0.7, 1.0), (-2.0, 0.5), (1.5, 2.0)]


def square(z: Tensor) -> Tensor:
    return z**2


def linear(z: Tensor) -> Tensor:
    return M * z


def mean_of(f: Callable[[Tensor], Tensor]) -> Callable[[Normal], Tensor]:
    return lambda d: d.mean**2 + d.variance if f is square else M * d.mean


# Var(a + b), a = √(−2 log u), b = √(−2 log(1 − u)): E[ab] by quadrature, E[a] = √(π/2), E[a²] = 2.
E_AB = quad(lambda u: math.sqrt(4 * math.log(u) * math.log1p(-u)), 0, 1)[0]
ANTITHETIC = 2 * (2 - π / 2) + 2 * (E_AB - π / 2)

Truth = Callable[[float, float], float]
ROWS: dict[str, tuple[str, Estimator | str, Truth, Truth]] = {
    "pathwise μ": ("loc", Pathwise(), lambda μ, σ: 4 * σ**2, lambda μ, σ: 0.0),
    "score μ": (
        "loc",
        ScoreFunction(),
        lambda μ, σ: μ**4 / σ**2 + 14 * μ**2 + 15 * σ**2,
        lambda μ, σ: M**2 * (μ**2 / σ**2 + 2),
    ),
    "score with the mean, μ": ("loc", "mean", lambda μ, σ: 8 * μ**2 + 10 * σ**2, lambda μ, σ: 2 * M**2),
    "score with leave-one-out, μ": (
        "loc",
        ScoreFunction("leave_one_out"),
        lambda μ, σ: 8 * μ**2 + 10 * σ**2,
        lambda μ, σ: 2 * M**2,
    ),
    "score with the optimal constant, μ": (
        "loc",
        ScoreFunction("optimal"),
        lambda μ, σ: 8 * μ**2 + 6 * σ**2,
        lambda μ, σ: 2 * M**2,
    ),
    "score with delta, μ": ("loc", ScoreFunction("delta"), lambda μ, σ: 0.0, lambda μ, σ: 0.0),
    "measure-valued independent, μ": (
        "loc",
        MeasureValued(),
        lambda μ, σ: (2 * (4 - π) * μ**2 + 4 * σ**2) / π,
        lambda μ, σ: M**2 * (4 - π) / (2 * π),
    ),
    "measure-valued shared, μ": (
        "loc",
        MeasureValued("shared"),
        lambda μ, σ: 4 * (4 - π) * μ**2 / π,
        lambda μ, σ: M**2 * (4 - π) / π,
    ),
    "measure-valued antithetic, μ": (
        "loc",
        MeasureValued("antithetic"),
        lambda μ, σ: 2 / π * ANTITHETIC * μ**2 + 2 * π / 3 * σ**2,
        lambda μ, σ: ANTITHETIC / (2 * π) * M**2,
    ),
    "pathwise σ": ("scale", Pathwise(), lambda μ, σ: 4 * μ**2 + 8 * σ**2, lambda μ, σ: M**2),
    "score σ": (
        "scale",
        ScoreFunction(),
        lambda μ, σ: 2 * μ**4 / σ**2 + 60 * μ**2 + 74 * σ**2,
        lambda μ, σ: M**2 * (2 * μ**2 / σ**2 + 10),
    ),
    "measure-valued independent, σ": (
        "scale",
        MeasureValued(),
        lambda μ, σ: 16 * μ**2 + 8 * σ**2,
        lambda μ, σ: 4 * M**2,
    ),
    "measure-valued coupled, σ": (
        "scale",
        MeasureValued("shared"),
        lambda μ, σ: 4 * μ**2 + 4 * σ**2,
        lambda μ, σ: M**2,
    ),
}


@pytest.mark.parametrize("f", [square, linear])
@pytest.mark.parametrize("row", ROWS)
def test_every_row_of_the_table(row: str, f: Callable[[Tensor], Tensor]) -> None:
    """Planted: a mean off by 5 % of the larger of its standard deviation and itself, a variance off by 20 %."""
    parameter, estimator, of_square, of_linear = ROWS[row]
    if estimator == "mean":
        estimator = ScoreFunction(mean_of(f))
    μ, σ = (torch.tensor(v, dtype=torch.float64) for v in zip(*POINTS, strict=True))
    values = {"loc": μ, "scale": σ}
    values[parameter].requires_grad_()
    generator = torch.Generator().manual_seed(1)
    samples = per_sample_gradients(f, Normal(**values), estimator=estimator, n=N, generator=generator)[parameter]
    for i, (m, s) in enumerate(POINTS):
        variance = (of_square if f is square else of_linear)(m, s)
        mean = {"loc": 2 * m, "scale": 2 * s} if f is square else {"loc": M, "scale": 0.0}
        check_mean(samples[:, i], mean[parameter], planted=0.05 * max(variance**0.5, 0.1))
        if variance:
            check_variance(samples[:, i], variance, planted=0.2)
        else:
            torch.testing.assert_close(
                samples[:, i], torch.full_like(samples[:, i], mean[parameter]), rtol=0, atol=1e-9
            )


def test_the_antithetic_constants_are_those_of_the_table() -> None:
    assert 2 / π * ANTITHETIC == pytest.approx(0.02891, abs=6e-6)
    assert ANTITHETIC / (2 * π) == pytest.approx(0.00723, abs=6e-6)


# Mohamed et al. 2020, figures 2 and 3, ∂μ at μ = σ = 1. That the exact curves have their values, to the digits
# printed, is tested beside them (studies/test_exact.py); here, that the estimators have the variance of the curves.


@pytest.mark.parametrize("case", MOHAMED_VALUES)
def test_the_figures_of_mohamed_et_al(case: tuple[str, float]) -> None:
    """Planted: 12 %."""
    family, k = case
    at = torch.tensor(k, dtype=torch.float64)
    μ = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)

    def f(z: Tensor) -> Tensor:
        return MOHAMED[family][0](z, at)

    for estimator in (ScoreFunction(), ScoreFunction("optimal"), Pathwise(), MeasureValued("shared")):
        generator = torch.Generator().manual_seed(3)
        samples = per_sample_gradients(f, Normal(μ, 1.0), estimator=estimator, n=N, generator=generator)
        truth = exact.variance(f, estimator, torch.ones(1, dtype=torch.float64), 1.0)
        assert truth is not None
        check_variance(samples["loc"], truth.squeeze(), planted=0.12)


def test_a_step_shows_it_all() -> None:
    """f = 1[z > 0], μ = σ = 1: the truth is φ(1). Planted: 0.01 in the mean, 5 % in the variance."""
    μ = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    truth = math.exp(-0.5) / math.sqrt(2 * π)

    def step(z: Tensor) -> Tensor:
        return (z > 0).double()

    with pytest.warns(UserWarning, match="zero almost everywhere"):
        flat = per_sample_gradients(step, Normal(μ, 1.0), estimator=Pathwise(), n=10)["loc"]
    assert flat.tolist() == [0.0] * 10
    # E[f s²] = E[s² 1(z > 0)], s = z − 1, and Var of 1(y > −1) of a Weibull pair: exact, and as the table rounds them.
    moment = quad(lambda x: x**2 * math.exp(-(x**2) / 2) / math.sqrt(2 * π), -1, 40)[0]
    below = math.exp(-0.5)  # P(W > 1)
    for estimator, variance, printed in (
        (ScoreFunction(), moment - truth**2, 0.541),
        (MeasureValued(), below * (1 - below) / (2 * π), 0.038),
    ):
        assert variance == pytest.approx(printed, abs=5e-4)
        generator = torch.Generator().manual_seed(5)
        samples = per_sample_gradients(step, Normal(μ, 1.0), estimator=estimator, n=N, generator=generator)["loc"]
        check_mean(samples, truth, planted=0.01)
        check_variance(samples, variance, planted=0.05)
