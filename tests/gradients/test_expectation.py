"""expectation and per_sample_gradients: exact on one sample, through networks, under vmap, refusing."""

import math
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from combinations import f64, seeded, summed, wave
from stats import check_mean
from torch import Tensor, nn
from torch.distributions import (
    Bernoulli,
    Categorical,
    Exponential,
    Gamma,
    Independent,
    MixtureSameFamily,
    Normal,
    OneHotCategorical,
    Poisson,
    TransformedDistribution,
    Uniform,
)
from torch.distributions.transforms import AffineTransform

from arzhang.errors import UsageError
from arzhang.gradients import (
    Enumerate,
    Estimator,
    FiniteDifference,
    GumbelSoftmax,
    MeasureValued,
    Pathwise,
    ScoreFunction,
    StraightThrough,
    ZeroGradientWarning,
    expectation,
    per_sample_gradients,
)

# --- Exact on one sample --------------------------------------------------------------------------------------------


def test_one_pathwise_sample() -> None:
    """d/dμ sin(μ + σε) = cos z and d/dσ = ε cos z."""
    μ, σ = f64(0.3).requires_grad_(), f64(0.7).requires_grad_()
    ε = torch.randn(1, 1, dtype=torch.float64, generator=seeded())
    z = μ.detach() + σ.detach() * ε
    value = expectation(torch.sin, Normal(μ, σ), generator=seeded())
    value.backward()
    assert value.item() == pytest.approx(z.sin().item(), abs=1e-15)
    assert μ.grad.item() == pytest.approx(z.cos().item(), abs=1e-15)
    assert σ.grad.item() == pytest.approx((ε * z.cos()).item(), abs=1e-15)


def test_one_score_function_sample() -> None:
    """f(z)·(z − μ)/σ² and f(z)·((z − μ)²/σ³ − 1/σ); with a baseline, f less that."""
    μ, σ = f64(0.3).requires_grad_(), f64(0.7).requires_grad_()
    z = 0.3 + 0.7 * torch.randn(1, 1, dtype=torch.float64, generator=seeded())
    for baseline, b in ((None, 0.0), (lambda d: d.mean, 0.3)):
        gradients = per_sample_gradients(
            torch.sin, Normal(μ, σ), estimator=ScoreFunction(baseline), n=1, generator=seeded()
        )
        weight = z.sin() - b
        torch.testing.assert_close(gradients["loc"], weight * (z - 0.3) / 0.49, rtol=1e-14, atol=0)
        torch.testing.assert_close(gradients["scale"], weight * ((z - 0.3) ** 2 / 0.343 - 1 / 0.7), rtol=1e-13, atol=0)


def test_one_measure_valued_sample() -> None:
    """γ of assignment 1c for one pair: [f(μ + σy⁺) − f(μ − σy⁻)] / σ√(2π)."""
    μ = f64(0.3).requires_grad_()
    g = seeded()
    y, x = ((-2 * torch.log1p(-torch.rand(1, 1, dtype=torch.float64, generator=g))).sqrt() for _ in range(2))
    γ = (torch.sin(0.3 + 0.7 * y) - torch.sin(0.3 - 0.7 * x)) / (0.7 * math.sqrt(2 * math.pi))
    gradient = per_sample_gradients(torch.sin, Normal(μ, 0.7), estimator=MeasureValued(), n=1, generator=seeded())
    torch.testing.assert_close(gradient["loc"], γ, rtol=1e-14, atol=0)


def test_leave_one_out_and_optimal_by_hand() -> None:
    μ = f64(0.3).requires_grad_()
    z = 0.3 + torch.randn(4, 1, dtype=torch.float64, generator=seeded())
    s, values = z - 0.3, z**2
    for name in ("leave_one_out", "optimal"):
        by_hand = []
        for i in range(4):
            others = [j for j in range(4) if j != i]
            weights = torch.ones(3, 1) if name == "leave_one_out" else s[others] ** 2
            b = (weights * values[others]).sum() / weights.sum()
            by_hand.append((values[i] - b) * s[i])
        got = per_sample_gradients(
            torch.square, Normal(μ, 1.0), estimator=ScoreFunction(name), n=4, generator=seeded()
        )["loc"]
        torch.testing.assert_close(got, torch.stack(by_hand), rtol=1e-12, atol=1e-14)


def test_a_finite_difference_by_hand() -> None:
    μ = f64(0.3).requires_grad_()
    z = 0.3 + torch.randn(5, 1, dtype=torch.float64, generator=seeded())
    h = 2**-10
    got = per_sample_gradients(torch.sin, Normal(μ, 1.0), estimator=FiniteDifference(), n=5, generator=seeded())["loc"]
    torch.testing.assert_close(got, (torch.sin(z + h) - torch.sin(z - h)) / (2 * h), rtol=0, atol=1e-11)


def test_enumerate_is_exact() -> None:
    θ = f64(0.2, -0.7, 1.1).requires_grad_()
    dist = Independent(Bernoulli(logits=θ), 1)
    value = expectation(lambda z: (z * f64(1, 2, 4)).sum(-1) ** 2, dist, estimator=Enumerate(), n=7)
    value.backward()
    p = θ.detach().sigmoid()
    mean, variance = (p * f64(1, 2, 4)).sum(), (p * (1 - p) * f64(1, 4, 16)).sum()
    assert value.item() == pytest.approx((mean**2 + variance).item(), abs=1e-13)
    by_p = 2 * mean * f64(1, 2, 4) + (1 - 2 * p) * f64(1, 4, 16)
    torch.testing.assert_close(θ.grad, by_p * p * (1 - p), rtol=1e-12, atol=0)


def test_what_is_biased_says_so_and_is() -> None:
    """f = z², Bernoulli: the truth is 1. Straight-through gives E[2z] = 0.4, and Gumbel-softmax also strays."""
    p = f64(0.2).requires_grad_()
    for estimator, mean in ((StraightThrough(), 0.4), (GumbelSoftmax(0.5), None)):
        assert type(estimator).biased
        assert "BIASED" in (type(estimator).__doc__ or "")
        got = per_sample_gradients(
            torch.square, Bernoulli(probs=p), estimator=estimator, n=100_000, generator=seeded()
        )["probs"]
        if mean is not None:
            check_mean(got[:, 0], mean, planted=0.05)
        assert abs(got.mean().item() - 1) > 0.1
    assert not any(e.biased for e in (Pathwise, ScoreFunction, MeasureValued, Enumerate))


def test_gumbel_softmax_goes_to_the_truth_with_its_temperature() -> None:
    """f linear in a one-hot z: the bias at temperature 0.05 is under 0.03."""
    logits = f64(0.3, -0.2, 0.5).requires_grad_()
    got = per_sample_gradients(
        lambda z: (z * f64(1, 2, 4)).sum(-1),
        OneHotCategorical(logits=logits),
        estimator=GumbelSoftmax(0.05),
        n=200_000,
        generator=seeded(),
    )["logits"]
    p = logits.detach().softmax(-1)
    truth = p * (f64(1, 2, 4) - (p * f64(1, 2, 4)).sum())
    assert (got.mean(0) - truth).abs().max() < 0.03


# --- Networks, f's own parameters, batches and events ---------------------------------------------------------------


@pytest.mark.parametrize("estimator", [Pathwise(), ScoreFunction(), ScoreFunction("leave_one_out"), MeasureValued()])
def test_gradients_reach_networks_on_both_sides(estimator: Estimator) -> None:
    """E[w·z²] = w(μ² + σ²) with μ from a network: d/dw is exact, d/d(network) too. Planted: 0.1."""
    torch.manual_seed(0)
    network = nn.Linear(3, 2).double()
    w = f64(1.5).requires_grad_()
    x = torch.randn(4, 3, dtype=torch.float64)
    grads = []
    for seed in range(1000):
        dist = Independent(Normal(network(x), 0.5), 1)
        value = expectation(lambda z: w * (z**2).sum(-1), dist, estimator=estimator, n=2, generator=seeded(seed))
        assert value.shape == (4,)
        grads.append(torch.autograd.grad(value.sum(), [network.bias, w]))
    by_bias, by_w = (torch.stack(g) for g in zip(*grads, strict=True))
    mean = network(x).detach()
    check_mean(by_bias / 50, 2 * 1.5 * mean.sum(0) / 50, planted=1.0)
    check_mean(by_w[:, 0] / 10, ((mean**2).sum() + 8 * 0.25) / 10, planted=0.1)


def test_f_without_parameters_of_the_distribution() -> None:
    value = expectation(wave, Normal(f64(0.5), 1.0), n=3, generator=seeded())
    assert not value.requires_grad
    singles = per_sample_gradients(wave, Normal(f64(0.5), f64(1.0)), n=3, generator=seeded())
    assert set(singles) == {"loc", "scale"}


@pytest.mark.parametrize("estimator", [Pathwise(antithetic=True), Pathwise(sobol=True)])
def test_antithetic_and_sobol(estimator: Estimator) -> None:
    """Right, from fewer draws; refused for single samples, where there is no inverse distribution function, n odd."""
    μ = f64(0.5, -1).requires_grad_()
    value = expectation(torch.sin, Normal(μ, 1.0), estimator=estimator, n=4096, generator=seeded())
    value.sum().backward()
    truth = math.exp(-0.5) * μ.detach().cos()
    assert (μ.grad - truth).abs().max() < (0.02 if estimator.antithetic else 1e-4)
    exponential = expectation(torch.sin, Exponential(f64(1.0)), estimator=estimator, n=4096, generator=seeded())
    assert exponential.item() == pytest.approx(0.5, abs=0.02)
    with pytest.raises(UsageError, match="draws belong together"):
        per_sample_gradients(torch.sin, Normal(μ, 1.0), estimator=estimator, n=4)
    with pytest.raises(UsageError, match="inverse distribution function"):
        expectation(torch.sin, Gamma(μ.exp(), 1.0), estimator=estimator, n=4)


def test_antithetic_is_exact_for_a_linear_f() -> None:
    μ = f64(0.5).requires_grad_()
    value = expectation(lambda z: 3 * z, Normal(μ, 1.0), estimator=Pathwise(antithetic=True), n=2, generator=seeded())
    assert value.item() == pytest.approx(1.5, abs=1e-14)
    with pytest.raises(UsageError, match="n must be even"):
        expectation(wave, Normal(μ, 1.0), estimator=Pathwise(antithetic=True), n=3)


# --- vmap and generators --------------------------------------------------------------------------------------------


def test_events_and_discrete_under_vmap() -> None:
    μ = f64(-1, 0, 2)
    for f, make, estimator in (
        (summed, lambda m: Independent(Normal(torch.stack([m, 2 * m]), 1.0), 1), MeasureValued()),
        (wave, lambda m: Poisson(m.exp()), MeasureValued()),
        (wave, lambda m: Gamma(2.0, m.exp()), ScoreFunction()),
        (wave, lambda m: Bernoulli(logits=m), Enumerate()),
    ):
        got = torch.func.vmap(
            torch.func.grad(lambda m, f=f, make=make, e=estimator: expectation(f, make(m), estimator=e, n=8))
        )(μ)
        assert got.shape == (3,)
        assert got.isfinite().all()
    with pytest.raises(UsageError, match="cannot draw from Gamma under vmap"):
        torch.func.vmap(lambda m: expectation(wave, Gamma(m.exp(), 1.0)))(μ)


def test_a_generator_decides_everything_and_leaves_torchs_alone() -> None:
    μ = f64(0.5).requires_grad_()
    for estimator in (Pathwise(), ScoreFunction(), MeasureValued(), FiniteDifference(), Pathwise(sobol=True)):
        torch.manual_seed(9)
        before = torch.get_rng_state()
        g = seeded(3)
        first, second = (expectation(wave, Normal(μ, 1.0), estimator=estimator, n=4, generator=g) for _ in range(2))
        again = expectation(wave, Normal(μ, 1.0), estimator=estimator, n=4, generator=seeded(3))
        assert first.item() == again.item() != second.item()
        assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(3)
    drawn = expectation(wave, Normal(μ, 1.0), n=4)  # none given: torch's own
    assert drawn.item() == expectation(wave, Normal(μ, 1.0), n=4, generator=seeded(3)).item()


def test_a_distribution_can_be_used_twice() -> None:
    θ = f64(0.3).requires_grad_()
    dist = Bernoulli(logits=θ)
    dist.probs  # noqa: B018  torch keeps it, with a graph that the first backward uses up
    for estimator in (MeasureValued(), ScoreFunction("delta"), Enumerate(), StraightThrough()):
        for _ in range(2):
            expectation(torch.square, dist, estimator=estimator, n=3).sum().backward()


# --- Cost -----------------------------------------------------------------------------------------------------------


def test_a_thousand_dimensions_in_chunks(caplog: pytest.LogCaptureFixture) -> None:
    """D = 1000, both parameters: 4000 evaluations a sample, never more than `limit` numbers at once. Planted: 0.2."""
    d, limit, largest, calls = 1000, 50_000, 0, 0

    def f(z: Tensor) -> Tensor:
        nonlocal largest, calls
        largest, calls = max(largest, z.numel()), calls + z.shape[0]
        return (z**2).sum(-1) / 2

    loc = torch.linspace(-1, 1, d, dtype=torch.float64).requires_grad_()
    scale = torch.ones(d, dtype=torch.float64).requires_grad_()
    dist = Independent(Normal(loc, scale), 1)
    estimator = MeasureValued("shared", limit=limit)
    with caplog.at_level("INFO", logger="arzhang.gradients"):
        expectation(f, dist, estimator=estimator, n=2, generator=seeded()).backward()
    assert estimator.evaluations(dist, 2) == 8000
    assert calls == 8000 + 2
    assert largest <= limit
    assert "4000 evaluations of f" in caplog.text
    # ∂E/∂μ_d = μ_d, ∂E/∂σ_d = σ_d; the mean over coordinates of independent estimates
    check_mean((loc.grad - loc.detach()), 0.0, planted=0.2)
    check_mean(scale.grad, 1.0, planted=1.0)


def test_evaluations() -> None:
    both = Normal(f64(0.0).requires_grad_(), f64(1.0).requires_grad_())
    assert Pathwise().evaluations(both, 10) == 10
    assert ScoreFunction().evaluations(both, 10) == 10
    assert MeasureValued().evaluations(both, 10) == 40
    assert MeasureValued().evaluations(Normal(f64(0.0).requires_grad_(), 1.0), 10) == 20
    assert Enumerate().evaluations(Independent(Bernoulli(logits=f64(1, 2, 3)), 1), 10) == 8
    three = Categorical(logits=f64(1, 2, 3).requires_grad_())
    assert MeasureValued().evaluations(three) == FiniteDifference().evaluations(three) == 6


# --- What is refused ------------------------------------------------------------------------------------------------


def refuses(match: str, **changes: object) -> None:
    given = {"f": wave, "dist": Normal(f64(0.5).requires_grad_(), 1.0), "n": 4} | changes
    f, dist = given.pop("f"), given.pop("dist")
    for function in (expectation, per_sample_gradients):
        with pytest.raises(UsageError, match=match) as caught:
            function(f, dist, **given)
        assert "\n" not in str(caught.value)


def test_bad_input_is_named() -> None:
    refuses(r"n = 0: the number of samples", n=0)
    refuses(r"scale = -1\.0: must satisfy > 0", dist=Normal(f64(0.0), f64(-1.0), validate_args=False))
    refuses(r"scale = 0\.0: must satisfy > 0", dist=Normal(f64(0.0), f64(0.0), validate_args=False))
    refuses(r"loc = nan", dist=Normal(f64(math.nan), f64(1.0), validate_args=False))
    refuses(r"f: gave shape \(4,\) for z of shape \(4, 1\).*here \(4, 1\)", f=lambda z: z.sum(-1))
    refuses(r"f: gave a float", f=lambda z: 1.0)
    refuses(r"f: gave torch.bool", f=lambda z: z > 0)
    refuses(r"f: gave NaN for \d of 4 samples, first for z = -", f=torch.log, n=4, generator=None)
    refuses(r"leave_one_out.*n = 1", estimator=ScoreFunction("leave_one_out"), n=1)
    refuses(r"support of Uniform depends", dist=Uniform(0.0, f64(1).requires_grad_()), estimator=ScoreFunction())
    refuses(r"does not fit the batch", estimator=ScoreFunction(lambda d: torch.zeros(7)))
    refuses(r"baseline: gave NaN", estimator=ScoreFunction(lambda d: torch.tensor(math.nan)))
    hidden = TransformedDistribution(Normal(f64(0.0), f64(-1.0), validate_args=False), [AffineTransform(1.0, 2.0)])
    refuses(r"scale = -1\.0: must satisfy > 0", dist=hidden)
    refuses(r"takes probs out of", dist=Bernoulli(f64(1e-6).requires_grad_()), estimator=FiniteDifference())
    refuses(r"1,048,576 values", dist=Independent(Bernoulli(torch.full((20,), 0.5)), 1), estimator=Enumerate())
    refuses(r"pathwise.*|Pathwise: Poisson.*Available here: ScoreFunction", dist=Poisson(f64(1).requires_grad_()))


def test_unknown_distributions() -> None:
    mixture = MixtureSameFamily(Categorical(logits=f64(0, 1)), Normal(f64(0, 1).requires_grad_(), 1.0))
    expectation(wave, mixture, estimator=ScoreFunction(), n=4).backward()
    with pytest.raises(UsageError, match="MixtureSameFamily: an unknown distribution"):
        expectation(wave, mixture, estimator=MeasureValued())
    with pytest.raises(UsageError, match="MixtureSameFamily: an unknown distribution"):
        per_sample_gradients(wave, mixture, estimator=ScoreFunction(), n=2)
    moved = TransformedDistribution(Normal(f64(0), f64(1)), [AffineTransform(f64(1).requires_grad_(), 2.0)])
    expectation(wave, moved, n=4).backward()
    with pytest.raises(UsageError, match="parameters of AffineTransform cannot be read"):
        per_sample_gradients(wave, moved, n=4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Pathwise(antithetic=True, sobol=True),
        lambda: FiniteDifference(0.0),
        lambda: GumbelSoftmax(0.0),
    ],
)
def test_options_that_make_no_sense(make: Callable[[], Estimator]) -> None:
    with pytest.raises(UsageError):
        make()


WRONG_TYPES = """
from torch.distributions import Normal
from arzhang.gradients import *
from arzhang.gradients.weak import weak_derivative
normal = Normal(0.0, 1.0)
for wrong in (
    lambda: ScoreFunction("none"),
    lambda: MeasureValued("both"),
    lambda: expectation(abs, "normal"),
    lambda: expectation(abs, normal, n=1.5),
    lambda: expectation(abs, normal, estimator="pathwise"),
    lambda: expectation(lambda z: 1.0, normal),
):
    try:
        wrong()
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_wrong_types_as_users_see_them() -> None:
    """Without the tests' type checker."""
    said = subprocess.run([sys.executable, "-c", WRONG_TYPES], capture_output=True, text=True, check=True).stdout
    lines = said.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("UsageError ") for line in lines)
    for line, words in zip(lines, ("optimal", "antithetic", "str", "n = 1.5", "Pathwise()", "float"), strict=True):
        assert words in line


@pytest.mark.parametrize(
    "f",
    [
        lambda z: (z > 0).double(),
        lambda z: torch.sign(z),
        lambda z: torch.round(z) ** 2,
        lambda z: torch.where(z > 0, 1.0, 0.0) * f64(2.0).requires_grad_(),
    ],
)
def test_steps_are_warned_of(f: Callable[[Tensor], Tensor]) -> None:
    with pytest.warns(ZeroGradientWarning, match="zero almost everywhere"):
        expectation(f, Normal(f64(0.5).requires_grad_(), 1.0), n=4)


def test_smooth_functions_are_not(recwarn: pytest.WarningsRecorder) -> None:
    for f in (torch.relu, lambda z: torch.clamp(z, 5, 6), lambda z: z * torch.sign(z).detach(), torch.abs):
        expectation(f, Normal(f64(0.5).requires_grad_(), 1.0), n=1)
    expectation(lambda z: (z > 0).double(), Normal(f64(0.5).requires_grad_(), 1.0), estimator=ScoreFunction())
    assert not recwarn.list
