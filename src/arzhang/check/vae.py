"""Problem 3, what is a formula or a draw: the reparameterisation trick, sizes of a transposed convolution, the loss."""

import math
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from arzhang.check.code import Code
from arzhang.check.comparison import compare
from arzhang.check.findings import Finding, Stopped, right, wrong

# ------------------------------------------------------------------------------------------------------- 3b

ROWS, DIMENSIONS = 4_000, 8


def reparameterise(user: Code) -> list[Finding]:
    """The draws, less their mean and over their scale, must be N(0, 1), independent, new; and gradients must flow."""
    torch.manual_seed(4)
    mean = (torch.arange(DIMENSIONS) - 3.0).expand(ROWS, -1).clone().requires_grad_()
    log_variance = torch.linspace(-2, 2, DIMENSIONS).expand(ROWS, -1).clone().requires_grad_()
    z = user.tensor(mean, log_variance, shape=mean.shape)
    again = user.tensor(mean, log_variance, shape=mean.shape).detach()
    ε = (z.detach() - mean.detach()).double()
    if float(ε.abs().max()) < 1e-6:
        return [wrong("3b.no_noise")]
    if torch.equal(again, z.detach()):
        return [wrong("3b.reused")]
    if bad := _shared(ε):
        return [wrong(bad)]
    if bad_scale := _scales(ε, log_variance.detach()[0].double()):
        return [bad_scale]
    if not z.requires_grad:
        return [wrong("3b.no_gradient", of="mean or log_variance")]
    gradients = torch.autograd.grad(z.sum(), (mean, log_variance), allow_unused=True)
    exact = {"mean": torch.ones(ROWS, DIMENSIONS), "log_variance": (ε / 2).float()}
    for (name, truth), gradient in zip(exact.items(), gradients, strict=True):
        if gradient is None or not bool(gradient.any()):
            return [wrong("3b.no_gradient", of=name)]
        if not torch.allclose(gradient, truth, rtol=1e-3, atol=1e-4):
            return [wrong("3b.gradient", of=name)]
    return [right("3b.right")]


def _shared(ε: Tensor) -> str | None:
    """Where one draw serves many images, or many dimensions: their noise is then proportional."""
    rows = ε / ε.std(0)
    if torch.allclose(ε[0].expand_as(ε), ε, atol=1e-4):
        return "3b.shared_batch"
    correlation = torch.corrcoef(rows.T)
    off = correlation[~torch.eye(DIMENSIONS, dtype=torch.bool)].abs()
    return "3b.shared_dimensions" if float(off.max()) > 0.2 else None  # of independent ones below 0.1 at FAILURE_RATE


def _scales(ε: Tensor, log_variance: Tensor) -> Finding | None:
    """The mean and the standard deviation of the draws, dimension by dimension."""
    slack = 6 / math.sqrt(ROWS)  # in standard deviations; FAILURE_RATE over 16 numbers is at 5.5
    off = ε.mean(0) / ε.std(0)
    if float(off.abs().max()) > slack:
        return wrong("3b.uniform" if bool((off > 0).all()) else "3b.mean", got=float(off[0]))
    got, truth = ε.std(0), (log_variance / 2).exp()
    if torch.allclose(got, truth, rtol=slack):
        return None
    alternatives = {
        "exp_log_variance": log_variance.exp(), "ones": torch.ones_like(truth),
        "root_missing": (2 * log_variance).exp(),
        "root_twice": (log_variance / 4).exp(), "log_used": log_variance.abs(), "inverse": (-log_variance / 2).exp(),
        "uniform_scaled": truth / math.sqrt(12),
    }  # fmt: skip
    place = int((got / truth).log().abs().argmax())
    seen = {
        "at": f"log-variance {float(log_variance[place]):g}",
        "got": float(got[place]),
        "truth": float(truth[place]),
    }
    for name, value in alternatives.items():
        if torch.allclose(got, value, rtol=slack):
            return wrong(f"3b.{name}", "spread", **seen)
    return wrong("3b.scale", "spread", **seen)


def heads(user: Code) -> list[Finding]:
    """Two separate linear layers, with nothing after them."""
    torch.manual_seed(5)
    network = user.build(7)
    features = torch.randn(256, 128)
    made = network(features)
    if not (isinstance(made, tuple | list) and len(made) == 2):
        raise Stopped("code.two", name=user.name, kind=type(made).__name__)
    mean, log_variance = (network.numbers(part, (256, 7)).detach() for part in made)
    if torch.equal(mean, log_variance):
        return [wrong("3b.one_layer")]
    for name, part in (("mean", mean), ("log_variance", log_variance)):
        if float(part.min()) >= 0 or float(part.max()) <= 0:
            return [wrong("3b.activated", of=name, low=float(part.min()), high=float(part.max()))]
        if float(part.abs().max()) <= 1 and bool((part.abs() > 0.999).any()):
            return [wrong("3b.activated", of=name, low=float(part.min()), high=float(part.max()))]
    count = sum(p.numel() for p in network.target.parameters()) if isinstance(network.target, nn.Module) else 0
    wanted = 2 * (128 * 7 + 7)
    if count != wanted:
        return [wrong("3b.count", got=count, wanted=wanted)]
    return [right("3b.heads", count=count)]


# ------------------------------------------------------------------------------------------------------- 3c

GRID = tuple(
    (size, kernel, stride, padding, extra, dilation)
    for size, kernel, stride, padding, extra, dilation in product(
        (1, 4, 7), (1, 3, 4), (1, 2, 3), (0, 1, 2), (0, 1, 2), (1, 2)
    )
    if extra < max(stride, dilation) and (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1 > 0
)
"""Every setting that torch's layer accepts, of a small grid."""


def output_size(user: Code) -> list[Finding]:
    """The formula against the real layer."""
    names = ("size", "kernel", "stride", "padding", "output_padding", "dilation")
    places = [", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True)) for row in GRID]
    got = [user.number(*row, place=at).detach() for row, at in zip(GRID, places, strict=True)]
    truth = [torch.tensor(_real(*row), dtype=torch.float64) for row in GRID]
    return compare("3c", places, got, truth, lambda made: [_size(made, *row) for row in GRID], SIZES)


def _real(size: int, kernel: int, stride: int, padding: int, extra: int, dilation: int) -> int:
    layer = nn.ConvTranspose2d(1, 1, kernel, stride, padding, extra, dilation=dilation, device="meta")
    return int(layer(torch.empty(1, 1, size, size, device="meta")).shape[-1])


SIZES = (
    "no_dilation", "dilated_kernel", "no_output_padding", "output_padding_twice", "padding_once", "padding_added",
    "size_not_less_one", "no_one", "no_padding", "convolution", "stride_on_kernel",
)  # fmt: skip


def _size(made: frozenset[str], size: int, kernel: int, stride: int, padding: int, extra: int, dilation: int) -> Tensor:
    """(size − 1)·stride − 2·padding + dilation·(kernel − 1) + output padding + 1, or what it is with mistakes made."""
    if "convolution" in made:
        return torch.tensor(float((size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1))
    covered = kernel - 1 if "no_dilation" in made else dilation * (kernel - 1)
    covered = dilation * kernel - 1 if "dilated_kernel" in made else covered
    pads = padding * (
        1 if "padding_once" in made else -2 if "padding_added" in made else 0 if "no_padding" in made else 2
    )
    more = extra * (0 if "no_output_padding" in made else 2 if "output_padding_twice" in made else 1)
    steps = size * stride if "size_not_less_one" in made else (size - 1) * stride
    steps = (size - 1) + (stride - 1) * kernel if "stride_on_kernel" in made else steps
    return torch.tensor(float(steps - pads + covered + more + (0 if "no_one" in made else 1)))


# ------------------------------------------------------------------------------------------------------- 3d

BETAS = (1.0, 4.0)


def vae_loss(user: Code) -> list[Finding]:
    """The loss of fixed numbers, for two values of β, so that both of its terms are seen."""
    generator = torch.Generator().manual_seed(6)
    images = torch.rand(3, 1, 28, 28, generator=generator, dtype=torch.float64)
    logits = torch.randn(3, 1, 28, 28, generator=generator, dtype=torch.float64)
    mean = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    log_variance = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    given = (images, logits.sigmoid(), mean, log_variance)
    places = [f"β = {beta:g}" for beta in BETAS]
    got = [user.number(*given, beta, place=at).detach() for beta, at in zip(BETAS, places, strict=True)]
    bce = F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)
    q = Normal(mean, (log_variance / 2).exp())
    exact = kl_divergence(q, Normal(torch.zeros_like(mean), 1.0)).sum(1)
    truth = [(bce + beta * exact).mean() for beta in BETAS]
    found = compare("3d", places, got, truth, lambda made: [_loss(made, *given, beta) for beta in BETAS], LOSSES, 1e-5)
    if found[0].level == "wrong":
        return found
    leaves = [g.clone().requires_grad_() for g in given[1:]]
    loss = user.number(images, *leaves, 1.0)
    names = ("decoded", "mean", "log_variance")
    flows = torch.autograd.grad(loss, leaves, allow_unused=True) if loss.requires_grad else [None] * 3
    cut = [name for name, gradient in zip(names, flows, strict=True) if gradient is None or not bool(gradient.any())]
    return [wrong("3d.no_gradient", of=", ".join(cut))] if cut else [*found, right("3d.gradient")]


LOSSES = (
    "kl_mean", "kl_batch_axis", "pixels_averaged", "all_averaged", "beta_on_reconstruction", "beta_unused", "kl_sign",
    "kl_not_halved", "log_missing", "one_missing", "variance_not_exponentiated", "deviation", "mean_not_squared",
    "swapped", "squares", "squares_halved", "sigmoid_twice", "batch_summed", "no_kl", "no_reconstruction", "negative",
)  # fmt: skip


def _loss(
    made: frozenset[str], images: Tensor, decoded: Tensor, mean: Tensor, log_variance: Tensor, beta: float
) -> Tensor:
    """The definition, or what it is with mistakes made."""
    x, m = (decoded, images) if "swapped" in made else (images, decoded)
    m = m.sigmoid() if "sigmoid_twice" in made else m
    pixels = -(x * m.log().clamp_min(-100) + (1 - x) * (1 - m).log().clamp_min(-100)).flatten(1)
    if made & {"squares", "squares_halved"}:
        pixels = (x - m).square().flatten(1) / (2 if "squares_halved" in made else 1)
    reconstruction = pixels.mean(1) if made & {"pixels_averaged", "all_averaged"} else pixels.sum(1)
    variance = log_variance if "variance_not_exponentiated" in made else log_variance.exp()
    variance = (log_variance / 2).exp() if "deviation" in made else variance
    terms = mean if "mean_not_squared" in made else mean.square()
    terms = terms + variance - (0 if "log_missing" in made else log_variance) - (0 if "one_missing" in made else 1)
    terms = terms if "kl_not_halved" in made else terms / 2
    kl = terms.mean(1) if made & {"kl_mean", "all_averaged"} else terms.sum(1)
    kl = terms.sum(0).mean() if "kl_batch_axis" in made else kl
    kl = -kl if "kl_sign" in made else kl * 0 if "no_kl" in made else kl
    reconstruction = reconstruction * (0 if "no_reconstruction" in made else 1)
    weights = (beta, 1.0) if "beta_on_reconstruction" in made else (1.0, 1.0) if "beta_unused" in made else (1.0, beta)
    each = weights[0] * reconstruction + weights[1] * kl
    value = each.sum() if "batch_summed" in made else each.mean()
    return -value if "negative" in made else value
