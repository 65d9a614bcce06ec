"""∇_θ E_{p(z; θ)}[f(z)] from samples: one function, and the estimators one can give it.

Every estimator makes, for each of n samples, a *surrogate*: a number whose value is f(z) and whose derivative is the
estimator's. The expectation is their mean; the single-sample gradients are their derivatives, taken before the mean.
"""

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal, constraints

from arzhang.errors import UsageError
from arzhang.gradients import baselines
from arzhang.gradients.checks import Function, added, attached, evaluate, moving_support, name_of, reaches
from arzhang.gradients.differences import coordinates, difference, flat_entries
from arzhang.gradients.distributions import (
    base_of,
    borrowed,
    carries,
    carrying,
    compact,
    device_of,
    domains,
    draw,
    parameters,
    rebuild,
    reparameterised,
    replayed,
    sample,
    standard_noise,
    unreadable,
)
from arzhang.gradients.weak import Coupling, WeakPair, weak_derivative

Generator = torch.Generator | None

log = logging.getLogger(__name__)


class ZeroGradientWarning(UserWarning):
    """f's derivative is zero almost everywhere, so that the pathwise estimate is zero, whatever the truth."""


class Estimator(ABC):
    """How the derivative of an expectation is estimated. Immutable; all randomness comes from the generator."""

    biased: ClassVar[bool] = False

    @abstractmethod
    def surrogate(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        """(n, *batch): the value is f's, the derivative the estimator's. `dist` has n as its first batch axis."""

    def gradient(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        """A surrogate of which only the derivative is wanted, the same as that of `surrogate`."""
        return self.surrogate(f, dist, generator)

    @abstractmethod
    def refusal(self, dist: Distribution, n: int) -> str | None:
        """Why the estimator cannot be used here, or None."""

    def evaluations(self, dist: Distribution, n: int = 1) -> int:
        """How often the gradient from n samples evaluates f, for one element of the batch."""
        return n

    def single(self) -> str | None:
        """Why there are no single-sample gradients, or None."""
        return None

    def draws(self, n: int) -> int:
        """How many samples to draw where n are asked for."""
        return n


@dataclass(frozen=True)
class Pathwise(Estimator):
    """α, reparameterisation: ∇_θ E[f(z)] = E_ε[∇_z f(T(ε; θ)) · ∇_θ T(ε; θ)]. (Assignment 1a)

    For smooth f only: where f's derivative is zero almost everywhere, as for a step, so is the estimate.
    antithetic: half of the noise mirrors the other half. sobol: quasi-Monte-Carlo, scrambled Sobol points.
    """

    antithetic: bool = False
    sobol: bool = False

    def __post_init__(self) -> None:
        if self.antithetic and self.sobol:
            raise UsageError("Pathwise: antithetic and sobol exclude one another: choose one")

    def surrogate(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        if standard_noise(dist) is None:  # Gamma, Beta, Dirichlet, …: torch's implicit reparameterisation
            z = _implicit(dist, generator)
        else:
            z = reparameterised(dist, lambda leaf, kind: draw(leaf, lambda d: (self._noise(d, kind),), generator)[0])
        values = evaluate(f, z, dist)
        if z.grad_fn is not None and not reaches(values, z):
            warnings.warn(
                "Pathwise: f's gradient is zero almost everywhere, and with it this estimate, whatever the true "
                "derivative; ScoreFunction() and MeasureValued() need no derivative of f",
                ZeroGradientWarning,
                stacklevel=3,
            )
        return values

    def _noise(self, leaf: Distribution, kind: str) -> Tensor:
        shape, like = leaf.batch_shape + leaf.event_shape, next(iter(parameters(leaf).values()))
        if self.sobol:
            u = _sobol(shape, like)
            return torch.special.ndtri(u) if kind == "normal" else u
        half = torch.Size((shape[0] // 2, *shape[1:])) if self.antithetic else shape
        if kind == "normal":
            ε = torch.randn(half, dtype=like.dtype, device=like.device)
            return torch.cat([ε, -ε]) if self.antithetic else ε
        info = torch.finfo(like.dtype)
        u = torch.rand(half, dtype=like.dtype, device=like.device).clamp_(info.tiny, 1 - info.eps / 2)
        return torch.cat([u, 1 - u]).clamp_(max=1 - info.eps / 2) if self.antithetic else u

    def refusal(self, dist: Distribution, n: int) -> str | None:
        if not dist.has_rsample:
            return f"Pathwise: {name_of(dist)} has no differentiable samples"
        if (self.antithetic or self.sobol) and standard_noise(dist) is None:
            return (
                f"Pathwise: antithetic and Sobol draws need an inverse distribution function; {name_of(dist)} has none"
            )
        if self.antithetic and n % 2:
            return f"Pathwise(antithetic=True): n = {n}: the draws come in pairs, so n must be even"
        size = (dist.batch_shape + dist.event_shape).numel()
        if self.sobol and size > torch.quasirandom.SobolEngine.MAXDIM:
            return (
                f"Pathwise(sobol=True): {size} dimensions: a Sobol sequence has {torch.quasirandom.SobolEngine.MAXDIM}"
            )
        return None

    def single(self) -> str | None:
        if self.antithetic or self.sobol:
            kind = "antithetic" if self.antithetic else "Sobol"
            return f"{kind} draws belong together: look at the variance of expectation() instead"
        return None


def _implicit(dist: Distribution, generator: Generator) -> Tensor:
    with borrowed(generator, device_of(dist)):
        try:
            return dist.rsample()
        except RuntimeError as error:
            if "vmap" not in str(error):
                raise
            raise UsageError(
                f"Pathwise: torch cannot draw from {name_of(dist)} under vmap: give the distribution a batch instead"
            ) from None


def _sobol(shape: torch.Size, like: Tensor) -> Tensor:
    """n scrambled Sobol points in as many dimensions as there are other axes' elements, inside (0, 1)."""
    seed = int(torch.randint(2**62, (), device=like.device))
    engine = torch.quasirandom.SobolEngine(shape[1:].numel(), scramble=True, seed=seed)
    u = engine.draw(shape[0], dtype=torch.float64) + 2.0 ** -(engine.MAXBIT + 1)  # the middle of each cell
    return u.to(like).clamp_(max=1 - torch.finfo(like.dtype).eps / 2).reshape(shape)


@dataclass(frozen=True)
class ScoreFunction(Estimator):
    """β, REINFORCE: ∇_θ E[f(z)] = E[(f(z) − b) ∇_θ log p(z; θ)]. (Assignment 1b) Needs no derivative of f.

    baseline b: None; "leave_one_out", the mean of the other samples; "optimal", the constant of least variance for
    each parameter, fitted on the other samples; "delta", f's second-order expansion about the mean (f must be smooth);
    or a function of the distribution that gives one number for each batch element. None of them biases.
    """

    baseline: Literal["leave_one_out", "optimal", "delta"] | Callable[[Distribution], Tensor] | None = None

    def __post_init__(self) -> None:
        known = (None, "leave_one_out", "optimal", "delta")
        if not callable(self.baseline) and self.baseline not in known:
            raise UsageError(
                f"ScoreFunction(baseline={self.baseline!r}): there is None, 'leave_one_out', 'optimal', 'delta', or a "
                "function of the distribution"
            )

    def surrogate(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        (z,) = draw(dist, sample, generator)
        values = evaluate(f, z, dist)
        return values + self._derivative(f, values.detach(), z, dist)

    def gradient(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        (z,) = draw(dist, sample, generator)
        with torch.no_grad():  # z is constant: f has no part in the derivative
            values = evaluate(f, z, dist)
        return self._derivative(f, values, z, dist)

    def _derivative(self, f: Function, known: Tensor, z: Tensor, dist: Distribution) -> Tensor:
        """(n, *batch): zero, with the derivative (f(z) − b) ∇_θ log p(z; θ), and what the baseline owes."""
        if self.baseline is None:
            return _weighted_score(dist, z, known)
        if self.baseline == "optimal":
            return self._optimal(known, z, dist)
        if self.baseline == "leave_one_out":
            return _weighted_score(dist, z, known - baselines.leave_one_out(known))
        if self.baseline == "delta":
            delta = baselines.Delta(f, dist)
            expected = delta.expectation(dist)
            return _weighted_score(dist, z, known - delta(z)) + (expected - expected.detach())
        return _weighted_score(dist, z, known - baselines.called(self.baseline, dist, known.shape))

    @staticmethod
    def _optimal(known: Tensor, z: Tensor, dist: Distribution) -> Tensor:
        names = carrying(dist)
        given = parameters(dist)
        fixed = {name: value.detach() for name, value in given.items()}

        def log_p(*values: Tensor) -> Tensor:
            return rebuild(dist, fixed | dict(zip(names, values, strict=True))).log_prob(z)

        parts = []
        if names:
            value, pull = torch.func.vjp(log_p, *(fixed[name] for name in names))  # type: ignore[misc]
            for name, scores in zip(names, pull(torch.ones_like(value)), strict=True):
                centred = known.reshape(known.shape + (1,) * (scores.ndim - known.ndim)) - baselines.optimal(
                    known, scores
                )
                parts.append(attached(given[name], centred * scores, dist))
        return added(parts, dist)

    def evaluations(self, dist: Distribution, n: int = 1) -> int:
        """n, and for the delta baseline one at the mean, where it also takes f's derivatives, 1 + D of them."""
        return n + (self.baseline == "delta") * (2 + dist.event_shape.numel())

    def refusal(self, dist: Distribution, n: int) -> str | None:
        if (why := moving_support(dist)) is not None:
            return f"ScoreFunction: {why}"
        if type(base_of(dist)).log_prob is Distribution.log_prob:
            return f"ScoreFunction: {name_of(dist)} has no log_prob"
        if self.baseline in ("leave_one_out", "optimal") and n < 2:
            return f"ScoreFunction(baseline={self.baseline!r}): n = {n}: it is fitted on the other samples: n ≥ 2"
        if self.baseline == "optimal" and (why := unreadable(dist)) is not None:
            return f"ScoreFunction(baseline='optimal'): {why}"
        return baselines.check_mean(dist) if self.baseline == "delta" else None


def _weighted_score(dist: Distribution, z: Tensor, weight: Tensor) -> Tensor:
    """(n, *batch): zero, with the derivative weight · ∇_θ log p(z; θ)."""
    base = base_of(dist)
    if type(base) is not Normal:
        return attached(dist.log_prob(z), weight, dist)
    # ∇_μ log N(z; μ, σ²) = (z − μ)/σ²,  ∇_σ log N(z; μ, σ²) = ((z − μ)²/σ² − 1)/σ
    weight = weight.reshape(weight.shape + (1,) * len(dist.event_shape))
    with torch.no_grad():
        σ, x = compact(base.scale), z - base.loc
        of_σ = (x**2).div_(σ**3).sub_(1 / σ).mul(weight) if carries(base.scale) else None
        of_μ = (x * weight).div_(σ**2) if carries(base.loc) else None
    parts = [attached(base.loc, of_μ, dist)] if of_μ is not None else []
    parts += [attached(base.scale, of_σ, dist)] if of_σ is not None else []
    return added(parts, dist)


class _Differences(Estimator):
    """f at z⁺ less f at z⁻, for estimators that replace the derivative of a density by a difference of draws."""

    limit: int

    @abstractmethod
    def pair(self, base: Distribution, name: str, generator: Generator) -> tuple[str, WeakPair, bool]:
        """The parameter that is differentiated, c and the draws, and whether these are whole events."""

    def surrogate(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        # Coordinates are replaced in a sample of the whole; without any, the sample is for the value alone.
        z = draw(dist, sample, generator)[0] if coordinates(dist) > 1 else None
        estimate = self._estimate(f, dist, z, generator)
        return evaluate(f, draw(dist, sample, generator)[0] if z is None else z, dist) + estimate

    def gradient(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        z = draw(dist, sample, generator)[0] if coordinates(dist) > 1 else None
        return self._estimate(f, dist, z, generator)

    def _estimate(self, f: Function, dist: Distribution, z: Tensor | None, generator: Generator) -> Tensor:
        base = base_of(dist)
        parts = []
        if z is not None:
            log.info("%s: %s evaluations of f for a sample's gradient", type(self).__name__, self.evaluations(dist))
        for name in carrying(dist):
            target, (constant, positive, negative), whole = self.pair(base, name, generator)
            given = parameters(base)
            θ = given[target] if target in given else getattr(base, target)
            if coordinates(dist) == 1 and not whole:  # a scalar, though it may stand in an Independent of one
                shape = dist.batch_shape + dist.event_shape
                positive, negative = (side.reshape(*shape, -1) for side in (positive, negative))
            elif not whole:
                positive, negative = flat_entries(positive, dist), flat_entries(negative, dist)
            Δ = difference(lambda at: evaluate(f, at, dist), dist, positive, negative, z, self.limit)
            parts.append(attached(θ, constant * Δ.reshape(θ.shape), dist))
        return added(parts, dist)

    def evaluations(self, dist: Distribution, n: int = 1) -> int:
        """2 for each entry of each parameter that carries gradients; `expectation` adds n for its value."""
        rows = len(dist.batch_shape)
        return sum(2 * n * value.shape[rows:].numel() for name, value in parameters(dist).items() if carries(value))


@dataclass(frozen=True)
class MeasureValued(_Differences):
    """γ, weak derivatives: ∇_θ E[f(z)] = c · (E_p⁺[f] − E_p⁻[f]). (Assignment 1c) Needs no derivative of f.

    coupling: how the two draws depend on one another: "independent" (γ of the assignment), "shared" (the same noise),
    "antithetic" (u and 1 − u). It changes the variance, and which is best depends on f. A D-dimensional `Independent`
    costs 2·D evaluations of f for each parameter, done in chunks of at most `limit` elements of z.
    """

    coupling: Coupling = "independent"
    limit: int = 2**22

    def __post_init__(self) -> None:
        if self.coupling not in ("independent", "shared", "antithetic"):
            raise UsageError(f"MeasureValued(coupling={self.coupling!r}): there is independent, shared, antithetic")

    def pair(self, base: Distribution, name: str, generator: Generator) -> tuple[str, WeakPair, bool]:
        target, function = weak_derivative(base, name, self.coupling)
        return target, WeakPair(*draw(base, function, generator)), False

    def refusal(self, dist: Distribution, n: int) -> str | None:
        if (why := unreadable(dist)) is not None:
            return f"MeasureValued: {why}"
        try:
            for name in carrying(dist):
                weak_derivative(base_of(dist), name, self.coupling)
        except UsageError as error:
            return f"MeasureValued: {error}"
        return None


@dataclass(frozen=True)
class FiniteDifference(_Differences):
    """[E_{θ+h}[f] − E_{θ−h}[f]] / 2h with common random numbers: both draws come from the same random state.

    Its bias is of the order h² (f or p must be smooth); its variance where f jumps, or z does, grows like 1/h.
    """

    step: float = 2**-10
    limit: int = 2**22

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise UsageError(f"FiniteDifference(step={self.step}): a step must be greater than 0")

    def pair(self, base: Distribution, name: str, generator: Generator) -> tuple[str, WeakPair, bool]:
        whole = parameters(base)[name].shape != base.batch_shape

        def sampler(dist: Distribution) -> WeakPair:
            values = parameters(dist)
            θ = values[name]
            sides: list[Tensor] = []
            with replayed(θ.device) as again:
                for h in (self.step, -self.step):
                    drawn = []
                    for shift in _entries(θ, len(dist.batch_shape)) if whole else (1.0,):
                        moved = _inside(dist, name, θ + h * shift, self.step)
                        again()
                        drawn.append(rebuild(dist, values | {name: moved}).sample())
                    sides.append(torch.stack(drawn, -1) if whole else drawn[0])
            return WeakPair(torch.full_like(θ, 1 / (2 * self.step)), *sides)

        return name, WeakPair(*draw(base, sampler, generator)), whole

    def refusal(self, dist: Distribution, n: int) -> str | None:
        if (why := unreadable(dist)) is not None:
            return f"FiniteDifference: {why}"
        names = carrying(dist)
        if {"covariance_matrix", "precision_matrix"} & set(names):
            return "FiniteDifference: one entry of a symmetric matrix cannot be moved alone: give scale_tril instead"
        base = base_of(dist)
        if coordinates(dist) > 1 and any(parameters(dist)[k].shape != base.batch_shape for k in names):
            return (
                f"FiniteDifference: Independent({name_of(base)}): a coordinate must have one number for each parameter"
            )
        return None


def _entries(θ: Tensor, rows: int) -> Tensor:
    """For each entry of a parameter of one batch element, a tensor that is 1 there and 0 elsewhere."""
    size = θ.shape[rows:].numel()
    return torch.eye(size, dtype=θ.dtype, device=θ.device).reshape(size, *θ.shape[rows:])


def _inside(dist: Distribution, name: str, moved: Tensor, step: float) -> Tensor:
    constraint = domains(dist)[name]
    if constraint is constraints.simplex:  # it is normalised anew
        ok = moved >= 0
    elif constraint is constraints.lower_cholesky:  # a step also moves what is above the diagonal
        ok = moved.diagonal(dim1=-2, dim2=-1) > 0
    else:
        ok = constraint.check(moved)
    if not ok.all():
        raise UsageError(f"FiniteDifference(step={step}): takes {name} out of {constraint}: choose a smaller step")
    return moved
