"""The variational autoencoder: its likelihoods, its objective, and what a trained one does for its user."""

import math
from collections.abc import Sequence
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from arzhang import gradients
from arzhang.contracts import Batch, Scalars, Turn
from arzhang.errors import UsageError
from arzhang.networks.vae import VAE, reparameterise
from arzhang.randomness import generator
from arzhang.recipes import VAE as Recipe

ESTIMATORS = {
    "pathwise": gradients.Pathwise(),
    "score-function": gradients.ScoreFunction(),
    "measure-valued": gradients.MeasureValued(),
}
ACTIVE = 0.01
"""A latent dimension is active where its posterior mean varies over the data by more than this (Burda et al. 2016)."""


class Likelihood(nn.Module):
    """log p(x|z) of an image, in nats, from the decoder's logits. The mean of each pixel is their sigmoid.

    - `bernoulli`: Σ x log m + (1−x) log(1−m). On grey pixels this is a cross-entropy, *not* a normalised density.
    - `gaussian`: a density on [0, 1]-scaled pixels, with scale σ.
    - `logistic`: the probability of the pixel's own grey level under a logistic distribution cut into `levels` bins:
      the only one of the three that gives bits per dimension (Salimans et al. 2017).
    """

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
            # x log σ(a) + (1−x) log(1−σ(a)) = x·a − softplus(a)
            return images * logits - F.softplus(logits)
        mean, sigma = logits.sigmoid(), self.log_sigma.exp()
        if self.kind == "gaussian":
            return -(((images - mean) / sigma) ** 2) / 2 - self.log_sigma - math.log(2 * math.pi) / 2
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


class VAETask:
    """Assignment 3d: minimise E_q[−log p(x|z)] + β·KL(q(z|x) ‖ N(0, I)); and use the result.

    `levels` is the number of grey levels of the images (256 for bytes), none where they hold fractions.
    """

    criterion = "negative_elbo"

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
        self.networks: nn.Module = nn.ModuleDict(
            {
                "vae": VAE(height, channels, recipe.latent_dim, recipe.norm),
                "likelihood": Likelihood(recipe.likelihood, recipe.sigma, levels),
            }
        ).to(device)
        self.networks.to(memory_format=torch.channels_last)  # the layout in which convolutions are fastest
        # Fused updates cannot have their gradients unscaled first, as 16-bit training with clipping wants.
        fused = torch.device(device).type in ("cpu", "cuda") and recipe.precision != "16-mixed"
        optimizer = torch.optim.Adam(self.networks.parameters(), lr=recipe.lr, fused=fused)
        self.turns: Sequence[Turn] = [Turn("vae", [self.networks], optimizer, self.loss)]

    # -------------------------------------------------------------------------------------------- as a task

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "n D"]:
        """ε ∼ N(0, I) for n images."""
        return torch.randn(n, self.recipe.latent_dim, generator=generator, device=generator.device)

    def terms(
        self, images: Float[Tensor, "B C H W"], noise: Float[Tensor, "B D"]
    ) -> tuple[Float[Tensor, " B"], Float[Tensor, " B"]]:
        """−log p(x|z) at one sample of z, and KL(q(z|x) ‖ p(z)), of each image in nats."""
        dtype = self.vae.mean.weight.dtype
        images, noise = images.to(dtype), noise.to(dtype)
        mean, log_variance = self.vae.encode(images)
        if self.recipe.estimator == "pathwise" or not torch.is_grad_enabled():
            latents = reparameterise(mean, log_variance, noise)
            reconstruction = -self.likelihood.log_prob(images, self.vae.decode(latents))
        else:
            reconstruction = self._estimated(images, mean, log_variance)
        return reconstruction, gaussian_kl(mean, log_variance)

    def _estimated(self, images: Tensor, mean: Tensor, log_variance: Tensor) -> Float[Tensor, " B"]:
        """E_q[−log p(x|z)] whose gradient is another estimator's: assignment 1 inside a VAE. Its noise comes from
        torch's own generator, which the loop seeds at each step."""
        posterior = torch.distributions.Independent(torch.distributions.Normal(mean, (log_variance / 2).exp()), 1)

        def reconstruction(latents: Tensor) -> Tensor:
            n = len(latents)
            logits = self.vae.decode(latents.flatten(0, 1)).view(n, *images.shape)
            return -self.likelihood.log_prob(images.expand(n, *images.shape), logits)

        return gradients.expectation(reconstruction, posterior, estimator=ESTIMATORS[self.recipe.estimator])

    def loss(self, batch: Batch, shared: dict[str, Any]) -> tuple[Float[Tensor, ""], Scalars]:
        """The batch's mean of reconstruction + β·KL; β grows over the first `kl_warmup` epochs."""
        reconstruction, kl = (term.mean() for term in self.terms(batch.images, batch.noise))
        beta = self.recipe.beta
        if self.recipe.kl_warmup:
            beta *= min(1.0, batch.epoch / self.recipe.kl_warmup)
        loss = reconstruction + beta * kl
        return loss, {"loss": loss, "reconstruction": reconstruction, "kl": kl, "negative_elbo": reconstruction + kl}

    def measure(self, batch: Batch) -> dict[str, Float[Tensor, " B"]]:
        """The same terms of each image, at the full β, whatever the warm-up."""
        reconstruction, kl = self.terms(batch.images, batch.noise)
        return {
            "loss": reconstruction + self.recipe.beta * kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "negative_elbo": reconstruction + kl,
        }

    def preview(self, batch: Batch) -> dict[str, Float[Tensor, "B C H W"]]:
        """Originals, their reconstructions, and as many images decoded from noise."""
        return {
            "original": batch.images,
            "reconstruction": self.reconstruct(batch.images),
            "sample": self.decode(batch.noise),
        }

    # -------------------------------------------------------------------------------------------- as a model

    @property
    def device(self) -> torch.device:
        return next(self.networks.parameters()).device

    def _ready(self, images: Tensor) -> Tensor:
        if images.ndim != 4 or tuple(images.shape[1:]) != self.shape:
            wanted = ", ".join(map(str, ("B", *self.shape)))
            raise UsageError(f"images of shape {tuple(images.shape)}: this model takes ({wanted})")
        images = images.to(self.device)
        if images.dtype == torch.uint8:
            return images.float() / 255
        images = images.to(next(self.networks.parameters()).dtype)
        low, high = (float(x) for x in images.aminmax()) if images.numel() else (0.0, 1.0)
        if not (low >= 0 and high <= 1):  # NaN fails too
            raise UsageError(f"images must lie in [0, 1], or be bytes; these reach from {low:.3g} to {high:.3g}")
        return images

    @property
    def vae(self) -> VAE:
        """The network itself."""
        return cast(VAE, self.networks.get_submodule("vae"))

    @property
    def likelihood(self) -> Likelihood:
        """p(x|z)."""
        return cast(Likelihood, self.networks.get_submodule("likelihood"))

    @torch.no_grad()
    def posterior(self, images: Tensor) -> torch.distributions.Independent:
        """q(z|x) of images (B, C, H, W) in [0, 1] or bytes: a Gaussian over latents (B, D)."""
        self.networks.eval()
        mean, log_variance = self.vae.encode(self._ready(images))
        return torch.distributions.Independent(torch.distributions.Normal(mean, (log_variance / 2).exp()), 1)

    def encode(self, images: Tensor) -> Float[Tensor, "B D"]:
        """The mean of q(z|x) for images (B, C, H, W) in [0, 1] or bytes."""
        return self.posterior(images).mean

    @torch.no_grad()
    def decode(self, latents: Float[Tensor, "B D"]) -> Float[Tensor, "B C H W"]:
        """Images in [0, 1]: the mean of p(x|z)."""
        if latents.ndim != 2 or latents.shape[1] != self.recipe.latent_dim:
            raise UsageError(f"latents of shape {tuple(latents.shape)}: this model takes (B, {self.recipe.latent_dim})")
        self.networks.eval()
        return self.vae.decode(latents.to(self.device)).sigmoid()

    def reconstruct(self, images: Tensor) -> Float[Tensor, "B C H W"]:
        """Encode to the mean and decode: images in [0, 1]."""
        return self.decode(self.encode(images))

    def sample(self, n: int, seed: int = 0) -> Float[Tensor, "n C H W"]:
        """n images decoded from noise z ∼ N(0, I); the same seed gives the same images."""
        if n < 1:
            raise UsageError(f"{n} samples: ask for 1 or more")
        return self.decode(self.noise(n, generator(seed, "sample")).to(self.vae.mean.weight.dtype))

    # --------------------------------------------------------------------------------------------- as measured

    @torch.no_grad()
    def log_weights(
        self, images: Float[Tensor, "B C H W"], generator: torch.Generator, samples: int, chunk: int = 8_192
    ) -> Float[Tensor, "K B"]:
        """log p(x, z_k) − log q(z_k|x) for K samples z_k ∼ q(z|x): log p(x) ≥ log (1/K) Σ_k e^{log w_k} in expectation
        (Burda et al. 2016, eq. 8). Decodes at most `chunk` images at a time."""
        self.networks.eval()
        mean, log_variance = self.vae.encode(images)
        at_once = max(1, chunk // len(images))
        weights = []
        for start in range(0, samples, at_once):
            k = min(at_once, samples - start)
            noise = self.noise(k * len(images), generator).view(k, *mean.shape).to(mean.dtype)
            latents = reparameterise(mean, log_variance, noise)
            logits = self.vae.decode(latents.flatten(0, 1)).view(k, *images.shape)
            # log p(z) − log q(z|x), whose constants cancel
            ratio = (noise.square() + log_variance - latents.square()).sum(-1) / 2
            weights.append(self.likelihood.log_prob(images.expand(k, *images.shape), logits) + ratio)
        return torch.cat(weights)
