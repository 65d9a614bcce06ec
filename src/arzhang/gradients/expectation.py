"""The two functions that use an estimator: one for training, one for looking at variance."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from arzhang.errors import UsageError
from arzhang.gradients.checks import Function, check_count, check_distribution
from arzhang.gradients.distributions import as_given, carrying, parameters, rebuild, repeated, unreadable
from arzhang.gradients.estimators import (
    Estimator,
    FiniteDifference,
    Generator,
    MeasureValued,
    Pathwise,
    ScoreFunction,
)
from arzhang.gradients.finite import Enumerate, GumbelSoftmax, StraightThrough

PATHWISE = Pathwise()


def expectation(
    f: Function, dist: Distribution, *, estimator: Estimator = PATHWISE, n: int = 1, generator: Generator = None
) -> Float[Tensor, "*batch"]:
    """E_{z ∼ dist}[f(z)], by n samples; `backward()` gives the estimator's gradient.

    Into the distribution's parameters, through whatever network made them, and into f's own. Works under
    `torch.func.vmap`, where each example draws its own noise.

    Args:
        f: maps (n, *batch, *event) to (n, *batch), for any n, each element of the batch by itself.
        dist: any torch distribution whose parameters carry gradients.
        estimator: how to differentiate; see each one for when *not* to use it.
        n: samples for each element of the batch.
        generator: where the noise comes from; torch's default generator if None.

    Raises:
        UsageError: the estimator is not available here (with those that are), a parameter outside its domain, n < 1,
            an f that gives the wrong shape or NaN.

    Source: Mohamed, Rosca, Figurnov, Mnih, "Monte Carlo Gradient Estimation in Machine Learning", JMLR 21(132), 2020.

    >>> mu = torch.tensor(1.5, requires_grad=True)
    >>> generator = torch.Generator().manual_seed(0)
    >>> value = expectation(lambda z: z**2, torch.distributions.Normal(mu, 1.0), n=100_000, generator=generator)
    >>> value.backward()  # E[z²] = μ² + 1 = 3.25, d/dμ = 2μ = 3
    >>> bool(abs(value - 3.25) < 0.05), bool(abs(mu.grad - 3) < 0.05)
    (True, True)
    """
    check_count(n)
    check_distribution(dist)
    _admit(estimator, dist, n)
    try:
        copies = repeated(dist, estimator.draws(n))
    except NotImplementedError:
        raise UsageError(f"{type(dist).__name__}: an unknown distribution: it does not implement expand()") from None
    return estimator.surrogate(f, copies, generator).mean(0)


def per_sample_gradients(
    f: Function, dist: Distribution, *, estimator: Estimator = PATHWISE, n: int, generator: Generator = None
) -> dict[str, Tensor]:
    """The n single-sample gradients of E_{z ∼ dist}[f(z)], by the parameters' names: {"loc": (n, *parameter shape), …}.

    For looking at variance, not for training. The names are those by which `dist` was made, and of the parameters that
    carry gradients (of all of them, where none does); the shapes are those to which torch has broadcast them. Under
    the same generator their mean is the gradient that `expectation` gives. A sample here is all that one draw costs:
    see `Estimator.evaluations`.

    Raises:
        UsageError: as `expectation`, and where single samples make no sense (Sobol and antithetic draws).

    >>> mu = torch.tensor([0.0, 2.0], requires_grad=True)
    >>> normal = torch.distributions.Normal(mu, 1.0)
    >>> gradients = per_sample_gradients(lambda z: 3 * z, normal, estimator=Pathwise(), n=4)
    >>> gradients["loc"].shape, gradients["loc"].var().item()  # every one of them is 3
    (torch.Size([4, 2]), 0.0)
    """
    check_count(n)
    check_distribution(dist)
    if (why := estimator.single()) is not None:
        raise UsageError(f"{type(estimator).__name__}: no single-sample gradients: {why}")
    if (why := unreadable(dist)) is not None:
        raise UsageError(f"single-sample gradients: {why}")
    given = parameters(dist)
    wanted = carrying(dist) or [name for name, value in given.items() if value.is_floating_point()]
    values = {name: value.detach().expand(n, *value.shape) for name, value in given.items()}
    values |= {name: values[name].requires_grad_() for name in wanted}
    copies = rebuild(dist, values)
    _admit(estimator, copies, n)
    with torch.enable_grad():
        surrogate = estimator.gradient(f, copies, generator)
    leaves = [values[name] for name in wanted]
    if not surrogate.requires_grad:
        return {name: torch.zeros_like(values[name]) for name in wanted}
    each = torch.ones((), dtype=surrogate.dtype, device=surrogate.device).expand_as(surrogate)
    gradients = torch.autograd.grad(surrogate, leaves, each, materialize_grads=True)
    return {name: as_given(dist, name, of_name) for name, of_name in zip(wanted, gradients, strict=True)}


def _admit(estimator: Estimator, dist: Distribution, n: int) -> None:
    if not isinstance(estimator, Estimator):
        raise UsageError(f"estimator = {estimator!r}: an estimator is needed, e.g. Pathwise()")
    if (why := estimator.refusal(dist, n)) is not None:
        every: tuple[Estimator, ...] = (Pathwise(), ScoreFunction(), MeasureValued(), FiniteDifference())
        every += (Enumerate(), StraightThrough(), GumbelSoftmax())
        names = [type(e).__name__ + " (biased)" * e.biased for e in every if e.refusal(dist, n) is None]
        raise UsageError(f"{why}. Available here: {', '.join(names) or 'none'}")
