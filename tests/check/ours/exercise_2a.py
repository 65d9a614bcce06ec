"""Arzhang's own divergences."""

import torch
from torch.distributions import Normal

from arzhang import divergences


def normal(mu, sigma):
    return Normal(torch.tensor(mu), torch.tensor(sigma))


def cauchy_schwarz(mu1, mu2, sigma):
    return divergences.cauchy_schwarz(normal(mu1, sigma), normal(mu2, sigma))


def kl(mu1, sigma1, mu2, sigma2):
    return divergences.kl(normal(mu1, sigma1), normal(mu2, sigma2))
