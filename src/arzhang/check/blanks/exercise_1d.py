"""1d. The simulation: mean and variance of an estimator over a range of means."""

from collections.abc import Callable, Sequence

from torch import Tensor

Estimator = Callable[[Callable[[Tensor], Tensor], float, float, int], Tensor]


def simulate(
    estimator: Estimator, f: Callable[[Tensor], Tensor], mus: Sequence[float], sigma: float, n: int, repeats: int
) -> tuple[Tensor, Tensor]:
    """Estimate the gradient `repeats` times at each mean; say where the estimates lie and how far they scatter.

    estimator: gives one estimate of the gradient, a number, called as estimator(f, mu, sigma, n), with new noise in
    each call. f, sigma, n: handed to it. mus: the means μ, one after another.
    Gives two tensors with one number for each μ: the mean of the estimates, and their unbiased variance.

    Example: means, variances = simulate(measure_valued, torch.cos, [-1.0, 0.0, 1.0], 1.0, n=10, repeats=1_000)
    """
    raise NotImplementedError
