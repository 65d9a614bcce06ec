"""Estimators of distributions over finitely many values: the exact sum, and two that are fast and biased."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent, OneHotCategorical

from arzhang.errors import UsageError
from arzhang.gradients.checks import Function, evaluate, name_of
from arzhang.gradients.differences import coordinates
from arzhang.gradients.distributions import base_of, draw, sample
from arzhang.gradients.estimators import Estimator, Generator


@dataclass(frozen=True)
class Enumerate(Estimator):
    """Σ_z p(z; θ) f(z), exactly, where the support is finite. n plays no part. `limit`: values of z at most."""

    limit: int = 2**16

    def surrogate(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        n = dist.batch_shape[0]
        z = _support(dist)  # (values, *batch, *event)
        log_p = dist.log_prob(z.unsqueeze(1))  # values, n, *batch
        return (log_p.exp() * evaluate(f, z, dist).unsqueeze(1)).sum(0).expand(n, *dist.batch_shape[1:])

    def draws(self, n: int) -> int:
        return 1

    def refusal(self, dist: Distribution, n: int) -> str | None:
        base = base_of(dist)
        if not base.has_enumerate_support or (isinstance(dist, Independent) and base.event_shape):
            return f"Enumerate: {name_of(dist)} has no finite support that can be listed"
        try:
            size = self.evaluations(dist)
        except NotImplementedError:
            return f"Enumerate: {name_of(dist)}: the support must be the same for each element of the batch"
        return (
            f"Enumerate: {name_of(dist)} has {size:,} values, the limit is {self.limit:,}"
            if size > self.limit
            else None
        )

    def evaluations(self, dist: Distribution, n: int = 1) -> int:
        """The size of the support, whatever n."""
        return base_of(dist).enumerate_support(expand=False).shape[0] ** coordinates(dist)


def _support(dist: Distribution) -> Tensor:
    base = base_of(dist)
    values = base.enumerate_support(expand=False)  # values, 1, …, *base event
    event, batch = dist.event_shape, dist.batch_shape[1:]
    if coordinates(dist) > 1:
        flat = values.flatten()
        values = torch.cartesian_prod(*[flat] * coordinates(dist))
    return values.reshape(-1, *(1,) * len(batch), *event).expand(-1, *batch, *event)


@dataclass(frozen=True)
class StraightThrough(Estimator):
    """BIASED. Draws z, and differentiates as if z were its probabilities: ∇_θ f(z) = f′(z) ∇_θ p. (Bengio et al. 2013)

    For Bernoulli and OneHotCategorical. Cheap and of low variance, but its expectation is not the derivative, except
    for linear f.
    """

    biased: ClassVar[bool] = True

    def surrogate(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        (z,) = draw(dist, sample, generator)
        probs: Tensor = base_of(dist).probs  # type: ignore[attr-defined]
        return evaluate(f, z + (probs - probs.detach()), dist)

    def refusal(self, dist: Distribution, n: int) -> str | None:
        return _relaxable("StraightThrough", dist)


@dataclass(frozen=True)
class GumbelSoftmax(Estimator):
    """BIASED. f at softmax((log p + Gumbel noise) / temperature) in place of a one-hot z. (Jang et al. 2017)

    For Bernoulli and OneHotCategorical; f must be smooth between the corners. *Both* value and derivative are those of
    the relaxed distribution: the bias goes to zero with the temperature, while the variance grows without bound.
    """

    temperature: float = 0.5
    biased: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise UsageError(f"GumbelSoftmax(temperature={self.temperature}): must be greater than 0")

    def surrogate(self, f: Function, dist: Distribution, generator: Generator) -> Tensor:
        base = base_of(dist)
        logits: Tensor = base.logits  # type: ignore[attr-defined]

        def gumbel(d: Distribution) -> tuple[Tensor, ...]:
            u = torch.rand_like(d.logits).clamp_(min=torch.finfo(logits.dtype).tiny)  # type: ignore[attr-defined]
            return (-torch.log(-torch.log(u)) if isinstance(d, OneHotCategorical) else torch.logit(u),)

        (noise,) = draw(base, gumbel, generator)
        relaxed = (logits + noise) / self.temperature
        return evaluate(f, relaxed.softmax(-1) if isinstance(base, OneHotCategorical) else relaxed.sigmoid(), dist)

    def refusal(self, dist: Distribution, n: int) -> str | None:
        return _relaxable("GumbelSoftmax", dist)


def _relaxable(estimator: str, dist: Distribution) -> str | None:
    if type(base_of(dist)) in (Bernoulli, OneHotCategorical):
        return None
    return f"{estimator}: {name_of(dist)}: it is for Bernoulli and OneHotCategorical"
