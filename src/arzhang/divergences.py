"""Divergences between Gaussians and mixtures of Gaussians, in closed form wherever there is one. (Assignment 2)

Everything takes torch's distributions: `Normal`, `Independent(Normal)`, `MultivariateNormal`, and `MixtureSameFamily`
of these; batches broadcast. Results are in nats, differentiable, and finite where densities underflow: densities are
never formed, only their logarithms.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.distributions import Distribution, Independent, MixtureSameFamily, MultivariateNormal, Normal

from arzhang.errors import UsageError

LOG_2PI = math.log(2 * math.pi)


class Mixture(NamedTuple):
    """The normal form of what this page takes: K weighted Gaussians in d dimensions; one component: a Gaussian."""

    log_weights: Float[Tensor, "*batch K"]
    means: Float[Tensor, "*batch K d"]
    variances: Float[Tensor, "*batch K d"] | None
    """Of the axes, where the components are diagonal; else None."""
    covariances: Float[Tensor, "*batch K d d"] | None

    @property
    def components(self) -> int:
        return self.means.shape[-2]

    def full(self) -> Float[Tensor, "*batch K d d"]:
        """Covariances, whatever the components are."""
        return torch.diag_embed(self.variances) if self.covariances is None else self.covariances  # type: ignore[arg-type]


def mixture(dist: Distribution) -> Mixture:
    """The normal form of a Gaussian or a mixture of Gaussians. Raises UsageError for anything else."""
    if isinstance(dist, MixtureSameFamily):
        weights = dist.mixture_distribution.logits.log_softmax(-1)
        parts = mixture(dist.component_distribution)
        if parts.components != 1:
            raise UsageError("a mixture of mixtures: give one mixture of Gaussians")
        variances = None if parts.variances is None else parts.variances.squeeze(-2)
        covariances = None if parts.covariances is None else parts.covariances.squeeze(-3)
        return Mixture(weights, parts.means.squeeze(-2), variances, covariances)
    if isinstance(dist, MultivariateNormal):
        zero = dist.loc.new_zeros((*dist.batch_shape, 1))
        return Mixture(zero, dist.loc.unsqueeze(-2), None, dist.covariance_matrix.unsqueeze(-3))
    events, base = 0, dist
    if isinstance(dist, Independent):
        events, base = dist.reinterpreted_batch_ndims, dist.base_dist
    if not isinstance(base, Normal):
        raise UsageError(
            f"{type(dist).__name__}: closed forms exist here for Normal, Independent(Normal), MultivariateNormal and "
            "mixtures (MixtureSameFamily) of these"
        )
    loc, scale = torch.broadcast_tensors(base.loc, base.scale)
    batch = loc.shape[: loc.ndim - events]
    size = (*batch, 1, loc.shape[-1] if events else 1)  # no -1: the batch may be empty
    means, variances = loc.reshape(size), scale.reshape(size) ** 2
    return Mixture(means.new_zeros((*batch, 1)), means, variances, None)


def _pair(p: Distribution, q: Distribution) -> tuple[Mixture, Mixture]:
    p_, q_ = mixture(p), mixture(q)
    if p_.means.shape[-1] != q_.means.shape[-1]:
        raise UsageError(f"p has {p_.means.shape[-1]} dimensions, q has {q_.means.shape[-1]}: they must be the same")
    try:
        torch.broadcast_shapes(p_.log_weights.shape[:-1], q_.log_weights.shape[:-1])
    except RuntimeError:
        shapes = " and ".join(str(tuple(m.log_weights.shape[:-1])) for m in (p_, q_))
        raise UsageError(f"batches of shape {shapes} do not broadcast") from None
    return p_, q_


def _gaussians(p: Distribution, q: Distribution, what: str, instead: str) -> tuple[Mixture, Mixture]:
    p_, q_ = _pair(p, q)
    if max(p_.components, q_.components) > 1:
        raise UsageError(f"{what} of mixtures has no closed form; {instead}")
    return p_, q_


# --------------------------------------------------------------------------------------------------------- overlaps


def log_overlap(p: Distribution, q: Distribution) -> Float[Tensor, "*batch"]:
    """log ∫ p(x) q(x) dx, exactly, for Gaussians and their mixtures. (2b)

    >>> unit = Normal(torch.tensor(0.0), 1.0)
    >>> log_overlap(unit, unit)  # −½ log 4π
    tensor(-1.2655)
    """
    return _log_overlap(*_pair(p, q))


def _log_overlap(p: Mixture, q: Mixture) -> Tensor:
    # L(p, q) = log Σ_ij w_i v_j ∫ N(x; μ_i, S_i) N(x; ν_j, T_j) dx
    weights = p.log_weights[..., :, None] + q.log_weights[..., None, :]
    return (weights + overlaps(p, q)).logsumexp((-2, -1))


def overlaps(p: Mixture, q: Mixture) -> Float[Tensor, "*batch K L"]:
    """log ∫ N(x; μ_i, S_i) N(x; ν_j, T_j) dx = log N(μ_i; ν_j, S_i + T_j), for all pairs of components."""
    difference = p.means[..., :, None, :] - q.means[..., None, :, :]
    if p.covariances is None and q.covariances is None:
        assert p.variances is not None
        assert q.variances is not None
        total = p.variances[..., :, None, :] + q.variances[..., None, :, :]
        return -(difference.square() / total + total.log()).sum(-1) / 2 - difference.shape[-1] * LOG_2PI / 2
    total = p.full()[..., :, None, :, :] + q.full()[..., None, :, :, :]
    return _gaussian_log_prob(difference, total)


def _gaussian_log_prob(x: Float[Tensor, "*b d"], covariance: Float[Tensor, "*b d d"]) -> Float[Tensor, "*b"]:
    """log N(x; 0, C) by Cholesky: finite at any distance."""
    factor = torch.linalg.cholesky(covariance)
    whitened = torch.linalg.solve_triangular(factor, x.unsqueeze(-1), upper=False).squeeze(-1)
    return -whitened.square().sum(-1) / 2 - _half_logdet(factor) - x.shape[-1] * LOG_2PI / 2


def _half_logdet(factor: Float[Tensor, "*b d d"]) -> Float[Tensor, "*b"]:
    """½ log|C| from C's Cholesky factor."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


# --------------------------------------------------------------------------------------------------- Cauchy–Schwarz


def cauchy_schwarz(p: Distribution, q: Distribution, squared: bool = False) -> Float[Tensor, "*batch"]:
    """D_CS(p‖q) = −log(∫pq / √(∫p² ∫q²)) ≥ 0, symmetric, zero only where p = q. (Assignment 2)

    The unsquared convention; `squared` gives −log((∫pq)² / (∫p² ∫q²)), twice as much, as some papers have it.
    For two normals of equal variance it is (μ₁ − μ₂)² / 4σ², half their KL divergence (2a):

    >>> cauchy_schwarz(Normal(torch.tensor(0.0), 1.0), Normal(torch.tensor(2.0), 1.0))
    tensor(1.0000)
    """
    p_, q_ = _pair(p, q)
    value = (_log_overlap(p_, p_) + _log_overlap(q_, q_)) / 2 - _log_overlap(p_, q_)
    return 2 * value if squared else value


class Bound(NamedTuple):
    """Whether D_CS ≤ min{KL(p‖q), KL(q‖p)} for a pair, and how that is known."""

    cauchy_schwarz: Float[Tensor, "*batch"]
    least_kl: Float[Tensor, "*batch"]
    error: Float[Tensor, "*batch"]
    """Standard error of the KL: 0 where it has a closed form."""
    holds: Bool[Tensor, "*batch"]
    """For mixtures, as far as the Monte Carlo tells: decided where the two lie more than some errors apart."""
    theorem: bool
    """True for Gaussians in the unsquared convention, where the inequality is proved; else it is only observed."""


def cauchy_schwarz_bound(
    p: Distribution,
    q: Distribution,
    squared: bool = False,
    samples: int = 100_000,
    generator: torch.Generator | None = None,
) -> Bound:
    """Does D_CS(p‖q) ≤ min{KL(p‖q), KL(q‖p)} hold here? A theorem for Gaussians (unsquared), false in general.

    For mixtures the KLs are Monte Carlo from `samples` draws, with their standard error.
    """
    p_, q_ = _pair(p, q)
    value = cauchy_schwarz(p, q, squared)
    if p_.components == q_.components == 1:
        least = torch.minimum(kl(p, q), kl(q, p))
        slack = 1e-5 if value.dtype == torch.float32 else 1e-10  # of rounding, where both are all but zero
        return Bound(value, least, torch.zeros_like(least), value <= least * (1 + slack) + slack, not squared)
    forward, backward = kl_monte_carlo(p, q, samples, generator), kl_monte_carlo(q, p, samples, generator)
    least = torch.minimum(forward.value, backward.value)
    error = torch.where(forward.value < backward.value, forward.error, backward.error)
    return Bound(value, least, error, value <= least, False)


# -------------------------------------------------------------------------------------------------- Kullback–Leibler


def kl(p: Distribution, q: Distribution) -> Float[Tensor, "*batch"]:
    """KL(p‖q) = ∫ p log(p/q) of Gaussians, in closed form.

    Raises UsageError for mixtures, where none exists: see `kl_monte_carlo` and `kl_bounds`.
    """
    return _kl(*_gaussians(p, q, "the KL divergence", "kl_monte_carlo() estimates it, kl_bounds() encloses it"))[
        ..., 0, 0
    ]


def _kl(p: Mixture, q: Mixture) -> Float[Tensor, "*batch K L"]:
    """KL(N_i‖N_j) between all components: ½ [tr(T⁻¹S) + δᵀT⁻¹δ − d + log|T| − log|S|]."""
    difference = p.means[..., :, None, :] - q.means[..., None, :, :]
    if p.covariances is None and q.covariances is None:
        assert p.variances is not None
        assert q.variances is not None
        s, t = p.variances[..., :, None, :], q.variances[..., None, :, :]
        ratio = s / t
        return (ratio - 1 - ratio.log() + difference.square() / t).sum(-1) / 2
    s, t = (torch.linalg.cholesky(m.full()) for m in (p, q))
    s, t = s[..., :, None, :, :], t[..., None, :, :, :]
    shape = torch.broadcast_shapes(s.shape, t.shape)
    mixed = torch.linalg.solve_triangular(t.expand(shape), s.expand(shape), upper=False)
    whitened = torch.linalg.solve_triangular(t.expand(shape), difference.unsqueeze(-1), upper=False)
    trace = mixed.square().sum((-2, -1)) + whitened.square().sum((-2, -1)) - difference.shape[-1]
    return trace / 2 + _half_logdet(t) - _half_logdet(s)


class Estimate(NamedTuple):
    """A Monte Carlo mean and its standard error."""

    value: Float[Tensor, "*batch"]
    error: Float[Tensor, "*batch"]


def kl_monte_carlo(
    p: Distribution, q: Distribution, samples: int = 10_000, generator: torch.Generator | None = None
) -> Estimate:
    """KL(p‖q) = E_p[log p − log q] from draws of p, with its standard error. Unbiased; it carries no gradient."""
    if samples < 2:
        raise UsageError(f"samples = {samples}: a standard error needs at least 2")
    p_, q_ = _pair(p, q)
    with torch.no_grad():
        x = _sample(p_, samples, generator)
        ratio = _log_prob(p_, x) - _log_prob(q_, x)
    return Estimate(ratio.mean(0), ratio.std(0) / math.sqrt(samples))


def _sample(p: Mixture, n: int, generator: torch.Generator | None) -> Float[Tensor, "n *batch d"]:
    batch, d = p.log_weights.shape[:-1], p.means.shape[-1]
    chances = p.log_weights.exp().reshape(-1, p.components)
    chosen = torch.multinomial(chances, n, replacement=True, generator=generator).t().reshape(n, *batch, 1, 1)
    like = p.means
    noise = torch.randn((n, *batch, d), dtype=like.dtype, device=like.device, generator=generator)
    means = p.means.expand(n, *p.means.shape).gather(-2, chosen.expand(n, *batch, 1, d)).squeeze(-2)
    if p.variances is not None:
        scales = p.variances.sqrt().expand(n, *p.means.shape).gather(-2, chosen.expand(n, *batch, 1, d)).squeeze(-2)
        return means + scales * noise
    factors = torch.linalg.cholesky(p.full()).expand(n, *batch, p.components, d, d)
    factor = factors.gather(-3, chosen.unsqueeze(-1).expand(n, *batch, 1, d, d)).squeeze(-3)
    return means + (factor @ noise.unsqueeze(-1)).squeeze(-1)


def _log_prob(p: Mixture, x: Tensor) -> Tensor:
    difference = x.unsqueeze(-2) - p.means
    if p.variances is not None:
        parts = -(difference.square() / p.variances + p.variances.log()).sum(-1) / 2 - x.shape[-1] * LOG_2PI / 2
    else:
        covariance = p.full()
        parts = _gaussian_log_prob(difference, covariance.expand(*difference.shape[:-1], *covariance.shape[-2:]))
    return (p.log_weights + parts).logsumexp(-1)


def sample(p: Distribution, n: int, generator: torch.Generator | None = None) -> Float[Tensor, "n *batch d"]:
    """n draws from the generator's noise, for everything this page takes."""
    return _sample(mixture(p), n, generator)


def log_prob(p: Distribution, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n"]:
    """log p(x) of points in d dimensions, for everything this page takes; p's batch is x's, or broadcasts to it."""
    return _log_prob(mixture(p), x)


class Bounds(NamedTuple):
    """What a divergence lies between."""

    lower: Float[Tensor, "*batch"]
    upper: Float[Tensor, "*batch"]


def kl_bounds(p: Distribution, q: Distribution, iterations: int = 50) -> Bounds:
    """Variational bounds on KL(p‖q) between mixtures: Hershey & Olsen, ICASSP 2007, sections 5–8; Durrieu et al. 2012.

    The upper bound is the lesser of Hershey and Olsen's, whose shares φ, ψ are improved over `iterations`, and of the
    one from Jensen's inequality; for Gaussians both ends are the divergence itself up to the entropy bound's looseness.
    """
    p_, q_ = _pair(p, q)
    π, log_π, log_ω = p_.log_weights.exp(), p_.log_weights, q_.log_weights
    to_p, to_q = _kl(p_, p_), _kl(p_, q_)
    d = p_.means.shape[-1]
    half_logdet = (
        p_.variances.log().sum(-1) / 2 if p_.variances is not None else _half_logdet(torch.linalg.cholesky(p_.full()))
    )
    entropy = half_logdet + d * (1 + LOG_2PI) / 2

    def below(log_weights: Tensor, divergences: Tensor) -> Tensor:
        """E_p[log r] ≥ Σ_a π_a [log Σ_b ω_b e^{−KL(p_a‖r_b)} − H(p_a)]."""
        return (π * ((log_weights[..., None, :] - divergences).logsumexp(-1) - entropy)).sum(-1)

    def above(r: Mixture) -> Tensor:
        """E_p[log r] ≤ Σ_a π_a log Σ_b ω_b ∫ p_a r_b."""
        return (π * (r.log_weights[..., None, :] + overlaps(p_, r)).logsumexp(-1)).sum(-1)

    lower = below(log_π, to_p) - above(q_)
    jensen = above(p_) - below(log_ω, to_q)
    # φ_ab = π_a's share for q_b, ψ_ab = ω_b's share for p_a: KL(p‖q) ≤ KL(φ‖ψ) + Σ φ_ab KL(p_a‖q_b)
    log_φ = log_π[..., :, None] + log_ω[..., None, :]
    log_ψ = log_φ
    for _ in range(iterations):
        log_ψ = log_ω[..., None, :] + log_φ.log_softmax(-2)
        log_φ = log_π[..., :, None] + (log_ψ - to_q).log_softmax(-1)
    variational = (log_φ.exp() * (log_φ - log_ψ + to_q)).sum((-2, -1))
    return Bounds(lower.clamp_min(0), torch.minimum(jensen, variational))


# --------------------------------------------------------------------------------------------- others, for Gaussians


def renyi(p: Distribution, q: Distribution, alpha: float) -> Float[Tensor, "*batch"]:
    """Rényi's divergence of order α of Gaussians: log ∫ p^α q^(1−α) / (α − 1), for α > 0 other than 1.

    Above 1 it is infinite where αT + (1 − α)S is not positive definite (Gil, Alajaji and Linder 2013).
    """
    if not (alpha > 0 and alpha != 1 and math.isfinite(alpha)):
        raise UsageError(f"alpha = {alpha}: Rényi's order is above 0 and not 1 (at 1 it is kl())")
    p_, q_ = _gaussians(p, q, "Rényi's divergence", "cauchy_schwarz() has one")
    difference = (p_.means - q_.means).squeeze(-2)
    if p_.variances is not None and q_.variances is not None:
        s, t = p_.variances.squeeze(-2), q_.variances.squeeze(-2)
        blend = alpha * t + (1 - alpha) * s
        finite = (blend > 0).all(-1)
        blend = torch.where(blend > 0, blend, torch.ones_like(blend))
        logs = blend.log() - (1 - alpha) * s.log() - alpha * t.log()
        value = (alpha * difference.square() / blend).sum(-1) / 2 - logs.sum(-1) / (2 * (alpha - 1))
        return torch.where(finite, value, torch.full_like(value, math.inf))
    full_s, full_t = p_.full().squeeze(-3), q_.full().squeeze(-3)
    total = alpha * full_t + (1 - alpha) * full_s
    factor, failed = torch.linalg.cholesky_ex(total)
    finite = failed == 0
    identity = torch.eye(total.shape[-1], dtype=total.dtype, device=total.device)
    factor = torch.linalg.cholesky(torch.where(finite[..., None, None], total, identity))
    whitened = torch.linalg.solve_triangular(factor, difference.unsqueeze(-1), upper=False).squeeze(-1)
    halves = [_half_logdet(torch.linalg.cholesky(c)) for c in (full_s, full_t)]
    logs = _half_logdet(factor) - (1 - alpha) * halves[0] - alpha * halves[1]
    value = alpha * whitened.square().sum(-1) / 2 - logs / (alpha - 1)
    return torch.where(finite, value, torch.full_like(value, math.inf))


def bhattacharyya(p: Distribution, q: Distribution) -> Float[Tensor, "*batch"]:
    """−log ∫ √(p q) of Gaussians: half of Rényi's divergence of order ½."""
    return renyi(p, q, 0.5) / 2


def hellinger(p: Distribution, q: Distribution) -> Float[Tensor, "*batch"]:
    """√(1 − ∫ √(p q)) of Gaussians, in [0, 1]: a metric."""
    return (-torch.expm1(-bhattacharyya(p, q))).clamp_min(0).sqrt()


def wasserstein2(p: Distribution, q: Distribution) -> Float[Tensor, "*batch"]:
    """W₂(p, q)², the *squared* 2-Wasserstein distance of Gaussians: |δ|² + tr(S + T − 2 (T^½ S T^½)^½)."""
    p_, q_ = _gaussians(p, q, "the Wasserstein distance", "cauchy_schwarz() has one")
    shift = (p_.means - q_.means).square().sum((-2, -1))
    if p_.variances is not None and q_.variances is not None:
        return shift + (p_.variances.sqrt() - q_.variances.sqrt()).square().sum((-2, -1))
    s, t = p_.full().squeeze(-3), q_.full().squeeze(-3)
    factor = torch.linalg.cholesky(t)
    # tr (T^½ S T^½)^½ is the sum of the roots of FᵀSF's eigenvalues, T = FFᵀ
    roots = torch.linalg.eigvalsh(factor.mT @ s @ factor).clamp_min(0).sqrt().sum(-1)
    trace = (s + t).diagonal(dim1=-2, dim2=-1).sum(-1)
    return shift + trace - 2 * roots
