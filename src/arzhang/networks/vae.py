"""A VAE's networks: assignment 3a's encoder and decoder for 28×28×1, the pattern for other sizes, and 3b's heads."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from arzhang.errors import UsageError

Norm = Literal["batch", "none"]


class Encoder(nn.Sequential):
    """Assignment 3a. Images (B, 1, 28, 28) in [0, 1] → features (B, 128)."""

    def __init__(self, norm: Norm = "batch") -> None:
        super().__init__(
            nn.Conv2d(1, 8, kernel_size=3, stride=2, padding=1),  # B,  8, 14, 14
            nn.ReLU(),
            nn.Conv2d(8, 16, kernel_size=3, stride=2, padding=1),  # B, 16,  7,  7
            nn.ReLU(),
            normalisation(norm, 16),
            nn.Conv2d(16, 32, kernel_size=3, stride=2),  # B, 32,  3,  3
            nn.ReLU(),
            nn.Flatten(),  # B, 288
            nn.Linear(288, 128),  # B, 128
        )


class ConvTranspose2d(nn.ConvTranspose2d):
    """torch's layer, by a faster way where one channel comes out on a CPU: oneDNN's takes over twice as long there.

    A pixel of the input times the kernel is a 3×3 patch of the output, and neighbouring patches, two pixels apart,
    overlap in one row and one column: the outer taps on one side are added to those on the other.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        layout = (self.kernel_size, self.stride, self.padding, self.output_padding, self.out_channels)
        if x.device.type != "cpu" or x.ndim != 4 or layout != ((3, 3), (2, 2), (1, 1), (1, 1), 1) or output_size:
            return super().forward(x, output_size)
        n, channels, height, width = x.shape
        kernel = self.weight.permute(0, 2, 3, 1).reshape(channels, 9)  # so its gradient lies as a channels_last weight
        taps = kernel.t() @ x.permute(0, 2, 3, 1).reshape(-1, channels).t()
        left, middle, right = taps.view(3, 3, n, height, width).unbind(1)
        rows = torch.stack((middle, right + nn.functional.pad(left, (-1, 1))), -1)  # pad: shift, and 0 at the border
        upper, middle, lower = rows.view(3, n, height, 2 * width).unbind()
        image = torch.stack((middle, lower + nn.functional.pad(upper, (0, 0, -1, 1))), 2)
        image = image.view(n, 1, 2 * height, 2 * width)  # no -1: a rank may have no image
        return image if self.bias is None else image + self.bias


class Decoder(nn.Sequential):
    """Assignment 3a and 3b. Latents (B, D) → logits of images (B, 1, 28, 28).

    The table's last row, a sigmoid, turns them into [0, 1] where a user sees them; the loss is stable on logits.
    """

    def __init__(self, latent_dim: int = 32, norm: Norm = "batch") -> None:
        super().__init__(
            nn.Linear(latent_dim, 128),  # B, 128
            nn.ReLU(),
            nn.Linear(128, 288),  # B, 288
            nn.ReLU(),
            nn.Unflatten(1, (32, 3, 3)),  # B, 32,  3,  3
            nn.ConvTranspose2d(32, 16, kernel_size=3, stride=2),  # B, 16,  7,  7
            nn.ReLU(),
            normalisation(norm, 16),
            nn.ConvTranspose2d(16, 8, kernel_size=3, stride=2, padding=1, output_padding=1),  # B,  8, 14, 14
            nn.ReLU(),
            ConvTranspose2d(8, 1, kernel_size=3, stride=2, padding=1, output_padding=1),  # B,  1, 28, 28
        )


def normalisation(norm: Norm, channels: int) -> nn.Module:
    """Batch normalisation, or nothing in its place (so that the other layers keep their numbers)."""
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()


class Pyramid(NamedTuple):
    """How the table goes on for another size: the sides and widths of the maps, from the image to the smallest."""

    sides: list[int]  # 28, 14, 7, 3
    widths: list[int]  # 1, 8, 16, 32
    features: int  # 128

    @property
    def flat(self) -> int:
        return self.widths[-1] * self.sides[-1] ** 2


def pyramid(size: int, channels: int) -> Pyramid:
    """Halve (3×3, stride 2, padding 1) and double the width, until a last, unpadded convolution leaves at most 4×4.

    >>> pyramid(28, 1)
    Pyramid(sides=[28, 14, 7, 3], widths=[1, 8, 16, 32], features=128)
    """
    if size < 8:
        raise UsageError(f"images of {size}×{size} pixels are too small for these networks: at least 8×8")
    sides, widths = [size], [channels]
    while (last := (sides[-1] - 3) // 2 + 1) > 4 or len(sides) < 2:
        sides.append((sides[-1] + 1) // 2)
        widths.append(8 * 2 ** (len(widths) - 1))
    return Pyramid([*sides, last], [*widths, 8 * 2 ** (len(widths) - 1)], 4 * 8 * 2 ** (len(widths) - 1))


def encoder(size: int, channels: int, norm: Norm = "batch") -> nn.Sequential:
    """The pattern of `Encoder` for images of any size and number of channels: (B, C, S, S) → features (B, F)."""
    if (size, channels) == (28, 1):
        return Encoder(norm)
    plan = pyramid(size, channels)
    last = len(plan.sides) - 2
    layers: list[nn.Module] = []
    for i, (wide, wider) in enumerate(zip(plan.widths, plan.widths[1:], strict=False)):
        layers += [nn.Conv2d(wide, wider, kernel_size=3, stride=2, padding=0 if i == last else 1), nn.ReLU()]
        if 0 < i < last:
            layers.append(normalisation(norm, wider))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(plan.flat, plan.features))


def decoder(size: int, channels: int, latent_dim: int, norm: Norm = "batch") -> nn.Sequential:
    """The pattern of `Decoder`, mirroring `encoder`: latents (B, D) → logits (B, C, S, S)."""
    if (size, channels) == (28, 1):
        return Decoder(latent_dim, norm)
    plan = pyramid(size, channels)
    first = len(plan.sides) - 1
    layers: list[nn.Module] = []
    for i in range(first, 0, -1):
        padding = 0 if i == first else 1
        # An output of (side − 1)·2 − 2·padding + 3 + extra pixels must be the side that the encoder came from.
        extra = plan.sides[i - 1] - ((plan.sides[i] - 1) * 2 - 2 * padding + 3)
        layers.append(ConvTranspose2d(plan.widths[i], plan.widths[i - 1], 3, 2, padding, output_padding=extra))
        if i > 1:
            layers.append(nn.ReLU())
        if i > 2:
            layers.append(normalisation(norm, plan.widths[i - 1]))
    entry = [nn.Linear(latent_dim, plan.features), nn.ReLU(), nn.Linear(plan.features, plan.flat), nn.ReLU()]
    return nn.Sequential(*entry, nn.Unflatten(1, (plan.widths[-1], plan.sides[-1], plan.sides[-1])), *layers)


class Code(NamedTuple):
    """What an encoder says of images: one Gaussian each, or a mixture of M."""

    mean: Float[Tensor, "B *M D"]
    log_variance: Float[Tensor, "B *M D"]
    log_weights: Float[Tensor, "B M"] | None
    """None where there is one Gaussian."""


class VAE(nn.Module):
    """Encoder, the two heads of 3b, decoder. With no argument assignment 3a's, at latent 32: 98,433 parameters.

    With `components` above 1 the heads give that many Gaussians for each image, and a third one their weights.
    """

    def __init__(
        self, size: int = 28, channels: int = 1, latent_dim: int = 32, norm: Norm = "batch", components: int = 1
    ) -> None:
        super().__init__()
        features = pyramid(size, channels).features
        self.latent_dim, self.components = latent_dim, components
        self.shape = (channels, size, size)
        self.encoder = encoder(size, channels, norm)
        self.mean = nn.Linear(features, latent_dim * components)
        self.log_variance = nn.Linear(features, latent_dim * components)
        if components > 1:
            self.weights = nn.Linear(features, components)
        self.decoder = decoder(size, channels, latent_dim, norm)

    def encode(self, images: Float[Tensor, "B C H W"]) -> Code:
        """q(z|x) = N(mean, exp(log-variance)), or a mixture of such, for images in [0, 1]."""
        features = torch.relu(self.encoder(images))
        mean, log_variance = self.mean(features), self.log_variance(features)
        if self.components == 1:
            return Code(mean, log_variance, None)
        shape = (images.shape[0], self.components, self.latent_dim)  # not len: an export's batch has any size
        return Code(mean.view(shape), log_variance.view(shape), self.weights(features).log_softmax(-1))

    def decode(self, latents: Float[Tensor, "B D"]) -> Float[Tensor, "B C H W"]:
        """Logits of the images' means; their sigmoid is the picture."""
        return self.decoder(latents)


class MixturePrior(nn.Module):
    """p(z) = Σ_k π_k N(z; μ_k, diag σ_k²), with variances above a floor. (Assignment 2b)"""

    def __init__(self, components: int, latent_dim: int, floor: float, learn: bool = True) -> None:
        super().__init__()
        self.floor = floor
        self.logits = nn.Parameter(torch.zeros(components), requires_grad=learn)
        self.means = nn.Parameter(torch.randn(components, latent_dim), requires_grad=learn)
        self.raw = nn.Parameter(torch.zeros(components, latent_dim), requires_grad=learn)
        self.set(self.means.detach().clone(), torch.ones(components, latent_dim))

    @torch.no_grad()
    def set(self, means: Float[Tensor, "K D"], variances: Float[Tensor, "K D"]) -> None:
        """Begin with these components, equally likely."""
        self.logits.zero_()
        self.means.copy_(means)
        above = (variances - self.floor).clamp_min(1e-3)
        self.raw.copy_(above + torch.log(-torch.expm1(-above)))  # the inverse of softplus

    @property
    def variances(self) -> Float[Tensor, "K D"]:
        return self.floor + nn.functional.softplus(self.raw)


def reparameterise(
    mean: Float[Tensor, "*B D"], log_variance: Float[Tensor, "*B D"], noise: Float[Tensor, "... D"]
) -> Float[Tensor, "... D"]:
    """Assignment 3b: z = μ + σ·ε with ε ∼ N(0, I), so that z's randomness does not stand in the gradient's way."""
    return mean + (log_variance / 2).exp() * noise
