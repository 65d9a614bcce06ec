"""Divergences: by quadrature, the table of truths, Monte Carlo; symmetry, zero, gradients, far apart in float32."""

import math

import pytest
import torch
from scipy import integrate
from stats import check_mean
from torch import Tensor
from torch.distributions import Categorical, Exponential, Independent, MixtureSameFamily, MultivariateNormal, Normal

from arzhang import divergences as D
from arzhang.errors import UsageError


def t(*values: float) -> Tensor:
    return torch.tensor(values[0] if len(values) == 1 else values, dtype=torch.float64)


def mix(weights, means, scales) -> MixtureSameFamily:
    """One-dimensional, or of diagonal components where means are rows."""
    weights, means, scales = (torch.as_tensor(x, dtype=torch.float64) for x in (weights, means, scales))
    parts = Normal(means, scales) if means.ndim == 1 else Independent(Normal(means, scales), 1)
    return MixtureSameFamily(Categorical(weights), parts)


def covariance(d: int, generator: torch.Generator, batch: tuple[int, ...] = ()) -> Tensor:
    a = torch.randn(*batch, d, d, generator=generator, dtype=torch.float64)
    return a @ a.mT / d + 0.1 * torch.eye(d, dtype=torch.float64)


def log_overlap_1d(p, q) -> float:
    def density(x: float) -> float:
        return float((p.log_prob(t(x)) + q.log_prob(t(x))).exp())

    return math.log(integrate.quad(density, -60, 60, limit=500, points=[-5, 0, 5])[0])


def kl_1d(p, q) -> float:
    x = torch.linspace(-40, 40, 800_001, dtype=torch.float64)
    log_p, log_q = p.log_prob(x), q.log_prob(x)
    return float(torch.trapezoid(log_p.exp() * (log_p - log_q), x))


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_two_normals_of_equal_variance(shift, sigma):
    p, q = Normal(t(0.2), t(sigma)), Normal(t(0.2 + shift), t(sigma))
    closed = D.cauchy_schwarz(p, q)
    assert abs(closed - shift**2 / (4 * sigma**2)) < 1e-12
    quadrature = (log_overlap_1d(p, p) + log_overlap_1d(q, q)) / 2 - log_overlap_1d(p, q)
    assert abs(closed - quadrature) < 1e-10
    assert abs(D.kl(p, q) / 2 - closed) < 1e-12
    assert D.cauchy_schwarz(p, q, squared=True) == 2 * closed


@pytest.mark.parametrize("seed", range(4))
def test_mixtures_of_one_dimension_against_quadrature(seed):
    g = torch.Generator().manual_seed(seed)
    p, q = (
        mix(torch.rand(k, generator=g) + 0.1, torch.randn(k, generator=g), torch.rand(k, generator=g) + 0.2)
        for k in (2, 3)
    )
    for a, b in ((p, q), (p, p), (q, p)):
        assert abs(D.log_overlap(a, b) - log_overlap_1d(a, b)) < 1e-9
    assert abs(D.cauchy_schwarz(p, q) - D.cauchy_schwarz(q, p)) < 1e-12


def test_mixtures_of_two_dimensions_against_quadrature():
    g = torch.Generator().manual_seed(3)
    full = MixtureSameFamily(
        Categorical(torch.rand(2, generator=g, dtype=torch.float64) + 0.2),
        MultivariateNormal(torch.randn(2, 2, generator=g, dtype=torch.float64), covariance(2, g, (2,))),
    )
    diagonal = mix([0.3, 0.7], torch.randn(2, 2, generator=g), torch.rand(2, 2, generator=g) + 0.4)
    axis = torch.linspace(-12, 12, 1201, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1)
    for p, q in ((full, diagonal), (full, full), (diagonal, diagonal), (diagonal, full)):
        sums = torch.trapezoid(torch.trapezoid((p.log_prob(grid) + q.log_prob(grid)).exp(), axis), axis)
        assert abs(D.log_overlap(p, q) - sums.log()) < 1e-8


def test_eight_dimensions_against_monte_carlo():
    g = torch.Generator().manual_seed(5)
    p = mix([0.4, 0.6], torch.randn(2, 8, generator=g) / 2, torch.rand(2, 8, generator=g) + 0.7)
    q = mix([0.1, 0.5, 0.4], torch.randn(3, 8, generator=g) / 2, torch.rand(3, 8, generator=g) + 0.7)
    x = D.sample(p, 200_000, g)
    values = q.log_prob(x).exp()
    truth = D.log_overlap(p, q).exp()
    check_mean(values, truth, planted=0.1 * float(truth))


def test_samples_and_densities_are_the_mixtures_own():
    g = torch.Generator().manual_seed(6)
    full = MultivariateNormal(torch.randn(3, 2, generator=g, dtype=torch.float64), covariance(2, g, (3,)))
    p = MixtureSameFamily(Categorical(t(0.2, 0.3, 0.5)), full)
    x = D.sample(p, 100_000, g)
    assert torch.allclose(D.log_prob(p, x), p.log_prob(x))
    check_mean(x, p.mean, planted=0.1)
    check_mean((x - p.mean) ** 2, p.variance, planted=0.2)


PAIRS = {
    "normals": lambda g: (Normal(t(0.3), t(0.8)), Normal(t(-1.0), t(1.7))),
    "diagonal": lambda g: tuple(
        Independent(Normal(torch.randn(4, generator=g).double(), torch.rand(4, generator=g).double() + 0.3), 1)
        for _ in "pq"
    ),
    "full": lambda g: tuple(
        MultivariateNormal(torch.randn(3, generator=g, dtype=torch.float64), covariance(3, g)) for _ in "pq"
    ),
    "mixtures": lambda g: (mix([0.3, 0.7], [0.0, 2.0], [0.5, 1.0]), mix([0.5, 0.5], [-1.0, 1.0], [1.0, 0.3])),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_symmetric_and_zero_on_itself(kind):
    p, q = PAIRS[kind](torch.Generator().manual_seed(1))
    assert torch.allclose(D.cauchy_schwarz(p, q), D.cauchy_schwarz(q, p))
    assert D.cauchy_schwarz(p, q) > 0.01
    assert D.cauchy_schwarz(p, p) == 0
    if kind != "mixtures":
        for zero in (D.kl, D.bhattacharyya, D.hellinger, D.wasserstein2):
            assert abs(zero(p, p)) < 1e-6
            assert zero(p, q) > 0.01


@pytest.mark.parametrize("kind", ["normals", "diagonal", "full"])
def test_gaussian_divergences_agree_with_torch_and_definitions(kind):
    p, q = PAIRS[kind](torch.Generator().manual_seed(2))
    assert torch.allclose(D.kl(p, q), torch.distributions.kl_divergence(p, q), atol=1e-6)
    overlap = -D.bhattacharyya(p, q)
    assert torch.allclose(D.hellinger(p, q), (1 - overlap.exp()).sqrt())
    assert torch.allclose(D.renyi(p, q, 1 - 1e-6), D.kl(p, q), atol=1e-4, rtol=1e-3)
    assert torch.allclose(D.renyi(p, q, 0.3) * 0.7, D.renyi(q, p, 0.7) * 0.3, atol=1e-6)  # skew symmetry


def test_renyi_by_quadrature_and_its_infinity():
    p, q = Normal(t(0.3), t(0.8)), Normal(t(-1.0), t(1.7))
    x = torch.linspace(-40, 40, 400_001, dtype=torch.float64)
    for alpha in (0.25, 0.5, 2.0):
        integral = torch.trapezoid((alpha * p.log_prob(x) + (1 - alpha) * q.log_prob(x)).exp(), x)
        assert abs(D.renyi(p, q, alpha) - integral.log() / (alpha - 1)) < 1e-9
    assert D.renyi(q, p, 3.0) == math.inf
    full = [MultivariateNormal(d.mean.reshape(1), d.variance.reshape(1, 1)) for d in (p, q)]
    for alpha in (0.25, 2.0):
        assert torch.allclose(D.renyi(*full, alpha), D.renyi(p, q, alpha))
    assert D.renyi(full[1], full[0], 3.0) == math.inf


def test_wasserstein_of_rotated_gaussians():
    # of commuting covariances: the diagonal formula in their common axes
    g = torch.Generator().manual_seed(4)
    axes, _ = torch.linalg.qr(torch.randn(3, 3, generator=g, dtype=torch.float64))
    s, u = (torch.rand(3, generator=g, dtype=torch.float64) + 0.2 for _ in "st")
    p, q = (MultivariateNormal(torch.zeros(3, dtype=torch.float64), axes @ v.diag() @ axes.mT) for v in (s, u))
    assert torch.allclose(D.wasserstein2(p, q), (s.sqrt() - u.sqrt()).square().sum())


@pytest.mark.parametrize("d", range(1, 9))
def test_the_bound_is_a_theorem_for_gaussians(d):
    g = torch.Generator().manual_seed(d)
    n = 12_500  # 100,000 pairs in all
    p, q = (
        MultivariateNormal(2 * torch.randn(n, d, generator=g, dtype=torch.float64), covariance(d, g, (n,)))
        for _ in "pq"
    )
    bound = D.cauchy_schwarz_bound(p, q)
    assert bound.theorem
    assert bound.holds.all()
    assert not D.cauchy_schwarz_bound(p, q, squared=True).holds.all()  # which such pairs would show


def test_the_bound_fails_in_the_squared_convention():
    p, q = Normal(t(0.0), t(1.0)), Normal(t(3.0), t(2.0))
    bound = D.cauchy_schwarz_bound(p, q, squared=True)
    assert abs(bound.cauchy_schwarz - 2.023) < 5e-4
    assert abs(bound.least_kl - 1.443) < 5e-4
    assert not bound.holds
    assert not bound.theorem


def test_the_bound_fails_for_mixtures():
    p, q = mix([0.7, 0.3], [0.0, 0.0], [1.0, 0.05]), Normal(t(0.0), t(1.0))
    bound = D.cauchy_schwarz_bound(p, q, samples=400_000, generator=torch.Generator().manual_seed(0))
    assert abs(bound.cauchy_schwarz - 0.413) < 5e-4
    assert not bound.holds
    assert not bound.theorem
    forward, backward = kl_1d(p, q), kl_1d(q, p)
    assert abs(forward - 0.311) < 5e-4 or abs(backward - 0.311) < 5e-4
    assert abs(min(forward, backward) - 0.204) < 5e-4
    assert abs(bound.least_kl - min(forward, backward)) < 5 * bound.error


def test_a_component_that_shrinks_takes_the_divergence_to_infinity_and_not_the_kl():
    q = Normal(t(0.0), t(1.0))
    values = [(mix([0.7, 0.3], [0.0, 0.0], [1.0, 10.0**-k])) for k in (2, 4, 8)]
    found = [float(D.cauchy_schwarz(p, q)) for p in values]
    assert found[0] < found[1] < found[2]
    assert found[2] > 6
    assert float(-math.log(0.7)) < 0.36  # KL(q‖p) ≤ −log 0.7, whatever the width


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_where_densities_underflow(dtype):
    one = torch.ones(2, 3, dtype=dtype)
    weights = Categorical(torch.ones(2, dtype=dtype))
    p = MixtureSameFamily(weights, Independent(Normal(one * 0, one), 1))
    mean = (one * 1e4).requires_grad_()
    q = MixtureSameFamily(weights, Independent(Normal(mean, one), 1))
    value = D.cauchy_schwarz(p, q)
    value.backward()
    assert value.item() == pytest.approx(3 * 1e8 / 4, rel=1e-5)
    assert mean.grad is not None
    assert mean.grad.isfinite().all()
    cholesky = MultivariateNormal(torch.full((3,), 1e4, dtype=dtype), torch.eye(3, dtype=dtype))
    assert D.cauchy_schwarz(p, cholesky).isfinite()


def test_gradients():
    def diagonal(w, m, s, n, u):
        p = MixtureSameFamily(Categorical(logits=w), Independent(Normal(m, s.exp()), 1))
        return D.cauchy_schwarz(p, Independent(Normal(n, u.exp()), 1))

    def full(m, a, n, b):
        def gaussian(mean, root):
            return MultivariateNormal(mean, root @ root.mT + torch.eye(2, dtype=torch.float64))

        p, q = gaussian(m, a), gaussian(n, b)
        return D.cauchy_schwarz(p, q) + D.kl(p, q) + D.renyi(p, q, 0.5) + D.wasserstein2(p, q)

    g = torch.Generator().manual_seed(0)

    def leaf(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64).requires_grad_()

    assert torch.autograd.gradcheck(diagonal, (leaf(3), leaf(3, 2), leaf(3, 2), leaf(2), leaf(2)))
    assert torch.autograd.gradcheck(full, (leaf(2), leaf(2, 2), leaf(2), leaf(2, 2)))


def test_batches_broadcast():
    p = Independent(Normal(torch.randn(5, 1, 3), torch.ones(5, 1, 3)), 1)
    prior = MixtureSameFamily(Categorical(torch.ones(4)), Independent(Normal(torch.randn(4, 3), torch.ones(4, 3)), 1))
    assert D.cauchy_schwarz(p, prior).shape == (5, 1)
    q = Independent(Normal(torch.randn(2, 3), torch.ones(2, 3)), 1)
    both = D.cauchy_schwarz(p, q)
    assert both.shape == (5, 2)
    assert torch.allclose(both[3, 1], D.cauchy_schwarz(Normal(p.mean[3, 0], 1.0), Normal(q.mean[1], 1.0)).sum())


def test_monte_carlo_and_bounds_of_the_kl():
    g = torch.Generator().manual_seed(8)
    for _ in range(6):
        p, q = (
            mix(torch.rand(3, generator=g) + 0.1, 2 * torch.randn(3, generator=g), torch.rand(3, generator=g) + 0.3)
            for _ in "pq"
        )
        truth = kl_1d(p, q)
        lower, upper = D.kl_bounds(p, q)
        assert lower <= truth <= upper
        value, error = D.kl_monte_carlo(p, q, 200_000, g)
        assert abs(value - truth) < 5 * error
        assert error < 0.05
        assert D.kl_bounds(p, p).upper < 1e-9 + D.kl_bounds(p, q).upper
    g1, g2 = Normal(t(0.0), t(1.0)), Normal(t(1.0), t(2.0))
    assert abs(D.kl_bounds(g1, g2).upper - D.kl(g1, g2)) < 1e-9


@pytest.mark.parametrize(
    ("function", "phrase"),
    [
        (lambda: D.kl(mix([1, 1], [0, 1], [1, 1]), Normal(t(0.0), t(1.0))), "kl_monte_carlo"),
        (lambda: D.wasserstein2(mix([1, 1], [0, 1], [1, 1]), Normal(t(0.0), t(1.0))), "no closed form"),
        (lambda: D.cauchy_schwarz(Exponential(t(1.0)), Normal(t(0.0), t(1.0))), "Exponential: closed forms exist here"),
        (
            lambda: D.log_overlap(
                Independent(Normal(torch.zeros(3), torch.ones(3)), 1), MultivariateNormal(torch.zeros(2), torch.eye(2))
            ),
            "p has 3 dimensions, q has 2",
        ),
        (lambda: D.kl(Normal(torch.zeros(3), 1.0), Normal(torch.zeros(2), 1.0)), "do not broadcast"),
        (lambda: D.renyi(Normal(t(0.0), 1.0), Normal(t(0.0), 1.0), 1.0), "not 1"),
        (lambda: D.kl_monte_carlo(Normal(t(0.0), 1.0), Normal(t(0.0), 1.0), 1), "at least 2"),
    ],
)
def test_refusals(function, phrase):
    with pytest.raises(UsageError, match=phrase.replace("(", r"\(").replace(")", r"\)")):
        function()
