"""The VAE's likelihoods, objective and measurements against values known another way."""

import math

import pytest
import torch
from torch import distributions as D

from arzhang.contracts import Batch
from arzhang.errors import UsageError
from arzhang.randomness import generator
from arzhang.recipes import VAE as Recipe
from arzhang.tasks import vae
from arzhang.tasks.vae import Likelihood, VAETask, gaussian_kl


def task(shape=(1, 8, 8), levels=256, **options):
    torch.manual_seed(0)
    built = VAETask(Recipe(latent_dim=4, **options), shape, levels)
    built.networks.double().eval()
    return built


def images(n=3, shape=(1, 8, 8), seed=0):
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_kl_is_torchs():
    mean, log_variance = torch.randn(7, 5, dtype=torch.float64), torch.randn(7, 5, dtype=torch.float64)
    q = D.Independent(D.Normal(mean, (log_variance / 2).exp()), 1)
    p = D.Independent(D.Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    assert torch.allclose(gaussian_kl(mean, log_variance), D.kl_divergence(q, p), rtol=1e-12)


def test_bernoulli_is_torchs_on_black_and_white():
    x = (images() > 0.5).double()
    logits = torch.randn_like(x) * 20  # far out, where log σ must not become log 0
    expected = D.Bernoulli(logits=logits).log_prob(x).flatten(1).sum(1)
    assert torch.allclose(Likelihood("bernoulli", "learned", 256).log_prob(x, logits), expected, rtol=1e-10)


def test_gaussian_is_torchs():
    x, logits = images(), torch.randn(3, 1, 8, 8, dtype=torch.float64)
    likelihood = Likelihood("gaussian", 0.3, 256).double()
    expected = D.Normal(logits.sigmoid(), 0.3).log_prob(x).flatten(1).sum(1)
    assert torch.allclose(likelihood.log_prob(x, logits), expected, rtol=1e-6)


@pytest.mark.parametrize("sigma", [0.001, 0.05, 2.0])
@pytest.mark.parametrize("logit", [-9.0, 0.3, 4.0])
def test_logistic_probabilities_of_all_levels_sum_to_one(sigma, logit):
    """A discretised likelihood is a distribution over grey levels: that is what makes its bits real ones."""
    levels = torch.arange(256, dtype=torch.float64).div(255).view(256, 1, 1, 1)
    likelihood = Likelihood("logistic", sigma, 256).double()
    total = likelihood.log_prob(levels, torch.full_like(levels, logit)).exp().sum()
    assert abs(total.item() - 1) < 1e-9


def test_logistic_needs_levels():
    with pytest.raises(UsageError, match="grey levels"):
        Likelihood("logistic", 0.1, None)


@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0, 8.0])
def test_loss_is_reconstruction_plus_beta_times_kl(beta):
    built = task(beta=beta)
    x, noise = images(), torch.randn(3, 4, dtype=torch.float64)
    reconstruction, kl, _ = built.terms(x, noise)
    loss, scalars = built.loss(Batch(x, torch.arange(3), noise), {})
    assert torch.allclose(loss, (reconstruction + beta * kl).mean())
    assert torch.allclose(scalars["negative_elbo"], (reconstruction + kl).mean())
    assert built.measure(Batch(x, torch.arange(3), noise))["loss"].shape == (3,)


def test_warmup_grows_linearly():
    built = task(beta=4.0, kl_warmup=2.0)
    x, noise = images(), torch.randn(3, 4, dtype=torch.float64)

    def weight(epoch):
        loss, terms = built.loss(Batch(x, torch.arange(3), noise, epoch), {})
        return ((loss - terms["reconstruction"]) / terms["kl"]).item()

    assert [round(weight(e), 9) for e in (0.0, 0.5, 1.0, 2.0, 7.0)] == [0.0, 1.0, 2.0, 4.0, 4.0]


def test_gradient_of_the_loss():
    built = task(norm="none")
    x, noise = images(2), torch.randn(2, 4, dtype=torch.float64)
    weights = built.vae.mean.weight
    built.loss(Batch(x, torch.arange(2), noise), {})[0].backward()
    step = torch.zeros_like(weights)
    step[1, 3] = 1e-6
    with torch.no_grad():
        weights += step
        above = built.loss(Batch(x, torch.arange(2), noise), {})[0]
        weights -= 2 * step
        below = built.loss(Batch(x, torch.arange(2), noise), {})[0]
    assert abs((above - below).item() / 2e-6 - weights.grad[1, 3].item()) < 1e-5 * max(
        1, abs(weights.grad[1, 3].item())
    )


def test_importance_weights_are_the_ratio_of_densities(monkeypatch):
    built = task()
    x = images(2)
    monkeypatch.setattr(vae, "AT_ONCE", 32)  # an eighth on a processor: 4 images, 2 samples of each
    weights = built.log_weights(x, generator(3), 6)
    mean, log_variance, _ = built.vae.encode(x)
    rng, again = generator(3), []
    for _ in range(3):
        noise = built.noise(4, rng).view(2, 2, 4).double()
        z = mean + (log_variance / 2).exp() * noise
        prior = D.Normal(0.0, 1.0).log_prob(z).sum(-1)
        posterior = D.Normal(mean, (log_variance / 2).exp()).log_prob(z).sum(-1)
        decoded = torch.stack([built.likelihood.log_prob(x, built.vae.decode(one)) for one in z])
        again.append(decoded + prior - posterior)
    assert torch.allclose(weights, torch.cat(again), rtol=1e-10)


def test_importance_weighted_likelihood_of_a_decoder_that_ignores_z():
    """Then log p(x) = log p(x|z) exactly, whatever the encoder says, and the average weight tends to it."""
    built = task()
    with torch.no_grad():
        built.vae.decoder[0].weight.zero_()
        built.vae.mean.weight.mul_(0.1)
        built.vae.log_variance.weight.mul_(0.1)
    x = images(2)
    exact = built.likelihood.log_prob(x, built.vae.decode(torch.zeros(2, 4, dtype=torch.float64)))
    ratios = (built.log_weights(x, generator(0), 20_000) - exact).exp()
    error = ratios.std(0) / math.sqrt(len(ratios))
    assert ((ratios.mean(0) - 1).abs() < 5 * error).all()
    assert ((1.02 * ratios.mean(0) - 1).abs() > 5 * error).all()  # an error of 2 % would be seen


def test_model_speaks_images():
    built = VAETask(Recipe(latent_dim=4), (1, 8, 8))
    bytes_ = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    codes = built.encode(bytes_)
    assert torch.equal(codes, built.encode(bytes_.float() / 255))
    assert torch.equal(built.reconstruct(bytes_), built.decode(codes))
    for made in (built.decode(codes), built.sample(5)):
        assert made.min() >= 0
        assert made.max() <= 1
    assert torch.equal(built.sample(5, seed=1), built.sample(5, seed=1))
    assert not torch.equal(built.sample(5, seed=1), built.sample(5, seed=2))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (torch.rand(3, 1, 8, 8) * 2, r"must lie in \[0, 1\]"),
        (torch.full((1, 1, 8, 8), math.nan), "must lie in"),
        (torch.rand(3, 8, 8), "takes"),
        (torch.rand(3, 3, 8, 8), "takes"),
    ],
    ids=["range", "nan", "dimensions", "channels"],
)
def test_bad_images_are_refused(bad, said):
    with pytest.raises(UsageError, match=said):
        VAETask(Recipe(latent_dim=4), (1, 8, 8)).encode(bad)


def test_bad_latents_and_counts_are_refused():
    built = VAETask(Recipe(latent_dim=4), (1, 8, 8))
    with pytest.raises(UsageError, match="latents"):
        built.decode(torch.zeros(2, 5))
    with pytest.raises(UsageError, match="samples"):
        built.sample(0)
    with pytest.raises(UsageError, match="square"):
        VAETask(Recipe(), (1, 8, 12))
