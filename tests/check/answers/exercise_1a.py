import torch


def pathwise(f, mu, sigma, noise):
    mu = torch.tensor(mu, dtype=noise.dtype, requires_grad=True)
    z = mu + sigma * noise
    f(z).mean().backward()
    return mu.grad
