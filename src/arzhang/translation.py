"""A trained translator on files of any size: an image or a folder of them → what the model makes of each."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.console import Console
from rich.progress import track
from torch import Tensor

from arzhang import assembly, pictures
from arzhang.contracts import Translator
from arzhang.data.decode import SUFFIXES, Unreadable, read
from arzhang.errors import ArzhangError, UsageError
from arzhang.randomness import mix

Notify = Callable[[str], None]
Fit = Literal["resize", "pad", "tile"]
OVERLAP = 4
"""Tiles overlap by their side over this."""
MOST = 1 << 26
"""Pixels of an image that is translated at once (`pad`): more wants tiles."""


def translate(
    run: Path | str,
    source: Path,
    out: Path,
    *,
    fit: Fit = "resize",
    side: Literal["whole", "left", "right"] = "whole",
    seed: int = 0,
    dropout: bool | None = None,
    labels: bool | None = None,
    checkpoint: str = "best",
    device: torch.device | str = "cpu",
    notify: Notify = print,
) -> list[Path]:
    """Translate one image, or every image below a folder, into PNG files in `out`; returns what was written.

    An image's result is a function of its pixels, the seed and its name: its neighbours in the folder never change it.
    `labels` says whether inputs are label maps, resized by nearest neighbour; None: as in training.
    Raises UsageError where there is nothing to translate; a file that is no image is named and left out.
    """
    model = translator(run, checkpoint, device, notify)
    names = _names(source)
    by_nearest = _given_labels(model) if labels is None else labels
    height, width = model.shape[1:]
    how = {
        "resize": f"resized to {height}×{width}",
        "pad": "at their own size, padded to what the network can halve",
        "tile": f"in tiles of {height}×{width} that overlap by a quarter and are blended",
    }
    notify(f"{len(names)} image{'s' if len(names) != 1 else ''}, {how[fit]}")
    written = []
    console = Console(stderr=True)
    for name in track(names, "translating", console=console, disable=not console.is_terminal or len(names) < 2):
        try:
            image = _half(as_input(read(source / name if source.is_dir() else source), model), side)
        except Unreadable as error:
            notify(f"unreadable: {source / name if source.is_dir() else source}: {error}")
            continue
        path = out if out.suffix.lower() == ".png" and not source.is_dir() else out / Path(name).with_suffix(".png")
        made = fitted(model, image, fit, mix(seed, Path(name).name), dropout, by_nearest)
        written.append(pictures.write_image(made[0], path))
    if not written:
        raise ArzhangError(f"{source}: none of its {len(names)} files could be read as an image")
    return written


def translator(run: Path | str, checkpoint: str, device: torch.device | str, notify: Notify) -> Translator:
    """The model of a run or of a published one, or a generator's weights of the widely used PyTorch port
    (`*_net_G.pth`)."""
    if Path(run).is_file():
        return assembly.load_public(Path(run), device)
    model = assembly.load(run, checkpoint=checkpoint, device=device, notify=notify)
    if not isinstance(model, Translator):
        system = model.recipe.system
        raise UsageError(f"{run}: a run of {system}, which translates nothing; pix2pix and cyclegan do")
    return model


def _names(source: Path) -> list[str]:
    if source.is_file():
        return [source.name]
    if not source.is_dir():
        raise UsageError(f"{source}: no such image or folder")
    found = sorted(
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    if not found:
        raise UsageError(f"{source}: no images in this folder or below it")
    return found


def _given_labels(model: Translator) -> bool:
    given = "right" if model.recipe.direction == "right-to-left" else "left"
    return model.recipe.label_side in (given, "both")


def as_input(image: np.ndarray, model: Translator) -> Float[Tensor, "1 D H W"]:
    """An image file's array as the model's input: its channels, in [0, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.float32))[None]
    tensor = tensor / {"uint8": 255.0, "uint16": 65_535.0}.get(str(image.dtype), 1.0)
    low, high = (float(value) for value in tensor.aminmax())
    if low < 0 or high > 1:
        raise Unreadable(f"holds fractions from {low:.3g} to {high:.3g}; a model's inputs lie in [0, 1]")
    wanted = model.input_shape[0]
    if tensor.shape[1] == 3 and wanted == 1:
        return (tensor * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)  # ITU-R BT.601
    return tensor.expand(-1, wanted, -1, -1) if tensor.shape[1] == 1 else tensor


def _half(image: Tensor, side: str) -> Tensor:
    if side == "whole":
        return image
    width = image.shape[3]
    if width % 2:
        raise Unreadable(f"is {width} pixels wide: an odd width has no halves (--side)")
    return image[..., : width // 2] if side == "left" else image[..., width // 2 :]


def fitted(
    model: Translator, image: Float[Tensor, "1 D H W"], fit: Fit, seed: int, dropout: bool | None, by_nearest: bool
) -> Float[Tensor, "1 C h w"]:
    """One image of any size through the model.

    `resize` brings it to the model's own size, at which it was trained; `pad` reflects its edges up to a size that the
    network can halve, and cuts them off again; `tile` translates tiles of the model's size and blends where they
    overlap, so that no seam shows and memory does not grow with the image.
    """
    own = model.shape[1], model.shape[2]
    if tuple(image.shape[2:]) == tuple(own):
        return model.translate(image, seed, dropout=dropout)
    if fit == "resize":
        return model.translate(resized(image, own, by_nearest), seed, dropout=dropout)
    return (_padded if fit == "pad" else _tiled)(model, image, seed, dropout)


def resized(image: Float[Tensor, "1 D H W"], size: tuple[int, int], by_nearest: bool) -> Float[Tensor, "1 D h w"]:
    """An image at another size: a label map by the nearest pixel, any other with antialiasing."""
    if by_nearest:
        return F.interpolate(image, size, mode="nearest-exact")
    return F.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def _padded(model: Translator, image: Tensor, seed: int, dropout: bool | None) -> Tensor:
    height, width = image.shape[2:]
    if height * width > MOST:
        raise UsageError(f"an image of {width}×{height} pixels is too large to be translated at once: --fit tile")
    grown = _grown(image, *(math.ceil(side / model.step) * model.step for side in (height, width)))
    made = model.translate(grown, seed, 0, dropout)
    return made[..., :height, :width]


def _grown(image: Tensor, height: int, width: int) -> Tensor:
    """The image with its bottom and right edges reflected, as often as it takes."""
    while image.shape[2] < height or image.shape[3] < width:
        down = min(height - image.shape[2], image.shape[2] - 1) if image.shape[2] > 1 else 0
        right = min(width - image.shape[3], image.shape[3] - 1) if image.shape[3] > 1 else 0
        if not down and not right:  # a single pixel across has nothing to reflect
            return F.pad(image, (0, width - image.shape[3], 0, height - image.shape[2]), mode="replicate")
        image = F.pad(image, (0, right, 0, down), mode="reflect")
    return image


def _tiled(model: Translator, image: Tensor, seed: int, dropout: bool | None) -> Tensor:
    size, (height, width) = model.shape[1:], image.shape[2:]
    image = _grown(image, max(height, size[0]), max(width, size[1]))
    rows, columns = (_starts(image.shape[2 + i], size[i]) for i in (0, 1))
    window = _window(size[0])[:, None] * _window(size[1])[None, :]
    total = torch.zeros(1, model.shape[0], *image.shape[2:])
    weight = torch.zeros(image.shape[2:])
    for number, (top, left) in enumerate((top, left) for top in rows for left in columns):
        place = (..., slice(top, top + size[0]), slice(left, left + size[1]))
        total[place] += model.translate(image[place], seed, number, dropout).cpu() * window
        weight[place[1:]] += window
    return (total / weight)[..., :height, :width]


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin, evenly spread, so that each two neighbours overlap by a quarter of a tile or more."""
    count = 1 if length == tile else math.ceil((length - tile) / (tile - tile // OVERLAP)) + 1
    return [round(i * (length - tile) / max(1, count - 1)) for i in range(count)]


def _window(tile: int) -> Float[Tensor, " T"]:
    """Weights of a tile's pixels along one axis: 1 in the middle, falling towards both edges over the overlap, never
    to 0, so that the image's own edges keep theirs."""
    at = torch.arange(tile) + 0.5
    reach = max(1, tile // OVERLAP)
    ramp = (torch.minimum(at, tile - at) / reach).clamp_max(1)
    return (1 - torch.cos(math.pi * ramp)) / 2
