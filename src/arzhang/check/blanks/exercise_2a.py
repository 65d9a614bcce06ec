"""2a. The Cauchy–Schwarz divergence of two normals of equal variance, and the KL divergence to hold beside it."""


def cauchy_schwarz(mu1: float, mu2: float, sigma: float) -> float:
    """D_CS(p‖q) = −log(∫pq / √(∫p² ∫q²)), p = N(μ₁, σ²), q = N(μ₂, σ²), in closed form, in nats.

    The convention is the one without a square. sigma: the standard deviation of both.

    Example: cauchy_schwarz(0.0, 1.0, 1.0) is 0.25.
    """
    raise NotImplementedError


def kl(mu1: float, sigma1: float, mu2: float, sigma2: float) -> float:
    """KL(p‖q) = ∫ p log(p/q), p = N(μ₁, σ₁²), q = N(μ₂, σ₂²), in closed form, in nats.

    sigma1, sigma2: standard deviations.

    Example: kl(0.0, 1.0, 1.0, 1.0) is 0.5.
    """
    raise NotImplementedError
