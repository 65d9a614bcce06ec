"""Control variates of the score function: what is subtracted from f before it multiplies ∇_θ log p.

E[∇_θ log p] = 0, so a baseline leaves the mean as it is if it does not depend on the sample it corrects. Those that
are fitted are therefore fitted, for each sample, on all the others.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from arzhang.errors import UsageError

Function = Callable[[Tensor], Tensor]


def leave_one_out(values: Float[Tensor, "n *batch"]) -> Float[Tensor, "n *batch"]:
    """b_i = 1/(n−1) Σ_{j≠i} f(z_j): the mean of the others.

    >>> leave_one_out(torch.tensor([1.0, 2.0, 6.0]))
    tensor([4.0000, 3.5000, 1.5000])
    """
    n = values.shape[0]
    return (values.sum(0) - values) / (n - 1)


def optimal(values: Float[Tensor, "n *batch"], scores: Float[Tensor, "n *parameter"]) -> Float[Tensor, "n *parameter"]:
    """b_i = Σ_{j≠i} f(z_j) s_j² / Σ_{j≠i} s_j², s = ∂_θ log p: the constant of least variance, one for each parameter.

    E[f s²] / E[s²] minimises Var[(f − b) s] = E[(f − b)² s²] − const. (Mohamed et al. 2020, section 7.4.1)
    """
    values = values.reshape(values.shape + (1,) * (scores.ndim - values.ndim))
    weights = scores**2
    # Sums over the others, from both sides: subtracting one's own term from the whole would lose digits.
    above, below = _sum_of_others(values * weights), _sum_of_others(weights)
    return torch.where(below > 0, above / below.clamp(min=torch.finfo(below.dtype).tiny), 0.0)


def _sum_of_others(x: Tensor) -> Tensor:
    before = torch.cat([torch.zeros_like(x[:1]), x[:-1].cumsum(0)])
    after = torch.cat([x[1:].flip(0).cumsum(0).flip(0), torch.zeros_like(x[:1])])
    return before + after


class Delta:
    """The second-order expansion b(z) of f about the mean m, whose expectation is known in closed form.

    b(z) = f(m) + f′(m)·(z − m) + ½ f″(m)·(z − m)²,
    E_θ[b] = f(m) + f′(m)·(E_θ[z] − m) + ½ f″(m)·(Var_θ[z] + (E_θ[z] − m)²).
    It depends on the sample, so what it takes away from the mean, ∇_θ E_θ[b], is given back. (the delta method; Paisley
    et al. 2012, Mohamed et al. 2020, section 7.4.3). Of f″ only the diagonal is used: D derivatives for a D-dimensional
    event. f must be smooth at the mean, and defined there, also where the distribution is discrete.
    """

    def __init__(self, f: Function, dist: Distribution) -> None:
        mean = dist.mean.detach()[:1]  # the n copies have one mean
        self.events = len(dist.event_shape)
        self.mean, self.value = mean, f(mean).detach()
        self.gradient, self.curvature = _derivatives(f, mean, self.events)

    def __call__(self, z: Tensor) -> Tensor:
        """b(z)."""
        d = z - self.mean
        return self.value + _over_event(self.gradient * d + self.curvature / 2 * d**2, self.events)

    def expectation(self, dist: Distribution) -> Tensor:
        """E_θ[b], differentiable in θ."""
        d = dist.mean - self.mean
        return self.value + _over_event(self.gradient * d + self.curvature / 2 * (dist.variance + d**2), self.events)


def _over_event(x: Tensor, events: int) -> Tensor:
    return x.flatten(-events).sum(-1) if events else x


def _derivatives(f: Function, at: Tensor, events: int) -> tuple[Tensor, Tensor]:
    gradient = torch.func.grad(lambda z: f(z).sum())
    first = gradient(at).detach()
    if not events:
        return first, torch.func.grad(lambda z: gradient(z).sum())(at).detach()
    size = at.flatten(-events).shape[-1]
    second = [
        torch.func.grad(lambda z, d=d: gradient(z).flatten(-events)[..., d].sum())(at).flatten(-events)[..., d]
        for d in range(size)
    ]
    return first, torch.stack(second, -1).reshape(at.shape).detach()


def check_mean(dist: Distribution) -> str | None:
    """Why the delta baseline cannot be used with `dist`, or None."""
    try:
        copy = dist.expand(dist.batch_shape)  # torch keeps what it computes, with its graph: not in the user's object
        mean, variance = copy.mean, copy.variance
    except NotImplementedError:
        return f"baseline 'delta' needs a mean and a variance, and {type(dist).__name__} has none"
    if mean.shape != dist.batch_shape + dist.event_shape or _any(~(mean.isfinite() & variance.isfinite())):
        return f"baseline 'delta' needs a finite mean and variance, and {type(dist).__name__} has none here"
    return None


def _any(condition: Tensor) -> bool:
    try:
        return bool(condition.any())
    except RuntimeError:  # vmap: nothing can be asked of a batched tensor
        return False


def called(baseline: Callable[[Distribution], Tensor], dist: Distribution, batch: torch.Size) -> Tensor:
    """A user's baseline: a function of the distribution, never of the samples, so that it cannot bias."""
    value = torch.as_tensor(baseline(dist)).detach()
    try:
        fits = torch.broadcast_shapes(value.shape, batch) == batch
    except RuntimeError:
        fits = False
    if not fits:
        raise UsageError(
            f"baseline: gave shape {tuple(value.shape)}, which does not fit the batch shape {tuple(batch)}"
        )
    if _any(value.isnan()):
        raise UsageError("baseline: gave NaN")
    return value
