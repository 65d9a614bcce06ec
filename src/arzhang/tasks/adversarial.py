"""What tasks with two players share: their losses, and the pool of earlier images that a discriminator is shown."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, Shaped
from torch import Tensor, nn

from arzhang.contracts import given

Kind = Literal["vanilla", "lsgan", "hinge"]
AT_ONCE = 1 << 22
"""Values of the images that are made at once; more go one part after another."""


def signed(images: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """[0, 1], in which users give and get images → [−1, 1], in which the networks of these tasks see them."""
    return images * 2 - 1


def made(
    network: Callable[..., Tensor], shape: tuple[int, int, int], *rows: Shaped[Tensor, "B ..."]
) -> Float[Tensor, "B C H W"]:
    """What a network makes of tensors with a row an image, in [0, 1], some images after others so that memory lasts."""
    size = max(1, AT_ONCE // math.prod(shape))
    parts = zip(*(row.split(size) for row in rows), strict=True)
    return torch.cat([(network(*part).float() + 1) / 2 for part in parts])


def given_at_any_size(images: Tensor, shape: tuple[int, int, int], like: Tensor) -> Float[Tensor, "B C H W"]:
    """A user's images as a translator takes them: with the channels of `shape`, of whatever height and width."""
    own = (shape[0], images.shape[2], images.shape[3]) if images.ndim == 4 else shape
    return given(images, own, like)


def variety(
    labels: Int64[Tensor, " B"] | None = None, /, **images: Float[Tensor, "B C H W"]
) -> dict[str, Float[Tensor, " B"]]:
    """How far each image lies from the mean of all of its kind (mean absolute difference), under `KIND_variety`: where
    that of made images is far below that of real ones, the generator makes the same whatever it is given. With
    `labels`, from the mean of those of its class, for a generator that makes one image a class varies with it alone."""
    found = {}
    for kind, some in images.items():
        mean = some.mean(0)
        if labels is not None:
            alike = (labels[:, None] == labels).to(some)
            mean = (alike @ some.flatten(1) / alike.sum(1, keepdim=True)).view_as(some)
        found[f"{kind}_variety"] = (some - mean).abs().flatten(1).mean(1)
    return found


class Judgement(NamedTuple):
    """A discriminator's loss and what it is made of, each a mean over logits."""

    loss: Float[Tensor, ""]
    """(real + fake)/2: the paper halves it, which slows the discriminator down against the generator."""
    real: Float[Tensor, ""]
    fake: Float[Tensor, ""]
    accuracy: Float[Tensor, ""]
    """Share of the logits on the right side, real and fake ones counting equally: 1/2 is a coin's."""


class AdversarialLoss:
    """The two players' objectives, on logits: both are minimised, each by its own player."""

    def __init__(self, kind: Kind = "vanilla") -> None:
        """`vanilla`: cross-entropy, with the generator's non-saturating form (Goodfellow et al. 2014). `lsgan`: least
        squares with targets 1 and 0 (Mao et al. 2017). `hinge`: Lim & Ye 2017."""
        self.kind = kind

    def discriminator(self, real: Float[Tensor, "*R"], fake: Float[Tensor, "*F"]) -> Judgement:
        """Real logits up, fake ones down; give fakes that carry no gradient to the generator."""
        if self.kind == "vanilla":
            # −log D(real), −log(1 − D(fake)) with D = sigmoid(logit); by softplus, so that no logit is too large
            terms = F.softplus(-real).mean(), F.softplus(fake).mean()
        elif self.kind == "lsgan":
            # least squares, with targets 1 and 0
            terms = (real - 1).square().mean(), fake.square().mean()
        else:
            terms = F.relu(1 - real).mean(), F.relu(1 + fake).mean()
        boundary = 0.5 if self.kind == "lsgan" else 0.0
        right = ((real > boundary).to(real.dtype).mean() + (fake <= boundary).to(fake.dtype).mean()) / 2
        return Judgement((terms[0] + terms[1]) / 2, *terms, right)

    def generator(self, fake: Float[Tensor, "*F"]) -> Float[Tensor, ""]:
        """Fake logits up."""
        if self.kind == "vanilla":
            # −log D(fake), which has a gradient where log(1 − D(fake)) has none
            return F.softplus(-fake).mean()
        return (fake - 1).square().mean() if self.kind == "lsgan" else -fake.mean()


class ImagePool(nn.Module):
    """Earlier generated images, of which a discriminator is shown one in two. (CycleGAN, after Shrivastava et al. 2017)

    Until `size` images have come, each is kept and shown. From then on each is, with probability 1/2, kept in place of
    a random one of the pool, which is shown instead. `size=0` shows every image as it comes. What is kept are buffers,
    so that a checkpoint holds them.
    """

    images: Tensor
    count: Tensor

    def __init__(self, shape: tuple[int, int, int], size: int = 50) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, images: Float[Tensor, "B C H W"], uniform: Float[Tensor, "B 2"]) -> Float[Tensor, "B C H W"]:
        """The images to show, without gradients. Two uniform numbers in [0, 1) an image decide: whether, and which."""
        if self.size == 0:
            return images.detach()
        shown = []
        for image, (whether, which) in zip(images.detach().to(self.images.dtype), uniform, strict=True):
            # Chosen by arithmetic, not by `if`, which would wait for the device.
            full = self.count >= self.size
            swap = full & (whether < 0.5)
            place = torch.where(full, (which * self.size).long().clamp_max(self.size - 1), self.count)[None]
            old = self.images.index_select(0, place)[0]
            shown.append(torch.where(swap, old, image))
            self.images.index_copy_(0, place, torch.where(full & ~swap, old, image)[None])
            self.count += ~full
        return torch.stack(shown).to(images.dtype)
