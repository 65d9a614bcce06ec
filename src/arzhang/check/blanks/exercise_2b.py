"""2b. The Cauchy–Schwarz divergence of two mixtures of Gaussians."""

from torch import Tensor


def cauchy_schwarz(w: Tensor, mu: Tensor, s: Tensor, v: Tensor, nu: Tensor, t: Tensor) -> Tensor:
    """D_CS(p‖q) = −log(∫pq / √(∫p² ∫q²)), p = Σ_i w_i N(μ_i, S_i), q = Σ_j v_j N(ν_j, T_j), in closed form, in nats.

    w: (K,) and v: (L,) weights, each summing to 1. mu: (K, D) and nu: (L, D) means. s: (K, D) and t: (L, D) the
    variances of the axes: the covariances are diagonal. The convention is the one without a square.
    Gives one number. Mixtures may lie far apart, where densities are too small for a number: work with logarithms.

    Example: with one component each, of one dimension, of variance 1 and means 0 and 1, it is 0.25.
    """
    raise NotImplementedError
