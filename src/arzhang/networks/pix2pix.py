"""pix2pix's networks (Isola et al., CVPR 2017): a U-Net of halving and doubling blocks, and a PatchGAN.

Blocks activate what they are given, so that a skip connection carries what the convolution made, before any activation.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from arzhang.errors import UsageError

Norm = Literal["batch", "instance"]
ReceptiveField = Literal[1, 16, 34, 70, 286]

SLOPE = 0.2
"""Of the leaky ReLU on the way down."""
WIDEST = 8
"""Times the base width: where blocks stop growing."""
SHORTEST, LARGEST_BOTTLENECK = 8, 8
"""Pixels of an image's shorter side, and of the smallest map's: a larger one would leave the U-Net without depth."""
FEW_PIXELS = 256
"""Of all images of a batch in the smaller map of a convolution: up to here a product of matrices is faster."""
HALVINGS: dict[int, int] = {1: 0, 16: 1, 34: 2, 70: 3, 286: 5}
"""Blocks of stride 2 in a discriminator, by its receptive field."""


class DownSample(nn.Module):
    """Leaky ReLU, convolution 4×4 of stride 2, normalisation: (B, in, H, W) → (B, out, H/2, W/2)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        norm: Norm | None = "batch",
        activate: bool = True,
        bias: bool | None = None,
        kernel: int = 4,
        stride: int = 2,
    ) -> None:
        super().__init__()
        self.activate = activate
        bias = norm == "instance" if bias is None else bias
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2, bias=bias)
        self.norm = normalisation(norm, outputs)
        self.each_image = False

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        x = convolved(self.conv, F.leaky_relu(x, SLOPE) if self.activate else x)
        return normalised(x, self.norm, self.each_image and not self.training)


class UpSample(nn.Module):
    """ReLU, transposed convolution 4×4 of stride 2, normalisation, dropout: (B, in, H, W) → (B, out, 2H, 2W)."""

    def __init__(
        self, inputs: int, outputs: int, dropout: float = 0.0, norm: Norm | None = "batch", bias: bool | None = None
    ) -> None:
        super().__init__()
        self.outputs, self.dropout = outputs, dropout
        bias = norm == "instance" if bias is None else bias
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, 2, padding=1, bias=bias)
        self.norm = normalisation(norm, outputs)
        self.each_image = self.drop_at_test = False

    def forward(
        self, x: Float[Tensor, "B C h w"], uniform: Float[Tensor, "B N"] | None = None
    ) -> Float[Tensor, "B D H W"]:
        """`uniform`: a number in [0, 1) for each output, by which dropout decides; torch's own where there is none."""
        x = convolved(self.conv, F.relu(x))
        x = normalised(x, self.norm, self.each_image and not self.training)
        if self.dropout == 0 or not (self.training or self.drop_at_test):
            return x
        if uniform is None:
            return F.dropout(x, self.dropout)
        return x * (uniform.view(x.shape) >= self.dropout) / (1 - self.dropout)


class Generator(nn.Module):
    """Images (B, inputs, H, W) in [−1, 1] → images (B, outputs, H, W) in [−1, 1].

    At 256×256 and width 64 the paper's: eight blocks down, C64-C128-C256-C512-C512-C512-C512-C512, to a map of 1×1, and
    eight up, CD512-CD512-CD512-C512-C256-C128-C64 and a last one without normalisation, each but the first given the
    map of its size from the way down besides (so that its inputs are 512-1024-1024-1024-1024-512-256-128); D drops
    out. 54,413,955 parameters. Other sizes have as many blocks as they can be halved, of the same pattern. With
    `skips=False` the encoder–decoder that the paper compares it with (its Table 2).

    `norm="instance"` normalises each image alone and without parameters, so that convolutions have biases.
    """

    def __init__(
        self,
        size: int | tuple[int, int] = 256,
        inputs: int = 3,
        outputs: int = 3,
        width: int = 64,
        norm: Norm = "batch",
        dropout: float = 0.5,
        skips: bool = True,
    ) -> None:
        super().__init__()
        self.size = (size, size) if isinstance(size, int) else size
        self.skips = skips
        depth = levels(size)
        widths = [width * min(2**i, WIDEST) for i in range(depth)]  # of the paper: 64 128 256 512 512 512 512 512
        self.down = nn.ModuleList(
            [DownSample(inputs, width, norm=None, activate=False, bias=norm == "instance")]
            + [DownSample(wide, wider, norm) for wide, wider in pairwise(widths[:-1])]
            + [DownSample(widths[-2], widths[-1], norm=None, bias=norm == "instance")]
        )
        # The map from below and, but for the smallest, the one from the way down.
        given = [widths[-1], *(wide * (2 if skips else 1) for wide in reversed(widths[:-1]))]
        self.up = nn.ModuleList(
            [
                UpSample(wide, out, dropout if i < 3 else 0.0, norm)
                for i, (wide, out) in enumerate(zip(given, reversed(widths[:-1]), strict=False))
            ]
            + [UpSample(given[-1], outputs, norm=None, bias=True)]
        )
        initialise(self)

    def forward(
        self, images: Float[Tensor, "B C H W"], uniform: Float[Tensor, "B N"] | None = None
    ) -> Float[Tensor, "B D H W"]:
        """`uniform`: numbers in [0, 1) by which dropout decides, `draws(H, W)` an image; torch's own where none.

        Raises UsageError for images that cannot be halved as often as there are blocks.
        """
        self.refuse_unfit(*images.shape[-2:])
        maps = [images]
        for down in self.down:
            maps.append(down(maps[-1]))
        x, shares = maps.pop(), self._shares(uniform, images.shape[-2], images.shape[-1])
        for i, (up, share) in enumerate(zip(self.up, shares, strict=True)):
            x = up(torch.cat([maps.pop(), x], 1) if self.skips and i else x, share)
        return x.tanh()

    def draws(self, height: int | None = None, width: int | None = None) -> int:
        """How many uniform numbers dropout needs for an image of this size (by default its own)."""
        return sum(self._draws(height or self.size[0], width or self.size[1]))

    def refuse_unfit(self, height: int, width: int) -> None:
        """Raise UsageError for images whose sides are not multiples of 2 to the number of blocks."""
        step = 2 ** len(self.down)
        if height % step or width % step:
            near = " or ".join(dict.fromkeys(f"{_side(height, step, up)}×{_side(width, step, up)}" for up in (0, 1)))
            raise UsageError(
                f"images of {height}×{width} pixels: this network takes multiples of {step}, such as {near}"
            )

    def _draws(self, height: int, width: int) -> list[int]:
        deepest = len(self.down) - 1
        ups = [up for up in self.up if isinstance(up, UpSample)]
        return [
            up.outputs * (height >> deepest - i) * (width >> deepest - i) if up.dropout else 0
            for i, up in enumerate(ups)
        ]

    def _shares(self, uniform: Tensor | None, height: int, width: int) -> Iterator[Tensor | None]:
        if uniform is None:
            yield from [None] * len(self.up)
        else:
            yield from uniform.split(self._draws(height, width), 1)


class Discriminator(nn.Module):
    """Input and output of a translation, one above the other (B, 6, H, W) in [−1, 1] → logits (B, 1, h, w).

    Each logit judges one patch of the images, as large as the receptive field. With no argument the paper's 70×70:
    C64-C128-C256 of stride 2, C512 of stride 1 and a last convolution; 2,768,705 parameters. A receptive field of 34
    or 16 leaves out one or two blocks, 286 has two more (C512 each); 1 is the paper's PixelGAN, C64-C128 of 1×1.
    """

    def __init__(
        self, channels: int = 6, width: int = 64, receptive_field: ReceptiveField = 70, norm: Norm = "batch"
    ) -> None:
        super().__init__()
        halvings = HALVINGS[receptive_field]
        widths = [width * min(2**i, WIDEST) for i in range(max(halvings, 1) + 1)]  # 64 128 256 512
        self.smallest = 3 * 2**halvings
        """Pixels of the shorter side of the smallest images that leave a logit."""
        kernel, strides = (4, [2] * halvings + [1, 1]) if halvings else (1, [1, 1, 1])
        ends = [channels, *widths, 1]
        self.blocks = nn.ModuleList()
        for i, ((wide, wider), stride) in enumerate(zip(pairwise(ends), strides, strict=True)):
            outer = i in (0, len(strides) - 1)
            self.blocks.append(
                DownSample(wide, wider, None if outer else norm, i > 0, True if outer else None, kernel, stride)
            )
        initialise(self)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 h w"]:
        """Logits: high where a patch looks real. Raises UsageError for images that are too small to leave any."""
        if min(images.shape[-2:]) < self.smallest:
            size, least = "×".join(map(str, images.shape[-2:])), self.smallest
            raise UsageError(
                f"images of {size} pixels are too small for a receptive field of {receptive_field(self)}: "
                f"at least {least}×{least}, or a smaller receptive field"
            )
        for block in self.blocks:
            images = block(images)
        return images


# --------------------------------------------------------------------------------------------------- their parts


def normalisation(norm: Norm | None, channels: int) -> nn.Module | None:
    """Batch normalisation; or each image's own, which neither has parameters nor keeps statistics."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if norm == "instance" else None


def normalised(x: Float[Tensor, "B C H W"], norm: nn.Module | None, each_image: bool) -> Float[Tensor, "B C H W"]:
    """What a normalisation makes of x; with `each_image`, of every image by itself, as the only one of its batch."""
    if norm is None:
        return x
    if each_image and isinstance(norm, nn.BatchNorm2d | nn.SyncBatchNorm):
        return F.group_norm(x, x.shape[1], norm.weight, norm.bias, norm.eps)
    return norm(x)


def convolved(conv: nn.Conv2d | nn.ConvTranspose2d, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
    """What a convolution makes of x; of few pixels on the CPU by one product of matrices, which is faster.

    There the time goes into the weights, millions for a handful of pixels, which PyTorch's convolution lays out anew in
    each pass and a product takes as they lie.
    """
    up = isinstance(conv, nn.ConvTranspose2d)
    pixels = x.shape[0] * x.shape[2] * x.shape[3] // (1 if up else conv.stride[0] * conv.stride[1])
    traced = isinstance(pixels, torch.SymInt)  # for a batch of any size
    if traced or x.device.type != "cpu" or pixels > FEW_PIXELS or not conv.weight.is_contiguous():
        return conv(x)
    shape = {"kernel_size": conv.kernel_size, "stride": conv.stride, "padding": conv.padding}
    weight, sides = conv.weight.flatten(1), [2 * side for side in x.shape[2:]]
    columns = x.flatten(2) if up else F.unfold(x, **shape)  # type: ignore[arg-type]
    together = columns.transpose(0, 1).flatten(1)  # of all images: ⋯ × (B · pixels)
    product = (weight.T if up else weight) @ together
    made = product.unflatten(1, (len(x), -1)).transpose(0, 1)
    if up:
        made = F.fold(made, sides, **shape)  # type: ignore[arg-type]
    else:
        height = (x.shape[2] + 2 * int(conv.padding[0]) - conv.kernel_size[0]) // conv.stride[0] + 1
        made = made.unflatten(2, (height, -1))
    return made if conv.bias is None else made + conv.bias.view(-1, 1, 1)


@torch.no_grad()
def initialise(module: nn.Module) -> None:
    """Weights of convolutions from N(0, 0.02²), those of normalisations from N(1, 0.02²), biases 0, as the paper."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(part.weight, 0.0, 0.02)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, 0.02)
        else:
            continue
        if part.bias is not None:
            nn.init.zeros_(part.bias)


def test_mode(generator: Generator, dropout: bool, batch_statistics: bool) -> None:
    """Set what `eval()` means from now on, and turn to it; `train()` is what it was. In the paper both are on.

    `dropout`: drop out all the same, so that one input has many outputs. `batch_statistics`: batch normalisation by the
    image's own statistics and not by the running ones. The paper translates one image at a time; so does this in a
    batch of any size: no image's output depends on its neighbours.
    """
    for block in generator.modules():
        if isinstance(block, DownSample | UpSample):
            block.each_image = batch_statistics
        if isinstance(block, UpSample):
            block.drop_at_test = dropout
    generator.eval()


# ------------------------------------------------------------------------------------------------- what they are


def levels(size: int | tuple[int, int]) -> int:
    """How often a U-Net halves images of a size: down to 1×1 for a power of two, to at most 8 pixels for multiples.

    Raises UsageError for a size that cannot be halved so far.

    >>> levels(256), levels(64), levels((256, 512)), levels(96)
    (8, 6, 8, 5)
    """
    height, width = (size, size) if isinstance(size, int) else size
    if not _fits(height, width):
        near = _nearest(height, width, square=height == width)
        raise UsageError(
            f"images of {height}×{width} pixels cannot be halved often enough for a U-Net: "
            f"{' or '.join(f'{h}×{w}' for h, w in near)} can"
        )
    return _twos(height, width).bit_length() - 1


def _twos(height: int, width: int) -> int:
    """The largest power of two that divides both."""
    return (height | width) & -(height | width)


def _fits(height: int, width: int) -> bool:
    step, shorter = _twos(height, width), min(height, width)
    return shorter >= SHORTEST and step >= SHORTEST and shorter // step <= LARGEST_BOTTLENECK


def _nearest(height: int, width: int, square: bool) -> list[tuple[int, int]]:
    """The nearest sizes that fit: of squares the next below and above, of others one."""

    def around(side: int) -> range:
        reach = max(side, SHORTEST)
        return range(max(SHORTEST, (side - reach // 4) // SHORTEST * SHORTEST), side + reach + SHORTEST, SHORTEST)

    if square:
        fitting = [side for side in around(height) if _fits(side, side)]
        below, above = [s for s in fitting if s < height][-1:], [s for s in fitting if s > height][:1]
        return [(side, side) for side in below + above]
    fitting_pairs = [(h, w) for h in around(height) for w in around(width) if _fits(h, w)]
    return [min(fitting_pairs, key=lambda pair: abs(pair[0] - height) + abs(pair[1] - width))]


def _side(side: int, step: int, up: int) -> int:
    return max(1, (side + up * (step - 1)) // step) * step


def receptive_field(discriminator: nn.Module) -> int:
    """Pixels across that one output of a chain of convolutions sees, from their kernels and strides.

    >>> receptive_field(Discriminator(width=1, receptive_field=34))
    34
    """
    seen = 1
    for conv in reversed([part for part in discriminator.modules() if isinstance(part, nn.Conv2d)]):
        seen = (seen - 1) * conv.stride[0] + conv.kernel_size[0]
    return seen


# ----------------------------------------------------------------------------------------- weights of the public port


def from_public(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A generator's tensors under our names, from the `*_net_G.pth` of the widely used PyTorch port, by structure.

    There each block holds the next inside: `model.model.1.model.3.model.1.weight` is the convolution of `down 3`. That
    port drops out in up blocks 2 to 4 and we, as the paper, in 1 to 3; this has no weights. Raises UsageError for
    tensors that are not those of its U-Net.
    """
    places: dict[str, tuple[list[int], str]] = {}
    for name in state:
        found = re.fullmatch(r"(?:module\.)?model((?:\.model\.\d+)+)\.(\w+)", name)
        if found is None:
            raise UsageError(f"{name}: no tensor of the public port's U-Net, whose names are model.model.0.weight, …")
        places[name] = [int(number) for number in found[1].split(".model.")[1:]], found[2]
    depth = max((len(nest) for nest, _ in places.values()), default=0)
    renamed = {_our_name(nest, depth, name) + "." + last: state[name] for name, (nest, last) in places.items()}
    if arguments(renamed)["norm"] == "instance":  # which kept running statistics in files of its first versions
        return {name: value for name, value in renamed.items() if ".norm." not in name}
    norms = [name.removesuffix("weight") for name in renamed if name.endswith("norm.weight")]
    return {f"{norm}num_batches_tracked": torch.tensor(0) for norm in norms} | renamed  # likewise unknown to those


def _our_name(nest: list[int], depth: int, name: str) -> str:
    """Where a tensor belongs, from the numbers of the modules that hold it: outermost first."""
    level, last = len(nest) - 1, nest[-1]
    if level == 0:
        table = {0: ("down", "conv"), 3: ("up", "conv")}
    elif level == depth - 1:
        table = {1: ("down", "conv"), 3: ("up", "conv"), 4: ("up", "norm")}
    else:
        table = {1: ("down", "conv"), 2: ("down", "norm"), 5: ("up", "conv"), 6: ("up", "norm")}
    if last not in table or nest[:-1] != [1, *[3] * (level - 1)][:level]:
        raise UsageError(f"{name}: no tensor of the public port's U-Net of {depth} levels")
    way, part = table[last]
    return f"{way}.{level if way == 'down' else depth - 1 - level}.{part}"


def arguments(tensors: Mapping[str, Tensor]) -> dict[str, int | str | bool]:
    """The arguments with which `Generator` takes these tensors, named as ours. UsageError where they are of none.

    >>> arguments(Generator(32, inputs=1, width=2, norm="instance").state_dict())
    {'size': 32, 'inputs': 1, 'outputs': 3, 'width': 2, 'norm': 'instance', 'skips': True}
    """
    depth = len({name.split(".")[1] for name in tensors if name.startswith("down.")})
    try:
        first, last = tensors["down.0.conv.weight"], tensors[f"up.{depth - 1}.conv.weight"]
        found: dict[str, int | str | bool] = {
            "size": 2**depth,
            "inputs": first.shape[1],
            "outputs": last.shape[1],
            "width": first.shape[0],
            "norm": "batch" if "up.0.norm.weight" in tensors else "instance",
            "skips": last.shape[0] == 2 * first.shape[0],
        }
        with torch.device("meta"):
            own = Generator(**found).state_dict()  # type: ignore[arg-type]
    except (KeyError, IndexError, UsageError):
        raise UsageError("these tensors are not those of a U-Net generator") from None
    for name in sorted(own.keys() | tensors.keys()):
        kept = ".norm." in name and not name.endswith(("weight", "bias"))  # statistics: some files have none
        if not kept and not (name in own and name in tensors and own[name].shape == tensors[name].shape):
            raise UsageError(f"these tensors are not those of a U-Net generator: {name} is odd, or missing")
    return found
