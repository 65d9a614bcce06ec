"""Arzhang's own reparameterisation, and heads."""

import torch
from torch import nn

from arzhang.networks import vae


def reparameterise(mean, log_variance):
    return vae.reparameterise(mean, log_variance, torch.randn_like(mean))


class Heads(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        whole = vae.VAE(latent_dim=latent_dim)
        self.mean, self.log_variance = whole.mean, whole.log_variance

    def forward(self, features):
        return self.mean(features), self.log_variance(features)
