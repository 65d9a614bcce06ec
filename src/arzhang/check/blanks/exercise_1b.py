"""1b. β, the score-function estimator (REINFORCE) of η = d/dμ E[f(z)], z ∼ N(μ, σ²)."""

from collections.abc import Callable

from torch import Tensor


def score_function(f: Callable[[Tensor], Tensor], mu: float, sigma: float, z: Tensor) -> Tensor:
    """β: the mean over the samples of f(z) · d/dμ log p(z; μ).

    f: any function of a tensor, element by element; its derivative is not needed.
    mu, sigma: mean and standard deviation of z, plain numbers.
    z: (N,) samples, drawn from N(μ, σ²) already.
    Gives one number.

    Example: score_function(lambda z: z, 0.0, 1.0, torch.tensor([1.0, -1.0])) is 1.
    """
    raise NotImplementedError
