import math

import torch


def measure_valued(f, mu, sigma, n):
    weibull = torch.distributions.Weibull(math.sqrt(2), 2.0)
    plus, minus = weibull.sample((n,)), weibull.sample((n,))
    constant = 1 / (sigma * math.sqrt(2 * math.pi))
    return constant * (f(mu + sigma * plus) - f(mu - sigma * minus)).mean()
