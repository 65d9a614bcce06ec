"""expectation and per_sample_gradients say the same, estimators agree with one another, and vmap changes nothing."""

import pytest
import torch
from combinations import DISTRIBUTIONS, ESTIMATORS, f64, refused, seeded, wave
from stats import check_mean
from torch import Tensor
from torch.distributions import Categorical, Normal

from arzhang.errors import UsageError
from arzhang.gradients import Enumerate, Estimator, Pathwise, ScoreFunction, expectation, per_sample_gradients


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_single_samples_average_to_the_gradient(name: str, distribution: str) -> None:
    make, values, f = DISTRIBUTIONS[distribution]
    values = {k: v.clone().requires_grad_() for k, v in values.items()}
    arguments = {"estimator": ESTIMATORS[name], "n": 12}
    if refused(name, distribution):
        with pytest.raises(UsageError, match=r"Available here: [A-Z]"):
            expectation(f, make(values), **arguments)
        with pytest.raises(UsageError, match=r"Available here: [A-Z]"):
            per_sample_gradients(f, make(values), **arguments)
        return
    value = expectation(f, make(values), **arguments, generator=seeded(5))
    value.sum().backward()
    singles = per_sample_gradients(f, make(values), **arguments, generator=seeded(5))
    assert list(singles) == list(values)
    for k, v in values.items():
        assert singles[k].shape == (12, *v.shape)
        expected, got = v.grad, singles[k].mean(0)
        assert (expected - got).abs().max() <= 1e-12 * max(1.0, expected.abs().max().item())


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_estimators_agree_with_one_another(distribution: str) -> None:
    """A weighted sum over a parameter's entries, less that of the first estimator. Planted: 0.35 of what one varies."""
    make, values, f = DISTRIBUTIONS[distribution]
    values = {k: v.clone().requires_grad_() for k, v in values.items()}
    fitting = [name for name, e in ESTIMATORS.items() if not e.biased and not refused(name, distribution)]
    assert len(fitting) > 1
    drawn = [
        per_sample_gradients(f, make(values), estimator=ESTIMATORS[name], n=8_000, generator=seeded(seed))
        for seed, name in enumerate(fitting)
    ]
    for k, v in values.items():
        weights = torch.arange(1, v.numel() + 1, dtype=torch.float64)
        first, *others = ((of_one[k].flatten(1) * weights).sum(1) for of_one in drawn)
        for other in others:
            difference = first - other
            check_mean(difference / difference.std().clamp(min=1e-3), 0.0, planted=0.35)


def test_probs_that_are_not_normalised_are_the_users() -> None:
    """∂/∂p_k of Σ f(k) p_k / Σp is (f(k) − E f)/Σp; torch keeps p/Σp alone."""
    p, levels = f64(3, 2, 5).requires_grad_(), f64(1, 4, 2)
    truth = (levels - (p.detach() * levels).sum() / 10) / 10
    for make in (lambda: Categorical(p), lambda: Categorical(p * 1.0)):
        exact = per_sample_gradients(lambda z: levels[z], make(), estimator=Enumerate(), n=2)["probs"]
        torch.testing.assert_close(exact, truth.expand(2, 3), rtol=1e-14, atol=1e-15)
    used = Categorical(p)
    expectation(lambda z: levels[z], used, estimator=ScoreFunction()).backward()
    with pytest.raises(UsageError, match="make the distribution anew"):
        per_sample_gradients(lambda z: levels[z], used, estimator=ScoreFunction(), n=2)


@pytest.mark.parametrize("distribution", ["Normal", "Normal of 3 × 2", "Bernoulli", "Categorical", "OneHotCategorical"])
def test_fs_own_parameters(distribution: str) -> None:
    """E[w f] has the derivative E[f] in w: by every estimator exactly the value over w, also under vmap."""
    make, values, f = DISTRIBUTIONS[distribution]
    every = ESTIMATORS | {"antithetic path": Pathwise(antithetic=True), "sobol": Pathwise(sobol=True)}
    for name, estimator in every.items():
        if estimator.refusal(make({k: v.clone().requires_grad_() for k, v in values.items()}), 4) is not None:
            continue
        w = f64(1.5).requires_grad_()

        def one(given: dict[str, Tensor], w: Tensor, estimator: Estimator = estimator) -> Tensor:
            return expectation(lambda z: w * f(z), make(given), estimator=estimator, n=4, generator=seeded()).sum()

        leaves = {k: v.clone().requires_grad_() for k, v in values.items()}
        value = one(leaves, w)
        (by_w,) = torch.autograd.grad(value, w)
        torch.testing.assert_close(by_w * w, value.reshape(1), rtol=1e-12, atol=1e-12, msg=name)
        several = {k: torch.stack([v, v / 2]) for k, v in values.items()}
        both = torch.func.vmap(torch.func.grad_and_value(one, argnums=1))(several, torch.stack([w, w]).detach())
        torch.testing.assert_close(both[0] * 1.5, both[1].reshape(2, 1), rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize(
    "name", ["pathwise", "score", "leave-one-out", "optimal", "delta", "measure-valued", "shared", "finite difference"]
)
def test_under_vmap(name: str) -> None:
    """Each example draws its own noise; vmap with grad, grad of vmap and backward through vmap are one."""
    μ = f64(-1, 0, 2)

    def one(m: Tensor) -> Tensor:
        return expectation(wave, Normal(m, 0.5), estimator=ESTIMATORS[name], n=64, generator=seeded(1))

    leaf = μ.clone().requires_grad_()
    values = torch.func.vmap(one)(leaf)
    values.sum().backward()
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(one))(μ), leaf.grad)
    torch.testing.assert_close(torch.func.grad(lambda ms: torch.func.vmap(one)(ms).sum())(μ), leaf.grad)
    whole = μ.clone().requires_grad_()
    direct = expectation(wave, Normal(whole, 0.5), estimator=ESTIMATORS[name], n=64, generator=seeded(1))
    direct.sum().backward()  # the same noise as for the batch of three
    torch.testing.assert_close(values, direct)
    torch.testing.assert_close(leaf.grad, whole.grad)
