"""KID unbiased, PRDC by the reference formulas, sliced Wasserstein and the Inception Score in closed form."""

import math

import pytest
import torch
from stats import check_mean

from arzhang.errors import UsageError
from arzhang.metrics import kernel, neighbours


def draw(n: int, d: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def kid_by_hand(x: torch.Tensor, y: torch.Tensor) -> float:
    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(x), len(y)
    own = (k(x, x).sum() - k(x, x).diagonal().sum()) / (n * (n - 1))
    other = (k(y, y).sum() - k(y, y).diagonal().sum()) / (m * (m - 1))
    return float(own + other - 2 * k(x, y).mean())


@pytest.mark.parametrize(("n", "m"), [(2, 3), (25, 40), (1_100, 1_030)])
def test_kid_is_the_formula_whatever_the_chunks(n, m):
    x, y = draw(n, 5, 0), draw(m, 5, 1, 0.3)
    assert kernel.kid(x, y).value == pytest.approx(kid_by_hand(x, y), rel=1e-9)


def test_products_in_float32_change_neither_kid_nor_neighbours():
    x, y = ((1 + seed / 20) * draw(1_500, 256, seed, 0.3).relu().float() for seed in (0, 1))
    single, double = kernel.kid(x, y), kernel.kid(x.double(), y.double())
    assert single.value == pytest.approx(double.value, abs=1e-8)
    for found, truth in zip(neighbours.prdc(x, y), neighbours.prdc(x.double(), y.double()), strict=True):
        assert found.value == pytest.approx(truth.value, abs=2 / 1_500)


def test_kid_is_unbiased_and_its_error_is_its_spread():
    alike = [kernel.kid(draw(30, 4, 2 * s), draw(30, 4, 2 * s + 1)) for s in range(1_000)]
    check_mean(torch.tensor([e.value for e in alike], dtype=torch.float64), 0.0, planted=0.1)
    apart = [kernel.kid(draw(200, 4, 2 * s), draw(200, 4, 2 * s + 1, 0.5)) for s in range(60)]
    values = torch.tensor([e.value for e in apart])
    assert 0.7 < sum(e.uncertainty for e in apart) / len(apart) / float(values.std()) < 1.5


def prdc_by_hand(real, made, k):
    """Naeem et al. 2020, their equations written with whole matrices."""
    own = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    others = torch.cdist(made, made).kthvalue(k + 1, dim=1).values
    apart = torch.cdist(real, made)
    return (
        (apart < own[:, None]).any(0).double().mean(),
        (apart < others[None]).any(1).double().mean(),
        (apart < own[:, None]).sum(0).double().mean() / k,
        (apart.min(1).values < own).double().mean(),
    )


@pytest.mark.parametrize(("n", "m"), [(30, 50), (1_100, 1_050)])
def test_prdc_is_the_reference(n, m):
    real, made = draw(n, 6, 0), draw(m, 6, 1, 0.4)
    found = neighbours.prdc(real, made, k=5)
    for estimate, truth in zip(found, prdc_by_hand(real, made, 5), strict=True):
        assert estimate.value == pytest.approx(float(truth), abs=1e-12)
        assert estimate.uncertainty is not None


def test_dropped_modes_and_outliers_are_told_apart():
    real = torch.cat([draw(300, 2, 0), draw(300, 2, 1, 20.0)])
    dropped = neighbours.prdc(real, draw(600, 2, 2))  # one of two modes
    assert dropped.precision.value > 0.9
    assert dropped.recall.value < 0.6
    assert dropped.coverage.value < 0.6
    outliers = neighbours.prdc(real, torch.cat([draw(300, 2, 2), draw(300, 2, 3, 200.0)]))
    assert outliers.precision.value < 0.6


def test_nearest():
    real = draw(2_000, 3, 0)
    distances, indices = neighbours.nearest(real[[5, 1_999]] + 1e-6, real, k=2)
    assert indices[:, 0].tolist() == [5, 1_999]
    assert (distances[:, 0] < 1e-5).all()


def test_sliced_wasserstein_of_a_shift():
    x = draw(3_000, 8, 0)
    found = kernel.sliced_wasserstein(x, x + 2.0, torch.Generator().manual_seed(0), 2_000)
    # a shift v moves each projection by v·u: the mean of (v·u)² over the sphere is |v|²/d
    assert found.value == pytest.approx(2.0, rel=0.1)
    assert kernel.sliced_wasserstein(x, x, torch.Generator().manual_seed(0)).value == 0


def test_inception_score():
    sure = torch.eye(10).repeat(10, 1)[torch.randperm(100, generator=torch.Generator().manual_seed(0))]
    assert kernel.inception_score(torch.eye(10).repeat(10, 1)).value == pytest.approx(10.0)
    assert kernel.inception_score(sure, splits=1).value == pytest.approx(10.0)
    assert kernel.inception_score(torch.full((50, 10), 0.1)).value == pytest.approx(1.0)
    assert math.isclose(kernel.inception_score(torch.eye(10)[:1].repeat(20, 1)).value, 1.0)


def test_refusals():
    for function in (
        lambda: kernel.kid(draw(1, 2, 0), draw(5, 2, 0)),
        lambda: kernel.kid(draw(5, 2, 0), draw(5, 3, 0)),
        lambda: neighbours.prdc(draw(5, 2, 0), draw(50, 2, 0)),
        lambda: kernel.sliced_wasserstein(draw(0, 2, 0), draw(5, 2, 0), torch.Generator()),
        lambda: kernel.inception_score(torch.full((5, 10), 0.1)),
    ):
        with pytest.raises(UsageError):
            function()
