"""1a. α, the pathwise estimator (reparameterisation) of η = d/dμ E[f(z)], z ∼ N(μ, σ²)."""

from collections.abc import Callable

from torch import Tensor


def pathwise(f: Callable[[Tensor], Tensor], mu: float, sigma: float, noise: Tensor) -> Tensor:
    """α: the mean over the noise of the derivative of f(μ + σ·ε) in μ.

    f: a smooth function of a tensor, element by element, built of torch's functions (autograd goes through it).
    mu, sigma: mean and standard deviation of z, plain numbers.
    noise: (N,) draws of ε ∼ N(0, 1), the only randomness there is.
    Gives one number.

    Example: pathwise(lambda z: 3 * z, 1.0, 2.0, torch.randn(100)) is 3.
    """
    raise NotImplementedError
