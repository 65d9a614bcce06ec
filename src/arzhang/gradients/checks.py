"""What is looked at before and after f: every mistake a user can make ends here, in one clear line."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from arzhang.errors import UsageError
from arzhang.gradients.distributions import base_of, carries, device_of, domains, parameters

Function = Callable[[Tensor], Tensor]

# Differentiable in name only: their derivative is zero wherever it exists.
FLAT = ("Sign", "Round", "Floor", "Ceil", "Trunc", "FloorDiv", "Sgn")


def check_distribution(dist: Distribution) -> None:
    """Refuses what is no distribution, and parameters outside their domain (also those changed since it was made)."""
    if not isinstance(dist, Distribution):
        raise UsageError(
            f"an unknown distribution: {type(dist).__name__}; a torch.distributions.Distribution is needed"
        )
    if device_of(dist).type != "cpu" and not dist._validate_args:
        return  # a look makes the device wait: validate_args=False says that nobody should
    for name, value in parameters(dist).items():
        domain = domains(dist).get(name)
        if domain is None or constraints.is_dependent(domain):
            continue
        bad = _where(~domain.check(value))
        if bad is not None:
            found = value.detach()[bad].flatten()[0].item() if value.shape[: bad.ndim] == bad.shape else "what is given"
            raise UsageError(f"{name_of(dist)}: {name} = {found}: must satisfy {_words(domain)}")


def _where(condition: Tensor) -> Tensor | None:
    try:
        return condition if bool(condition.any()) else None
    except RuntimeError:  # under vmap nothing can be asked of a batched tensor
        return None


def _words(domain: constraints.Constraint) -> str:
    bound = getattr(domain, "lower_bound", None)
    names = {"GreaterThan": f"> {bound}", "GreaterThanEq": f"≥ {bound}", "Real": "a finite number"}
    kind = type(domain).__name__.lstrip("_")
    if kind == "Interval":
        return f"{bound} ≤ value ≤ {domain.upper_bound}"  # type: ignore[attr-defined]
    return names.get(kind, str(domain))


def check_count(n: int) -> None:
    """Refuses a number of samples that is none."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"n = {n}: the number of samples must be an integer of at least 1")


def evaluate(f: Function, z: Tensor, dist: Distribution) -> Tensor:
    """f(z), (n, *batch); names a wrong shape and NaN."""
    values = f(z)
    wanted = (z.shape[0], *dist.batch_shape[1:])
    if not isinstance(values, Tensor) or tuple(values.shape) != wanted:
        got = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else f"a {type(values).__name__}"
        raise UsageError(
            f"f: gave {got} for z of shape {tuple(z.shape)}; it must map (n, *batch, *event) to (n, *batch), "
            f"here {wanted}"
        )
    if not values.is_floating_point():
        raise UsageError(
            f"f: gave {values.dtype}; it must give floating-point numbers: add .to(torch.get_default_dtype())"
        )
    if (values.device.type == "cpu" or dist._validate_args) and _where(values.detach().sum().isnan()) is not None:
        _name_nan(values.detach(), z.detach())
    return values


def _name_nan(values: Tensor, z: Tensor) -> None:
    bad = values.isnan()  # the sum is also NaN where ∞ and −∞ meet
    if bad.any():
        place = tuple(int(i[0]) for i in bad.nonzero(as_tuple=True))
        at = z[place]
        shown = f"z = {at.item():.6g}" if at.numel() == 1 else f"the sample at {place}"
        raise UsageError(f"f: gave NaN for {int(bad.sum())} of {bad.numel()} samples, first for {shown}")


def reaches(values: Tensor, z: Tensor) -> bool:
    """Whether a derivative that is not zero everywhere can flow from f's values to z, read off autograd's graph."""
    waiting, seen = [values.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen or node.name().startswith(FLAT):
            continue
        if node is z.grad_fn:
            return True
        seen.add(node)
        waiting += [following for following, _ in node.next_functions]
    return False


def moving_support(dist: Distribution) -> str | None:
    """Says so where the support depends on a parameter that carries gradients, as that of Uniform does; else None."""
    try:
        support = dist.support
    except NotImplementedError:
        return None
    while (inner := getattr(support, "base_constraint", None)) is not None:
        support = inner
    if any(isinstance(bound, Tensor) and carries(bound) for bound in vars(support).values()):
        return f"the support of {name_of(dist)} depends on the parameter, so that E[∇ log p] is not zero"
    return None


def name_of(dist: Distribution) -> str:
    """The distribution's name, without the Independent around it."""
    return type(base_of(dist)).__name__


class _Attached(torch.autograd.Function):
    """Zeros to look at; backward multiplies by what was attached."""

    generate_vmap_rule = True

    @staticmethod
    def forward(target: Tensor, gradient: Tensor, rows: int) -> Tensor:
        return gradient.new_zeros(()).expand(target.shape[:rows])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (gradient,), (upstream,) = ctx.saved_tensors, grads
        return gradient * upstream.reshape(upstream.shape + (1,) * (gradient.ndim - upstream.ndim)), None, None


def attached(target: Tensor, gradient: Tensor, dist: Distribution) -> Tensor:
    """(n, *batch): zero, with the given derivative in the target, from which autograd goes on to what made it."""
    return _Attached.apply(target, gradient.detach(), len(dist.batch_shape))


def added(parts: list[Tensor], dist: Distribution) -> Tensor:
    """The sum of what was attached; plain zeros where nothing was."""
    if parts:
        return functools.reduce(torch.add, parts)
    like = next(iter(parameters(dist).values()), torch.zeros(()))
    return torch.zeros((), dtype=like.dtype, device=like.device).expand(dist.batch_shape)
