"""Arzhang's own likelihood and divergence."""

from arzhang.tasks.vae import Likelihood, gaussian_kl


def vae_loss(images, decoded, mean, log_variance, beta):
    reconstruction = -Likelihood("bernoulli", 1.0, 256).log_prob(images, decoded.logit())
    return (reconstruction + beta * gaussian_kl(mean, log_variance)).mean()
