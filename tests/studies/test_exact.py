"""The exact curves of the gradient study: by quadrature, against every row of the table of truths and its crossings."""

import math
from collections.abc import Callable

import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor

from arzhang.gradients import Estimator, FiniteDifference, MeasureValued, Pathwise, ScoreFunction
from arzhang.studies import exact
from arzhang.studies.gradients import MOHAMED, MOHAMED_ESTIMATORS, MOHAMED_VALUES

π = math.pi
M = 3.0
MEANS = torch.tensor([-3.0, -0.7, 0.0, 0.4, 2.5], dtype=torch.float64)
ANTITHETIC = 0.02891  # of μ² for z², to the digits that the table gives; a quarter of it for a linear f

Truth = Callable[[Tensor, float], Tensor]
ROWS: dict[str, tuple[Estimator, Truth, Truth]] = {
    "pathwise": (Pathwise(), lambda μ, σ: 4 * σ**2 + 0 * μ, lambda μ, σ: 0 * μ),
    "score": (
        ScoreFunction(),
        lambda μ, σ: μ**4 / σ**2 + 14 * μ**2 + 15 * σ**2,
        lambda μ, σ: M**2 * (μ**2 / σ**2 + 2),
    ),
    "leave-one-out": (
        ScoreFunction("leave_one_out"),
        lambda μ, σ: 8 * μ**2 + 10 * σ**2,
        lambda μ, σ: 2 * M**2 + 0 * μ,
    ),
    "optimal": (ScoreFunction("optimal"), lambda μ, σ: 8 * μ**2 + 6 * σ**2, lambda μ, σ: 2 * M**2 + 0 * μ),
    "delta": (ScoreFunction("delta"), lambda μ, σ: 0 * μ, lambda μ, σ: 0 * μ),
    "independent": (
        MeasureValued(),
        lambda μ, σ: (2 * (4 - π) * μ**2 + 4 * σ**2) / π,
        lambda μ, σ: M**2 * (4 - π) / (2 * π) + 0 * μ,
    ),
    "shared": (
        MeasureValued("shared"),
        lambda μ, σ: 4 * (4 - π) * μ**2 / π,
        lambda μ, σ: M**2 * (4 - π) / π + 0 * μ,
    ),
    "antithetic": (
        MeasureValued("antithetic"),
        lambda μ, σ: ANTITHETIC * μ**2 + 2 * π / 3 * σ**2,
        lambda μ, σ: ANTITHETIC / 4 * M**2 + 0 * μ,
    ),
}


@pytest.mark.parametrize("σ", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("row", ROWS)
def test_the_table_in_the_mean(row: str, σ: float) -> None:
    estimator, of_square, of_linear = ROWS[row]
    near = {"rtol": 1e-3 if row == "antithetic" else 1e-6, "atol": 1e-9}  # the table rounds the antithetic constant
    for f, truth, slope in ((torch.square, of_square, 2 * MEANS), (lambda z: M * z, of_linear, M + 0 * MEANS)):
        torch.testing.assert_close(exact.variance(f, estimator, MEANS, σ), truth(MEANS, σ), **near)
        torch.testing.assert_close(exact.gradient(f, MEANS, σ), slope, rtol=0, atol=1e-10)
    wrong = of_square(MEANS, σ) + 0.01 * MEANS**2 + 0.01 * σ**2  # a coefficient that is off is seen
    with pytest.raises(AssertionError):
        torch.testing.assert_close(exact.variance(torch.square, estimator, MEANS, σ), wrong, **near)


def test_the_antithetic_constant_is_the_tables() -> None:
    """Of μ² alone, where nothing hides it: the difference of two means."""
    at = torch.tensor([0.0, 10.0], dtype=torch.float64)
    none, much = exact.variance(torch.square, MeasureValued("antithetic"), at, 1.0)
    assert (much - none).item() / 100 == pytest.approx(0.02891, abs=5e-6)
    assert none.item() == pytest.approx(2 * π / 3, abs=1e-6)
    assert exact.variance(lambda z: z, MeasureValued("antithetic"), at, 1.0)[0].item() == pytest.approx(
        0.00723, abs=5e-6
    )


def excess(f: Callable[[Tensor], Tensor], one: Estimator, other: Estimator, ratio: float = 1.0, σ: float = 1.0):
    def of(μ: float) -> float:
        at = torch.tensor([μ], dtype=torch.float64)
        return (ratio * exact.variance(f, one, at, σ) - exact.variance(f, other, at, σ)).item()

    return of


def test_where_the_estimators_cross() -> None:
    """z², σ = 1: γ and α per sample 2.234, per evaluation 1.153; shared and independent 1.526; all scale with σ."""
    for one, other, ratio, at in (
        (MeasureValued(), Pathwise(), 1, 2.234),
        (MeasureValued(), Pathwise(), 2, 1.153),
        (MeasureValued("shared"), MeasureValued(), 1, 1.526),
    ):
        for σ in (1.0, 0.5):
            root = brentq(excess(torch.square, one, other, ratio, σ), 0.5 * σ, 4 * σ)
            assert root / σ == pytest.approx(at, abs=6e-4)
            assert excess(torch.square, one, other, ratio, σ)(0.9 * at * σ) < 0  # the first one wins below


@pytest.mark.parametrize(("family", "at"), [("exp", 0.870), ("cos", 1.064)])
def test_where_mohameds_curves_cross(family: str, at: float) -> None:
    f, one = MOHAMED[family][0], torch.ones(1, dtype=torch.float64)

    def of(k: float) -> float:
        g = lambda z: f(z, torch.tensor(k, dtype=torch.float64))  # noqa: E731
        return (exact.variance(g, Pathwise(), one, 1.0) - exact.variance(g, ScoreFunction(), one, 1.0)).item()

    assert brentq(of, 0.5, 2.0) == pytest.approx(at, abs=5e-4)


# The table of truths, once more and by hand: score function, with the optimal baseline, pathwise, shared.
PRINTED = """
square -3 495 134 4 17.5
square 0 30 14 4 1.09
square 1 15 6 4 0
square 3 87 38 4 4.37
exp .1 .564 .041 .016 .0025
exp 1 .176 .072 .212 .013
exp 10 .077 .060 .942 .021
cos .5 .455 .118 .039 .008
cos 5 .5 .5 12.5 .296
"""


def test_mohameds_values_to_their_digits() -> None:
    """All 36, but one: exp at 0.1 with the optimal baseline is .0405, printed as .041."""
    rows = [line.split() for line in PRINTED.split("\n") if line]
    assert {(family, float(k)): tuple(values) for family, k, *values in rows} == MOHAMED_VALUES
    assert MOHAMED_ESTIMATORS == (
        "score-function", "score-function:optimal", "pathwise", "measure-valued:shared"
    )  # fmt: skip
    every = ScoreFunction(), ScoreFunction("optimal"), Pathwise(), MeasureValued("shared")
    one, off = torch.ones(1, dtype=torch.float64), []
    for family, k, *values in rows:
        for estimator, printed in zip(every, values, strict=True):
            at = torch.tensor(float(k), dtype=torch.float64)
            truth = exact.variance(lambda z, at=at, f=MOHAMED[family][0]: f(z, at), estimator, one, 1.0).item()
            half = 0.5 * 10.0 ** -len(printed.partition(".")[2])
            if abs(truth - float(printed)) > half * 1.0001:
                off.append((family, k, printed, round(truth, 4)))
    assert off == [("exp", ".1", ".041", 0.0405)]


def test_a_step() -> None:
    """1[z > 0] at μ = σ = 1: φ(1), and 0.541 and 0.038; the pathwise estimate is 0, with no variance."""

    def step(z: Tensor) -> Tensor:
        return (z > 0).to(z.dtype)

    one = torch.ones(1, dtype=torch.float64)
    assert exact.gradient(step, one, 1.0).item() == pytest.approx(0.2420, abs=2e-4)  # a jump within one cell
    assert exact.variance(step, ScoreFunction(), one, 1.0).item() == pytest.approx(0.541, abs=5e-4)
    assert exact.variance(step, MeasureValued(), one, 1.0).item() == pytest.approx(0.038, abs=5e-4)
    assert exact.variance(step, Pathwise(), one, 1.0).item() == 0
    assert exact.variance(step, FiniteDifference(), one, 1.0) is None  # two cells of the grid are wider than its step


@pytest.mark.parametrize(
    ("f", "has_gradient", "has_variance"),
    [
        (lambda z: 1 / z, False, False),
        (lambda z: torch.exp(torch.exp(z)), False, False),
        (lambda z: z.abs() ** -0.5, True, False),
        (lambda z: torch.log(z**2), True, True),
        (torch.exp, True, True),
    ],
)
def test_integrals_that_do_not_converge_are_none(
    f: Callable[[Tensor], Tensor], has_gradient: bool, has_variance: bool
) -> None:
    assert (exact.gradient(f, MEANS, 1.0) is not None) == has_gradient
    assert (exact.variance(f, ScoreFunction(), MEANS, 1.0) is not None) == has_variance
