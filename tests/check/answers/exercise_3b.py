import torch
from torch import nn


def reparameterise(mean, log_variance):
    noise = torch.randn_like(mean)
    std = torch.exp(log_variance / 2)
    return mean + std * noise


class Heads(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.mean = nn.Linear(128, latent_dim)
        self.log_variance = nn.Linear(128, latent_dim)

    def forward(self, x):
        return self.mean(x), self.log_variance(x)
