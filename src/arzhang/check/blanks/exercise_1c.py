"""1c. γ, the measure-valued estimator (weak derivative) of η = d/dμ E[f(z)], z ∼ N(μ, σ²)."""

from collections.abc import Callable

from torch import Tensor


def measure_valued(f: Callable[[Tensor], Tensor], mu: float, sigma: float, n: int) -> Tensor:
    """γ: the mean of n differences f(μ + σ·y⁺) − f(μ − σ·y⁻), times its constant.

    f: any function of a tensor, element by element; its derivative is not needed.
    mu, sigma: mean and standard deviation of z, plain numbers.
    n: how many pairs (y⁺, y⁻) to draw, anew in each call, from a Weibull distribution of shape 2 and scale √2, the two
    of a pair independent of one another. (torch's `Weibull(scale, concentration)` calls the shape concentration.)
    Gives one number.

    Example: measure_valued(lambda z: z**2, 1.0, 1.0, 10_000) is about 2.
    """
    raise NotImplementedError
