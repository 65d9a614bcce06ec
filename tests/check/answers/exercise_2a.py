import math


def cauchy_schwarz(mu1, mu2, sigma):
    return (mu1 - mu2) ** 2 / (4 * sigma**2)


def kl(mu1, sigma1, mu2, sigma2):
    return math.log(sigma2 / sigma1) + (sigma1**2 + (mu1 - mu2) ** 2) / (2 * sigma2**2) - 0.5
