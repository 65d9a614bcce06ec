"""3g. The Fréchet distance of two sets of features; FID, where they are the Inception network's."""

from torch import Tensor


def fid(first: Tensor, second: Tensor) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½), of the two sets' means and unbiased covariances.

    first: (N, D) and second: (M, D) features, in float32 or float64, a row an image; N may be smaller than D.
    Gives one real number; of a set and itself it is 0.

    Example: fid(x, x + 1) is D, for any x of D columns.
    """
    raise NotImplementedError
