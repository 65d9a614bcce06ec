import math

import torch


def log_overlap(w, mu, s, v, nu, t):
    total = s[:, None] + t[None]
    logs = -0.5 * ((mu[:, None] - nu[None]) ** 2 / total + torch.log(2 * math.pi * total)).sum(-1)
    weights = w[:, None] * v[None]
    return torch.logsumexp(weights.log() + logs, dim=(0, 1))


def cauchy_schwarz(w, mu, s, v, nu, t):
    both = log_overlap(w, mu, s, v, nu, t)
    return -both + 0.5 * log_overlap(w, mu, s, w, mu, s) + 0.5 * log_overlap(v, nu, t, v, nu, t)
