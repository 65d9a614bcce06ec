"""The variational autoencoder: its likelihoods, its objective, and what a trained one does for its user."""

import copy
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal

from arzhang import divergences, gradients
from arzhang.contracts import Batch, Scalars, Turn, given
from arzhang.errors import UsageError
from arzhang.networks.vae import VAE, Code, MixturePrior, reparameterise
from arzhang.randomness import generator
from arzhang.recipes import VAE as Recipe
from arzhang.tasks.adam import adam

ESTIMATORS = {
    "pathwise": gradients.Pathwise(),
    "score-function": gradients.ScoreFunction(),
    "measure-valued": gradients.MeasureValued(),
}
OBSERVED = 32
"""Importance samples of log p(x) while a training is watched."""
AT_ONCE = 8_192
"""Images that are decoded at once for log p(x)."""
ACTIVE = 0.01
"""A latent dimension is active where its posterior mean varies over the data by more than this (Burda et al. 2016)."""


class Likelihood(nn.Module):
    """log p(x|z) of an image, in nats, from the decoder's logits. The mean of each pixel is their sigmoid."""

    def __init__(
        self, kind: Literal["bernoulli", "gaussian", "logistic"], sigma: float | Literal["learned"], levels: int | None
    ) -> None:
        super().__init__()
        if kind == "logistic" and levels is None:
            raise UsageError(
                "--likelihood logistic: needs images with grey levels (8 or 16 bits), these hold fractions"
            )
        self.kind, self.levels = kind, levels
        start = math.log(0.1 if sigma == "learned" else sigma)
        self.log_sigma: Tensor | None
        if kind == "bernoulli":
            self.log_sigma = None
        elif sigma == "learned":
            self.log_sigma = nn.Parameter(torch.tensor(start))
        else:
            self.register_buffer("log_sigma", torch.tensor(start))

    def log_prob(self, images: Float[Tensor, "*B C H W"], logits: Float[Tensor, "*B C H W"]) -> Float[Tensor, "*B"]:
        """log p(x|z), (B,), in nats an image."""
        return self._pixels(images, logits).flatten(-3).sum(-1)

    def _pixels(self, images: Tensor, logits: Tensor) -> Tensor:
        if self.log_sigma is None:
            # Bernoulli. On grey pixels this is a cross-entropy, not a normalised density.
            # x log σ(a) + (1−x) log(1−σ(a)) = x·a − softplus(a)
            return images * logits - F.softplus(logits)
        mean, sigma = logits.sigmoid(), self.log_sigma.exp()
        if self.kind == "gaussian":
            # A density on [0, 1]-scaled pixels.
            return -(((images - mean) / sigma) ** 2) / 2 - self.log_sigma - math.log(2 * math.pi) / 2
        # The probability of the pixel's own grey level under a logistic distribution cut into as many bins as there are
        # levels: the only one of the three that gives bits per dimension (Salimans et al. 2017).
        assert self.levels is not None
        half = 0.5 / (self.levels - 1)
        upper, lower = (images - mean + half) / sigma, (images - mean - half) / sigma
        # log(s(b) − s(a)) = log s(b) + log s(−a) + log(1 − e^(a−b)), with s the sigmoid; the outer bins reach to ±∞
        inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(-2 * half / sigma))
        inside = torch.where(images < half, F.logsigmoid(upper), inside)
        return torch.where(images > 1 - half, F.logsigmoid(-lower), inside)


def gaussian_kl(mean: Float[Tensor, "*B D"], log_variance: Float[Tensor, "*B D"]) -> Float[Tensor, "*B"]:
    """KL(N(μ, σ²) ‖ N(0, 1)), summed over dimensions, in nats: Σ (μ² + σ² − log σ² − 1) / 2."""
    return (mean.square() + log_variance.exp() - log_variance - 1).sum(-1) / 2


class Terms(NamedTuple):
    """What an objective is made of, of each image in nats."""

    reconstruction: Float[Tensor, " B"]
    """−log p(x|z) at one sample of z, or a sum over a mixture's components."""
    kl: Float[Tensor, " B"] | None
    """KL(q(z|x) ‖ p(z)): closed for two Gaussians, else one sample; None where it was not asked for."""
    cauchy_schwarz: Float[Tensor, " B"] | None
    """D_CS(q(z|x) ‖ p(z)), always closed; None where it was not asked for."""


class VAETask:
    """Minimise E_q[−log p(x|z)] + β·(a divergence of q(z|x) from p(z)): the KL (assignment 3d), or D_CS (2b)."""

    previewed = 32

    def __init__(
        self,
        recipe: Recipe,
        shape: tuple[int, int, int],
        levels: int | None = 256,
        device: torch.device | str = "cpu",
    ) -> None:
        channels, height, width = shape
        if height != width:
            raise UsageError(f"a VAE takes square images, not {height}×{width}: give --size")
        self.recipe, self.shape, self.levels = recipe, shape, levels
        self.closed = recipe.prior == recipe.posterior == "normal"  # so that the KL has a closed form
        self.criterion = "negative_elbo" if recipe.divergence == "kl" else "loss"
        parts = recipe.posterior_components if recipe.posterior == "mixture" else 1
        modules: dict[str, nn.Module] = {
            "vae": VAE(height, channels, recipe.latent_dim, recipe.norm, parts),
            "likelihood": Likelihood(recipe.likelihood, recipe.sigma, levels),
        }
        if recipe.prior == "mixture":
            modules["prior"] = MixturePrior(
                recipe.components, recipe.latent_dim, recipe.prior_floor, recipe.learn_prior
            )
        self.networks: nn.Module = nn.ModuleDict(modules).to(device)
        self.networks.to(memory_format=torch.channels_last)  # the layout in which convolutions are fastest
        slower = {modules["prior"]: recipe.prior_lr} if recipe.prior == "mixture" else {}
        optimizer = adam(self.networks, recipe, shares=slower)
        self.turns: Sequence[Turn] = [Turn("vae", [self.networks], optimizer, self.loss)]

    # -------------------------------------------------------------------------------------------- as a task

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "n *M D"]:
        """ε ∼ N(0, I) for n images."""
        shape: tuple[int, ...] = (n, self.recipe.latent_dim)
        if self.recipe.posterior == "mixture":
            # for each component
            shape = (n, self.recipe.posterior_components, self.recipe.latent_dim)
        return torch.randn(shape, generator=generator, device=generator.device)

    def terms(
        self, images: Float[Tensor, "B C H W"], noise: Float[Tensor, "B *M D"], kl: bool = True, cs: bool = False
    ) -> Terms:
        """Reconstruction and, as asked, the divergences of q(z|x) from p(z)."""
        dtype = self.vae.mean.weight.dtype
        images, noise = images.to(dtype), noise.to(dtype)
        code = self.vae.encode(images)
        latents = reparameterise(code.mean, code.log_variance, noise)
        if self.recipe.estimator != "pathwise" and torch.is_grad_enabled():
            reconstruction = self._estimated(images, code.mean, code.log_variance)
        elif code.log_weights is None:
            reconstruction = -self.likelihood.log_prob(images, self.vae.decode(latents))
        else:
            # E_q = Σ_m π_m(x) E_{N_m}: the weights get their gradient from the sum
            logits = self.vae.decode(latents.flatten(0, 1)).unflatten(0, latents.shape[:2])
            log_p = self.likelihood.log_prob(images.unsqueeze(1).expand_as(logits), logits)
            reconstruction = -(code.log_weights.exp() * log_p).sum(1)
        return Terms(
            reconstruction,
            self._kl(code, latents) if kl else None,
            divergences.cauchy_schwarz(self._posterior(code), self.prior()) if cs else None,
        )

    def _kl(self, code: Code, latents: Tensor) -> Float[Tensor, " B"]:
        """KL(q‖p): in closed form, or E_q[log q − log p] at the latents drawn."""
        if self.closed:
            return gaussian_kl(code.mean, code.log_variance)
        if code.log_weights is None:
            entropy = (code.log_variance + 1 + math.log(2 * math.pi)).sum(-1) / 2
            return -entropy - divergences.log_prob(self.prior(), latents)
        points = latents.transpose(0, 1)  # (M, B, D)
        ratio = divergences.log_prob(self._posterior(code), points) - divergences.log_prob(self.prior(), points)
        return (code.log_weights.exp() * ratio.t()).sum(1)

    def _estimated(self, images: Tensor, mean: Tensor, log_variance: Tensor) -> Float[Tensor, " B"]:
        """E_q[−log p(x|z)] whose gradient is another estimator's: assignment 1 inside a VAE. Its noise comes from
        torch's own generator, which the loop seeds at each step."""
        posterior = Independent(Normal(mean, (log_variance / 2).exp(), validate_args=False), 1, validate_args=False)

        def reconstruction(latents: Tensor) -> Tensor:
            n = len(latents)
            logits = self.vae.decode(latents.flatten(0, 1)).view(n, *images.shape)
            return -self.likelihood.log_prob(images.expand(n, *images.shape), logits)

        return gradients.expectation(reconstruction, posterior, estimator=ESTIMATORS[self.recipe.estimator])

    def prepare(self, batch: Batch) -> dict[str, Any]:
        """Nothing: there is one turn."""
        return {}

    def loss(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """The batch's mean of reconstruction + β·divergence."""
        by_kl = self.recipe.divergence == "kl"
        terms = self.terms(batch.images, batch.noise, kl=by_kl, cs=not by_kl)
        reconstruction = terms.reconstruction.mean()
        divergence = cast(Tensor, terms.kl if by_kl else terms.cauchy_schwarz).mean()
        beta = self.recipe.beta
        if self.recipe.kl_warmup:
            # β grows over the first epochs, so that the code is used before it is paid for.
            beta = beta * min(1.0, batch.epoch / self.recipe.kl_warmup)
        loss = reconstruction + beta * divergence
        scalars = {"loss": loss, "reconstruction": reconstruction}
        if by_kl:
            # With the KL at β = 1 this is −ELBO, a bound on −log p(x).
            return loss, scalars | {"kl": divergence, "negative_elbo": reconstruction + divergence}
        # With D_CS it is no bound on log p(x), for any weight.
        return loss, scalars | {"cauchy_schwarz": divergence}

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """The same terms of each image, at the full β, whatever the warm-up; and the other divergence beside it."""
        terms = self.terms(batch.images, batch.noise, cs=True)
        kl, cs = cast(Tensor, terms.kl), cast(Tensor, terms.cauchy_schwarz)
        divergence = kl if self.recipe.divergence == "kl" else cs
        return {
            "loss": terms.reconstruction + self.recipe.beta * divergence,
            "reconstruction": terms.reconstruction,
            "kl": kl,
            "negative_elbo": terms.reconstruction + kl,
            "cauchy_schwarz": cs,
        }

    def observe(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """The four terms of 2c: log p(x) by importance sampling (a lower bound, as good as its effective samples are
        many), KL(q‖posterior) through it, KL(q‖p), and D_CS."""
        rng = generator(self.recipe.seed, "observe", "log p(x)", device=batch.noise.device)
        weights = self.log_weights(batch.images.to(self.vae.mean.weight.dtype), rng, OBSERVED)
        bound = weights.logsumexp(0) - math.log(len(weights))
        terms = self.measure(batch)
        return {
            "log_likelihood": bound,
            "effective_samples": (2 * weights.logsumexp(0) - (2 * weights).logsumexp(0)).exp(),
            "posterior_gap": bound + terms["negative_elbo"],
            "kl": terms["kl"],
            "cauchy_schwarz": terms["cauchy_schwarz"],
        }

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B C H W"]]:
        """Originals, their reconstructions, and as many images decoded from noise."""
        noise = batch.noise if batch.noise.ndim == 2 else batch.noise[:, 0]
        # Components in proportion to their weights, the same ones each time.
        places = (torch.arange(len(noise), device=noise.device) + 0.5) / len(noise)
        chosen = None
        if isinstance(prior := self.prior(), MixtureSameFamily):
            shares = prior.mixture_distribution.probs.cumsum(-1)
            chosen = torch.searchsorted(shares, places.to(shares.dtype)).clamp_max(len(shares) - 1)
        return {
            "original": batch.images,
            "reconstruction": self.reconstruct(batch.images),
            "sample": self.decode(self._from_prior(noise, chosen)),
        }

    def initialise(self, images: Float[Tensor, "n C H W"], standardise: bool = True) -> None:
        """Before the first step, with some training images: put a component of the prior on each k-means cluster of
        their codes, so that none begins dead. `standardise` the codes first, where the encoder knows nothing yet."""
        if self.recipe.prior != "mixture" or self.recipe.prior_init != "data":
            return
        from sklearn.cluster import KMeans

        seen = copy.deepcopy(self.vae).train(standardise)  # by the statistics of these images, our own left as they are
        with torch.no_grad():
            codes, log_variances, _ = seen.encode(images)
            if standardise:
                shift, scale = codes.mean(0), codes.std(0).clamp_min(1e-6)
                self.vae.mean.bias.copy_(((self.vae.mean.bias.view_as(shift) - shift) / scale).flatten())
                self.vae.mean.weight.div_(scale.flatten()[:, None])
                codes = (codes - shift) / scale
        points, own = (x.reshape(-1, self.recipe.latent_dim).double().cpu() for x in (codes, log_variances.exp()))
        distinct = len(torch.unique(points, dim=0))
        if distinct < self.recipe.components:
            raise UsageError(
                f"--components {self.recipe.components}: the prior begins on {distinct:,} different training images; "
                "ask for at most as many, or for --prior-init spread"
            )
        # The best of many by its own distances: the best of a few may be poor, and what begins there stays there.
        found = KMeans(self.recipe.components, n_init=20, random_state=self.recipe.seed).fit(points.numpy())
        members = [torch.from_numpy(found.labels_) == k for k in range(self.recipe.components)]
        # A cluster of codes is as wide as their means are apart and each code is wide.
        spreads = [points[m].var(0, unbiased=False) + own[m].mean(0) for m in members]
        prior = cast(MixturePrior, self.networks.get_submodule("prior"))
        prior.set(torch.from_numpy(found.cluster_centers_), torch.stack(spreads))

    # -------------------------------------------------------------------------------------------- as a model

    @property
    def device(self) -> torch.device:
        return next(self.networks.parameters()).device

    def _ready(self, images: Tensor) -> Tensor:
        return given(images, self.shape, self.vae.mean.weight)

    @property
    def vae(self) -> VAE:
        """The network itself."""
        return cast(VAE, self.networks.get_submodule("vae"))

    @property
    def likelihood(self) -> Likelihood:
        """p(x|z)."""
        return cast(Likelihood, self.networks.get_submodule("likelihood"))

    def prior(self) -> Distribution:
        """p(z) over latents (D,): N(0, I), or the mixture as it stands."""
        if self.recipe.prior == "normal":
            zero = torch.zeros(self.recipe.latent_dim, device=self.device, dtype=self.vae.mean.weight.dtype)
            return Independent(Normal(zero, torch.ones_like(zero), validate_args=False), 1, validate_args=False)
        own = cast(MixturePrior, self.networks.get_submodule("prior"))
        return _mixture(own.logits, own.means, own.variances.sqrt())

    def _posterior(self, code: Code) -> Distribution:
        scale = (code.log_variance / 2).exp()
        if code.log_weights is not None:
            return _mixture(code.log_weights, code.mean, scale)
        return Independent(Normal(code.mean, scale, validate_args=False), 1, validate_args=False)

    @torch.no_grad()
    def posterior(self, images: Tensor) -> Distribution:
        """q(z|x) of images (B, C, H, W) in [0, 1] or bytes: a Gaussian, or a mixture, over latents (B, D)."""
        self.networks.eval()
        return self._posterior(self.vae.encode(self._ready(images)))

    @torch.no_grad()
    def encode(self, images: Tensor) -> Float[Tensor, "B D"]:
        """The mean of q(z|x) for images (B, C, H, W) in [0, 1] or bytes; of a mixture, that of its likeliest component
        (the mean of all may lie where there is none)."""
        self.networks.eval()
        code = self.vae.encode(self._ready(images))
        if code.log_weights is None:
            return code.mean
        return code.mean[torch.arange(len(code.mean)), code.log_weights.argmax(1)]

    @torch.no_grad()
    def decode(self, latents: Float[Tensor, "B D"]) -> Float[Tensor, "B C H W"]:
        """Images in [0, 1]: the mean of p(x|z)."""
        if latents.ndim != 2 or latents.shape[1] != self.recipe.latent_dim:
            raise UsageError(f"latents of shape {tuple(latents.shape)}: this model takes (B, {self.recipe.latent_dim})")
        self.networks.eval()
        return self.vae.decode(latents.to(self.vae.mean.weight)).sigmoid()

    def reconstruct(self, images: Tensor) -> Float[Tensor, "B C H W"]:
        """Encode to the mean and decode: images in [0, 1]."""
        return self.decode(self.encode(images))

    def sample(self, n: int, seed: int = 0, component: int | None = None) -> Float[Tensor, "n C H W"]:
        """n images decoded from z ∼ p(z); the same seed gives the same images. `component`: of that one alone."""
        return self.decode(self.draw(n, seed, component))

    def draw(self, n: int, seed: int = 0, component: int | None = None) -> Float[Tensor, "n D"]:
        """The latents of `sample`: z ∼ p(z), or of one component of a mixture prior."""
        if n < 1:
            raise UsageError(f"{n} samples: ask for 1 or more")
        prior = self.prior()
        if component is not None and not isinstance(prior, MixtureSameFamily):
            raise UsageError(f"--component {component}: the prior of this run is one Gaussian")
        if component is not None and not 0 <= component < self.recipe.components:
            raise UsageError(f"--component {component}: there are {self.recipe.components}, counted from 0")
        rng = generator(seed, "sample")
        noise = torch.randn(n, self.recipe.latent_dim, generator=rng).to(self.vae.mean.weight)
        chosen = None
        if isinstance(prior, MixtureSameFamily):
            weights = prior.mixture_distribution.probs.detach().cpu()
            drawn = torch.multinomial(weights, n, replacement=True, generator=rng)
            chosen = drawn if component is None else torch.full((n,), component)
        return self._from_prior(noise, chosen)

    @torch.no_grad()
    def _from_prior(self, noise: Float[Tensor, "n D"], chosen: Tensor | None) -> Float[Tensor, "n D"]:
        prior = self.prior()
        if not isinstance(prior, MixtureSameFamily) or chosen is None:
            return noise
        parts = prior.component_distribution
        chosen = chosen.to(noise.device)
        return parts.mean[chosen] + parts.stddev[chosen] * noise

    # --------------------------------------------------------------------------------------------- as measured

    @torch.no_grad()
    def responsibilities(self, images: Tensor) -> Float[Tensor, "B K"]:
        """How much each component of a mixture prior has of each image: π_k ∫ q(z|x) N_k(z) dz over their sum."""
        q, p = divergences.mixture(self.posterior(images)), divergences.mixture(self.prior())
        parts = p.log_weights + divergences.overlaps(q, p) + q.log_weights[..., None]
        return parts.logsumexp(-2).softmax(-1)

    @torch.no_grad()
    def log_weights(
        self, images: Float[Tensor, "B C H W"], generator: torch.Generator, samples: int
    ) -> Float[Tensor, "K B"]:
        """log p(x, z_k) − log q(z_k|x) for K samples z_k ∼ q(z|x): log p(x) ≥ log (1/K) Σ_k e^{log w_k} in expectation
        (Burda et al. 2016, eq. 8)."""
        self.networks.eval()
        code = self.vae.encode(images)
        q, prior = self._posterior(code), self.prior()
        # On a processor they are to stay in its cache: all of AT_ONCE take 1.6 times as long as an eighth at a time.
        at_once = max(1, AT_ONCE // (8 if images.device.type == "cpu" else 1) // len(images))
        weights = []
        for start in range(0, samples, at_once):
            k = min(at_once, samples - start)
            if code.log_weights is None:
                noise = self.noise(k * len(images), generator).view(k, *code.mean.shape).to(code.mean.dtype)
                latents = reparameterise(code.mean, code.log_variance, noise)
            else:
                latents = divergences.sample(q, k, generator)
            logits = self.vae.decode(latents.flatten(0, 1)).view(k, *images.shape)
            if self.closed:
                # log p(z) − log q(z|x), whose constants cancel
                ratio = (noise.square() + code.log_variance - latents.square()).sum(-1) / 2
            else:
                ratio = divergences.log_prob(prior, latents) - divergences.log_prob(q, latents)
            weights.append(self.likelihood.log_prob(images.expand(k, *images.shape), logits) + ratio)
        return torch.cat(weights)


def _mixture(logits: Tensor, means: Tensor, scales: Tensor) -> MixtureSameFamily:
    parts = Independent(Normal(means, scales, validate_args=False), 1, validate_args=False)
    return MixtureSameFamily(Categorical(logits=logits, validate_args=False), parts, validate_args=False)
