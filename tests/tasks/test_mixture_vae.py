"""Mixture priors and posteriors, Cauchy–Schwarz: the decomposition of 2c where every term is known independently."""

import dataclasses
import math

import pytest
import torch
from stats import check_mean
from torch import Tensor
from torch import distributions as D

from arzhang import divergences
from arzhang.contracts import Batch
from arzhang.errors import UsageError
from arzhang.randomness import generator
from arzhang.recipes import VAE as Recipe
from arzhang.tasks.vae import VAETask

KINDS = [
    {"prior": prior, "posterior": posterior, "divergence": divergence}
    for prior in ("normal", "mixture")
    for posterior in ("normal", "mixture")
    for divergence in ("kl", "cauchy-schwarz")
]


def task(latent_dim=2, **options) -> VAETask:
    torch.manual_seed(0)
    recipe = Recipe(latent_dim=latent_dim, components=3, posterior_components=2, **options)
    built = VAETask(recipe, (1, 8, 8))
    built.networks.double().eval()
    if recipe.prior == "mixture":
        with torch.no_grad():
            built.networks.prior.logits.copy_(torch.tensor([0.0, 0.7, -0.4]))
            built.networks.prior.raw.add_(torch.tensor([[0.5], [-1.0], [0.0]]))
    with torch.no_grad():  # so that codes differ from each other and from the prior
        built.vae.mean.weight.mul_(6)
        built.vae.log_variance.bias.sub_(1.0)
        built.vae.decoder[0].weight.mul_(4)
    return built


def images(n=3, seed=0) -> Tensor:
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_decomposition_with_a_linear_gaussian_decoder():
    """x = Wz + b + σε: log p(x), the posterior and both KLs are Gaussian, and known each on its own."""
    g = torch.Generator().manual_seed(1)
    d, n, σ = 3, 5, 0.4
    w, b, x = (torch.randn(*s, generator=g, dtype=torch.float64) for s in ((n, d), (n,), (n,)))
    root = torch.randn(d, d, generator=g, dtype=torch.float64)
    mean, covariance = torch.randn(d, generator=g, dtype=torch.float64), root @ root.mT / 9 + 0.05 * torch.eye(d)
    q = D.MultivariateNormal(mean, covariance)
    prior = D.MultivariateNormal(torch.zeros(d, dtype=torch.float64), torch.eye(d, dtype=torch.float64))
    evidence = D.MultivariateNormal(b, w @ w.mT + σ**2 * torch.eye(n, dtype=torch.float64)).log_prob(x)
    precision = w.mT @ w / σ**2 + torch.eye(d, dtype=torch.float64)
    posterior = D.MultivariateNormal(torch.linalg.solve(precision, w.mT @ (x - b) / σ**2), precision_matrix=precision)
    # E_q[log p(x|z)] of a quadratic form
    residual = x - b - w @ mean
    expected = -(residual @ residual + torch.trace(w @ covariance @ w.mT)) / (2 * σ**2)
    expected = expected - n * math.log(2 * math.pi * σ**2) / 2
    for λ in (0.3, 1.0, 5.0):
        objective = expected - λ * divergences.cauchy_schwarz(q, prior)
        four = (
            evidence
            - divergences.kl(q, posterior)
            + divergences.kl(q, prior)
            - λ * divergences.cauchy_schwarz(q, prior)
        )
        assert torch.allclose(objective, four, rtol=1e-10)


def grid() -> tuple[Tensor, float]:
    axis = torch.linspace(-14, 14, 281, dtype=torch.float64)
    return torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2), float(axis[1] - axis[0]) ** 2


@pytest.mark.parametrize("kind", KINDS[2:], ids=lambda k: "-".join(k.values()))
def test_decomposition_with_two_latents_by_quadrature(kind):
    model, x = task(beta=0.7, **kind), images(2)
    z, cell = grid()
    with torch.no_grad():
        log_p_x = torch.cat([model.vae.decode(part) for part in z.split(20_000)])
        q, prior = model.posterior(x), model.prior()
        log_prior = divergences.log_prob(prior, z)
        for i in range(2):
            one = model._posterior(model.vae.encode(x[i : i + 1]))
            log_q = divergences.log_prob(one, z.unsqueeze(1)).squeeze(1)
            log_joint = model.likelihood.log_prob(x[i].expand_as(log_p_x), log_p_x) + log_prior
            evidence = log_joint.logsumexp(0) + math.log(cell)
            weight = log_q.exp() * cell
            assert abs(weight.sum() - 1) < 1e-6
            expected = (weight * (log_joint - log_prior)).sum()
            gap = (weight * (log_q - log_joint + evidence)).sum()
            rate = (weight * (log_q - log_prior)).sum()
            pairs = ((log_q, log_prior), (log_q, log_q), (log_prior, log_prior))
            overlaps = [torch.logsumexp(a + b, 0) + math.log(cell) for a, b in pairs]
            cs = (overlaps[1] + overlaps[2]) / 2 - overlaps[0]
            assert gap >= 0
            assert abs(cs - divergences.cauchy_schwarz(q, prior)[i]) < 1e-6
            λ = model.recipe.beta
            assert abs((expected - λ * cs) - (evidence - gap + rate - λ * cs)) < 1e-8
            # what the task measures, over many draws, is what quadrature says
            n = 4_000
            many = x[i].expand(n, 1, 8, 8)
            terms = model.terms(many, model.noise(n, generator(i)), cs=True)
            check_mean(-terms.reconstruction, expected, planted=1.0)
            check_mean(terms.kl, rate, planted=0.5)
            if terms.cauchy_schwarz is not None:
                assert abs(terms.cauchy_schwarz[0] - cs) < 1e-6
            bound = model.log_weights(x[i : i + 1], generator(9), 20_000).logsumexp(0) - math.log(20_000)
            assert -0.5 < bound - evidence < 0.1  # a lower bound in expectation, whose proposal is wide of the mark


@pytest.mark.parametrize("weight", [1.0, 10.0, 1000.0])
def test_no_weight_makes_the_objective_a_bound(weight):
    """q = ½N(0, 1) + ½N(δ, 1) as the true posterior of some x: L_CS − log p(x) = KL(q‖p) − λ·D_CS > 0 for large δ."""
    p = D.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    δ = 8 * math.sqrt(weight) + 4
    parts = D.Normal(torch.tensor([0.0, δ], dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    q = D.MixtureSameFamily(D.Categorical(torch.ones(2, dtype=torch.float64)), parts)
    z = torch.linspace(-12, δ + 12, 200_001, dtype=torch.float64)
    log_q, log_p = q.log_prob(z), p.log_prob(z)
    # p(x|z) = q(z)/p(z)·c, so that the posterior is q and log p(x) = log c; L_CS = E_q[log p(x|z)] − λ·D_CS
    excess = torch.trapezoid(log_q.exp() * (log_q - log_p), z) - weight * divergences.cauchy_schwarz(q, p)
    assert divergences.cauchy_schwarz(q, p) < 1
    assert excess > 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: "-".join(k.values()))
def test_every_combination_trains_and_is_measured(kind):
    model, x = task(**kind), images(6)
    noise = model.noise(6, generator(0))
    loss, scalars = model.loss(Batch(x, torch.arange(6), noise), {})
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.networks.parameters() if p.requires_grad)
    assert torch.allclose(
        loss, scalars["reconstruction"] + scalars["kl" if kind["divergence"] == "kl" else "cauchy_schwarz"]
    )
    assert ("negative_elbo" in scalars) == (
        kind["divergence"] == "kl"
    )  # D_CS bounds nothing, and is not called a bound
    measured = model.measure(Batch(x, torch.arange(6), noise))
    assert torch.allclose(measured["loss"].mean(), loss)
    assert torch.allclose(measured["negative_elbo"], measured["reconstruction"] + measured["kl"])
    assert model.criterion == ("negative_elbo" if kind["divergence"] == "kl" else "loss")
    assert {v.shape for v in model.preview(Batch(x, torch.arange(6), noise)).values()} == {(6, 1, 8, 8)}
    assert model.sample(5).shape == (5, 1, 8, 8)
    assert model.encode(x).shape == (6, 2)


def test_gradient_of_mixture_weights_is_that_of_the_sum():
    model, x = task(posterior="mixture", prior="mixture"), images(1)
    code = model.vae.encode(x)
    noise = model.noise(1, generator(0)).double()
    logits = code.log_weights.detach().clone().requires_grad_()
    latents = code.mean + (code.log_variance / 2).exp() * noise
    values = model.likelihood.log_prob(x.expand(2, 1, 8, 8), model.vae.decode(latents[0])).detach()
    (logits.softmax(-1) @ values).sum().backward()
    π = logits.softmax(-1).detach()
    assert torch.allclose(logits.grad, π * (values - (π * values).sum()))


def test_components_are_sampled_by_weight_or_by_name():
    model = task(prior="mixture")
    prior = model.networks.prior
    with torch.no_grad():
        prior.means.copy_(torch.tensor([[-50.0, 0.0], [0.0, 0.0], [50.0, 0.0]]))
    seen: list[Tensor] = []
    model.decode = lambda z: seen.append(z) or torch.zeros(len(z), 1, 8, 8)  # type: ignore[method-assign]
    model.sample(20_000, seed=3)
    shares = torch.tensor([(seen[0][:, 0] < -25).double().mean(), (seen[0][:, 0] > 25).double().mean()])
    assert torch.allclose(shares, prior.logits.softmax(0)[[0, 2]].float().detach().double(), atol=0.02)
    model.sample(100, component=2)
    assert (seen[1][:, 0] > 25).all()
    for bad, phrase in ((3, "there are 3"), (-1, "counted from 0")):
        with pytest.raises(UsageError, match=phrase):
            model.sample(1, component=bad)
    with pytest.raises(UsageError, match="one Gaussian"):
        task().sample(1, component=0)


def test_responsibilities_are_bayes():
    model, x = task(prior="mixture"), images(4)
    found = model.responsibilities(x)
    q, p = model.posterior(x), model.prior()
    for k in range(3):
        part = D.Independent(D.Normal(p.component_distribution.mean[k], p.component_distribution.stddev[k]), 1)
        log = divergences.log_overlap(q, part) + p.mixture_distribution.logits[k] - divergences.log_overlap(q, p)
        assert torch.allclose(found[:, k], log.exp())
    assert torch.allclose(found.sum(1), torch.ones(4, dtype=torch.float64))


def test_variances_have_a_floor_and_a_fixed_prior_stays():
    model = task(prior="mixture", prior_floor=0.05)
    with torch.no_grad():
        model.networks.prior.raw.fill_(-100)
    assert torch.allclose(model.networks.prior.variances, torch.full((3, 2), 0.05, dtype=torch.float64))
    fixed = task(prior="mixture", learn_prior=False)
    updated = {id(p) for group in fixed.turns[0].optimizer.param_groups for p in group["params"]}
    assert not any(id(p) in updated for p in fixed.networks.prior.parameters())


def test_the_prior_learns_at_a_rate_of_its_own():
    model = task(prior="mixture", lr=0.01, prior_lr=0.2)
    prior = {id(p) for p in model.networks.prior.parameters()}
    rates = {id(p) in prior: group["lr"] for group in model.turns[0].optimizer.param_groups for p in group["params"]}
    assert rates == {True: pytest.approx(0.002), False: 0.01}


def test_components_begin_where_codes_are():
    model, x = task(latent_dim=4, prior="mixture"), images(200)
    model.initialise(x)
    codes = model.vae.train().encode(x).mean
    assert torch.allclose(codes.mean(0), torch.zeros(4, dtype=torch.float64), atol=1e-6)
    assert torch.allclose(codes.std(0), torch.ones(4, dtype=torch.float64), atol=1e-6)
    shares = torch.bincount(model.responsibilities(x).argmax(1), minlength=3) / 200
    assert (shares > 0.02).all()


def test_components_begin_on_different_images():
    model, x = task(latent_dim=4, prior="mixture"), images(2).repeat(20, 1, 1, 1)
    with pytest.raises(UsageError, match="--components 3: the prior begins on 2 different training images"):
        model.initialise(x, standardise=False)
    task(latent_dim=4, prior="mixture", prior_init="spread").initialise(x)


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"components": 0}, "--components 0: must be 1 or more"),
        ({"beta": -1.0}, "--beta -1.0: must be 0 or more"),
        ({"prior_floor": 0.0}, "--prior-floor 0.0: must be above 0"),
        ({"prior_lr": 0.0}, "--prior-lr 0.0: must be above 0"),
        ({"posterior_components": 0}, "must be 1 or more"),
        ({"posterior": "mixture", "estimator": "score-function", "norm": "none"}, "needs --posterior normal"),
    ],
)
def test_refusals(options, phrase):
    with pytest.raises(UsageError, match=phrase):
        dataclasses.replace(Recipe(), **options)
