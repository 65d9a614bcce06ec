"""Arzhang's own score, of samples that are given."""

import torch
from torch.distributions import Normal

from arzhang.gradients.estimators import _weighted_score


def score_function(f, mu, sigma, z):
    mu = torch.full_like(z, mu, requires_grad=True)
    _weighted_score(Normal(mu, torch.full_like(z, sigma)), z, f(z)).mean().backward()
    return mu.grad.sum()
