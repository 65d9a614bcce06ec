"""What torch.distributions does not tell: which parameters the user gave, which of them carry gradients,
how to build the distribution anew with others, and how to draw from it under `torch.func.vmap` and a generator.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    MultivariateNormal,
    Normal,
    TransformedDistribution,
    constraints,
)

from arzhang.errors import UsageError

# Parameters that say the same thing: torch computes the others from the one that was given.
ALTERNATIVES = (("probs", "logits"), ("covariance_matrix", "precision_matrix", "scale_tril"))


def base_of(dist: Distribution) -> Distribution:
    """The distribution of one coordinate, inside any number of `Independent`."""
    while isinstance(dist, Independent):
        dist = dist.base_dist
    return dist


def parameters(dist: Distribution) -> dict[str, Tensor]:
    """The tensors that parameterise `dist`, by the names under which the user gave them (`logits`, not `probs`)."""
    base = _holder(dist)
    names = list(domains(dist))
    for group in ALTERNATIVES:
        given = _first_given(base, group)
        names = [name for name in names if name not in group or name == given]
    values = {name: getattr(base, name) for name in names}
    return {name: value for name, value in values.items() if isinstance(value, Tensor)}


def domains(dist: Distribution) -> Mapping[str, constraints.Constraint]:
    """What each of the `parameters` must satisfy."""
    return getattr(_holder(dist), "arg_constraints", None) or {}


def _holder(dist: Distribution) -> Distribution:
    """The distribution that was given the parameters, inside `Independent` and transformations."""
    base = base_of(dist)
    return _holder(base.base_dist) if type(base) is TransformedDistribution else base


def _homes(base: Distribution) -> list[dict[str, Any]]:
    """Where parameters may lie: OneHotCategorical has them in a Categorical, the relaxed distributions in a base."""
    homes: list[dict[str, Any]] = [vars(base)]
    for home in homes:
        homes += [vars(home[inner]) for inner in ("_categorical", "base_dist") if inner in home]
    return homes


def _first_given(base: Distribution, group: tuple[str, ...]) -> str | None:
    # Torch adds an alternative when it is first asked for, behind the one that was given.
    return next((name for home in _homes(base) for name in home if name in group), None)


def rebuild(dist: Distribution, values: Mapping[str, Tensor]) -> Distribution:
    """A distribution of the same kind with other parameters; `values` has the names that `parameters` gives."""
    if isinstance(dist, Independent):
        return Independent(rebuild(dist.base_dist, values), dist.reinterpreted_batch_ndims, validate_args=False)
    if type(dist) is TransformedDistribution:
        return TransformedDistribution(rebuild(dist.base_dist, values), dist.transforms, validate_args=False)
    kind: Any = type(dist)
    wanted = _arguments(kind)
    # What is no parameter, but without which there is no such distribution: total_count, temperature, dim, …
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    needed = [k for k, of in wanted.items() if of.kind in named and (of.default is of.empty or k == "total_count")]
    fixed = {k: getattr(dist, k) for k in needed if k not in values and hasattr(dist, k)}
    if not values or not set(values) <= set(wanted) or not set(needed) <= {*values, *fixed}:
        raise UsageError(
            f"{kind.__name__}: an unknown distribution: its parameters cannot be read; what can be used is a "
            "distribution whose constructor takes the names in its arg_constraints, alone or in Independent"
        )
    return kind(**{**values, **fixed, "validate_args": False})


@functools.cache
def _arguments(kind: type[Distribution]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(kind).parameters


def repeated(dist: Distribution, n: int) -> Distribution:
    """n copies along a new leading batch axis, without copying the parameters."""
    copies = dist.expand(torch.Size((n, *dist.batch_shape)))
    _forget_derived(dist, copies)
    inner = copies
    while isinstance(inner, Distribution):  # what we draw needs no second look, and looking waits for the device
        inner._validate_args = False
        inner = getattr(inner, "base_dist", None)
    return copies


def carrying(dist: Distribution) -> list[str]:
    """The names of the parameters that carry gradients."""
    return [name for name, value in parameters(dist).items() if carries(value)]


def carries(value: Tensor) -> bool:
    """Whether gradients flow into a tensor, on whichever level of torch.func."""
    return value.requires_grad or _probe(value).carries


def _forget_derived(dist: Distribution, copies: Distribution) -> None:
    """Removes alternatives that torch derived for the user (probs from logits): their graph may have been used up."""
    original, copied = base_of(dist), base_of(copies)
    for group in ALTERNATIVES:
        given = _first_given(original, group)
        for home in _homes(copied):
            if given in home:
                for name in set(group) - {given}:
                    home.pop(name, None)


def unreadable(dist: Distribution) -> str | None:
    """Why some of what carries gradients is not among `parameters`, or None."""
    base = base_of(dist)
    for transform in getattr(base, "transforms", ()) if type(base) is TransformedDistribution else ():
        if any(isinstance(value, Tensor) and carries(value) for value in vars(transform).values()):
            return (
                f"the parameters of {type(transform).__name__} cannot be read: put them into the distribution below it"
            )
    if not parameters(dist):
        return f"{type(base).__name__}: an unknown distribution: its parameters cannot be read"
    return None


def as_given(dist: Distribution, name: str, gradients: Tensor) -> Tensor:
    """Gradients (n, …) in a parameter as torch keeps it → as the user gave it: a Categorical's probs are normalised."""
    value = parameters(dist)[name]
    node = value.grad_fn
    if domains(dist)[name] is not constraints.simplex or node is None or node.name() != "DivBackward0":
        return gradients
    given, output = node.next_functions[0]  # what was divided by its sum
    assert given is not None
    edge = torch.autograd.graph.GradientEdge(given, output)
    try:
        return torch.autograd.grad(value, [edge], gradients, retain_graph=True, is_grads_batched=True)[0]
    except RuntimeError:
        raise UsageError(
            f"{type(base_of(dist)).__name__}: {name}: an earlier backward() used up what torch computed from it: make "
            "the distribution anew"
        ) from None


def device_of(dist: Distribution) -> torch.device:
    """Where the distribution's parameters lie."""
    return next((value.device for value in parameters(dist).values()), torch.device("cpu"))


class _Seen:
    """What a probe found; an object of its own, since torch.func takes lists apart."""

    def __init__(self, carries: bool) -> None:
        self.carries = carries
        self.batched = False


class _Probe(torch.autograd.Function):
    """Looks at tensors on every level of torch.func: a batched tensor hides that what it holds carries gradients."""

    @staticmethod
    def forward(seen: _Seen, *values: Tensor) -> Tensor:
        seen.carries |= any(value.requires_grad for value in values)
        return values[0].new_empty(0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.inputs = len(inputs)
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, ...]:
        return (None,) * ctx.inputs

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], seen: _Seen, *values: Tensor) -> tuple[Tensor, None]:
        seen.carries |= any(value.requires_grad for value in values)
        seen.batched = True
        return _Probe.apply(seen, *values), None


def _probe(*values: Tensor) -> _Seen:
    """Whether one of the tensors carries gradients, and whether vmap batches one."""
    seen = _Seen(any(value.requires_grad for value in values))
    if values:
        _Probe.apply(seen, *values)
    return seen


class _Outside(torch.autograd.Function):
    """Runs a sampler on plain tensors, vmap's axis made a batch axis: each example draws its own noise."""

    @staticmethod
    def forward(sampler: Callable[..., tuple[Tensor, ...]], *values: Tensor) -> tuple[Tensor, ...]:
        return sampler(*values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.inputs = len(inputs)
        ctx.mark_non_differentiable(*output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, ...]:
        return (None,) * ctx.inputs

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], sampler: Callable[..., Any], *values: Tensor) -> tuple[Any, Any]:
        # Axis 0 stays that of the n samples, for samplers that draw them together (Sobol, antithetic).
        size = info.batch_size
        moved = [
            v.unsqueeze(1).expand(v.shape[0], size, *v.shape[1:]) if dim is None else v.movedim(dim, 1)
            for v, dim in zip(values, in_dims[1:], strict=True)
        ]
        drawn = _Outside.apply(sampler, *moved)
        return drawn, (1,) * len(drawn)


def draw(
    dist: Distribution,
    sampler: Callable[[Distribution], tuple[Tensor, ...]],
    generator: torch.Generator | None = None,
) -> tuple[Tensor, ...]:
    """What `sampler(dist)` draws with torch's own functions, here from `generator`, constant to autograd, under vmap.

    `dist` has the n samples as its first batch axis, and so has everything that is drawn.
    """
    values = parameters(dist)
    with borrowed(generator, device_of(dist)), torch.no_grad():
        if _probe(*values.values()).batched:
            names = list(values)

            def on_plain(*tensors: Tensor) -> tuple[Tensor, ...]:
                return tuple(sampler(rebuild(dist, dict(zip(names, tensors, strict=True)))))

            return _Outside.apply(on_plain, *values.values())
        return tuple(part.detach() for part in sampler(dist))


@contextmanager
def borrowed(generator: torch.Generator | None, device: torch.device) -> Iterator[None]:
    """Lets torch's samplers, which take no generator, draw from the user's: its state goes in and comes back."""
    if generator is None:
        yield
        return
    if generator.device.type != device.type:
        raise UsageError(f"generator is on {generator.device}, the distribution on {device}: make both the same")
    default = _default(device)
    saved = default.get_state()
    default.set_state(generator.get_state())
    try:
        yield
    finally:
        generator.set_state(default.get_state())
        default.set_state(saved)


@contextmanager
def replayed(device: torch.device) -> Iterator[Callable[[], None]]:
    """Gives a function that takes torch's generator back to where it is now: common random numbers."""
    default = _default(device)
    state = default.get_state()

    def again() -> None:
        default.set_state(state)

    yield again


def _default(device: torch.device) -> torch.Generator:
    if device.type == "cpu":
        return torch.default_generator
    return getattr(torch, device.type).default_generators[device.index or 0]


def sample(dist: Distribution) -> tuple[Tensor, ...]:
    """One draw for each batch element, as a sampler for `draw`."""
    base = base_of(dist)
    if type(base) is Normal:  # as torch does it, but without a look at the least σ, for which it reads them all
        ε = torch.randn(base.loc.shape, dtype=base.loc.dtype, device=base.loc.device)
        return (torch.addcmul(base.loc, base.scale, ε),)
    return (dist.sample(),)


def compact(value: Tensor) -> Tensor:
    """An expanded tensor's numbers with the repetitions left out, so that what is made of them is computed once."""
    value = value.detach()
    for axis, (size, stride) in enumerate(zip(value.shape, value.stride(), strict=True)):
        if size > 1 and stride == 0:
            value = value.narrow(axis, 0, 1)
    return value


# --- Reparameterisation: z = T(ε; θ), with the ε that the caller wants ---------------------------------------------


def standard_noise(dist: Distribution) -> str | None:
    """What the distribution is a smooth function of: "normal" or "uniform" noise; None where only torch knows."""
    leaf = _leaf(dist)
    if isinstance(leaf, (Normal, MultivariateNormal)):
        return "normal"
    return "uniform" if type(leaf).icdf is not Distribution.icdf else None


def reparameterised(dist: Distribution, noise: Callable[[Distribution, str], Tensor]) -> Tensor:
    """z = T(ε; θ), differentiable in θ, where `noise(leaf, kind)` gives ε for the distribution at the bottom."""
    if isinstance(dist, Independent):
        return reparameterised(dist.base_dist, noise)
    if isinstance(dist, TransformedDistribution):
        z = reparameterised(dist.base_dist, noise)
        for transform in dist.transforms:
            z = transform(z)
        return z
    kind = standard_noise(dist)
    if kind is None:
        return dist.rsample()
    ε = noise(dist, kind)
    if isinstance(dist, Normal):
        return torch.addcmul(dist.loc, dist.scale, ε)
    if isinstance(dist, MultivariateNormal):
        return dist.loc + (dist._unbroadcasted_scale_tril @ ε.unsqueeze(-1)).squeeze(-1)
    return dist.icdf(ε)


def _leaf(dist: Distribution) -> Distribution:
    while isinstance(dist, (Independent, TransformedDistribution)):
        dist = dist.base_dist
    return dist
