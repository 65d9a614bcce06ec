"""What one looks at of a trained model: reconstructions, samples, interpolations and traversals, as PNG files."""

import io
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.utils import make_grid, save_image

from arzhang import assembly
from arzhang.data import images as data
from arzhang.errors import UsageError
from arzhang.files import write_atomically
from arzhang.randomness import generator
from arzhang.recipes import nearest
from arzhang.tasks.gan import GANTask
from arzhang.tasks.vae import ACTIVE, VAETask
from arzhang.training.run import Run

SHEET = 100
"""Images on a sheet, in rows of ten (assignment 3e)."""


def write_sheet(images: Float[Tensor, "n C H W"], path: Path, columns: int = 10) -> Path:
    """A grid of images in [0, 1], two pixels apart, as one PNG."""
    buffer = io.BytesIO()
    save_image(make_grid(images.cpu().float(), nrow=columns, padding=2, pad_value=0.5), buffer, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
    return path


def write_each(images: Float[Tensor, "n C H W"], folder: Path) -> Path:
    """One PNG an image: 00000.png, 00001.png, …"""
    for i, image in enumerate(images):
        write_image(image, folder / f"{i:05d}.png")
    return folder


def write_image(image: Float[Tensor, "C H W"], path: Path) -> Path:
    """One image in [0, 1] as a PNG of its own size."""
    buffer = io.BytesIO()
    save_image(image.cpu().float(), buffer, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
    return path


def write(images: Float[Tensor, "n C H W"], out: Path, columns: int = 10) -> Path:
    """A sheet where `out` ends in .png, else a folder of single images."""
    return write_sheet(images, out, columns) if out.suffix.lower() == ".png" else write_each(images, out)


@torch.no_grad()
def interpolate(model: VAETask, images: Float[Tensor, "ends C H W"], steps: int = 10) -> Float[Tensor, "rows C H W"]:
    """Between the first and second image, the third and fourth, …: the way through the latent, ends reconstructed.
    Rows of `steps` images. The path is a straight line between the posterior means."""
    if steps < 2:
        raise UsageError(f"--steps {steps}: an interpolation has at least 2")
    codes = model.encode(images)
    way = torch.linspace(0, 1, steps, device=codes.device)[None, :, None]
    return model.decode((codes[0::2, None] * (1 - way) + codes[1::2, None] * way).flatten(0, 1))


def activity(model: VAETask, images: Float[Tensor, "n C H W"]) -> Float[Tensor, " D"]:
    """Variance over the data of each latent dimension's posterior mean (Burda et al. 2016); none of one image."""
    if len(images) < 2:
        return torch.zeros(model.recipe.latent_dim, dtype=torch.float64)
    return torch.cat([model.encode(part) for part in images.split(1_000)]).double().var(0)


def traverse(
    model: VAETask, image: Float[Tensor, "1 C H W"], units: list[int], reach: float = 3.0, steps: int = 11
) -> Float[Tensor, "rows C H W"]:
    """One row a latent dimension: the image's code with that dimension moved from −reach to reach prior deviations."""
    if steps < 2:
        raise UsageError(f"--steps {steps}: a traversal has at least 2")
    codes = model.encode(image).repeat(len(units) * steps, 1).view(len(units), steps, -1)
    for row, unit in enumerate(units):
        codes[row, :, unit] = torch.linspace(-reach, reach, steps, device=codes.device)
    return model.decode(codes.flatten(0, 1))


def active_units(variances: Float[Tensor, " D"]) -> list[int]:
    """The latent dimensions that the model uses, the most active first."""
    order = variances.argsort(descending=True).tolist()
    return [unit for unit in order if variances[unit] > ACTIVE]


# ----------------------------------------------------------------------------------- as verbs: from a run to a file


def samples(
    path: Path | str,
    n: int,
    seed: int,
    out: Path,
    checkpoint: str,
    device: torch.device,
    *,
    component: int | None = None,
    label: str | None = None,
) -> Path:
    """n images made of noise; of one component of a VAE's mixture prior, or of one class of a cgan, where one is named:
    a class by its name or its number. Raises UsageError where there is no such one."""
    model = assembly.load(path, checkpoint=checkpoint, device=device)
    if isinstance(model, VAETask) and label is None:
        return write(model.sample(n, seed, component), out)
    if isinstance(model, GANTask) and component is None:
        return write(model.sample(n, seed, None if label is None else _class(Run(path), label)), out)
    if isinstance(model, VAETask | GANTask):
        option = f"--component {component}" if label is None else f"--label {label}"
        raise UsageError(f"{option}: {path} is a run of {Run(path).recipe.system}, which knows no such thing")
    raise UsageError(f"{path}: a {Run(path).recipe.system} makes nothing of noise; a VAE, a GAN and a cgan do")


def _class(run: Run, label: str) -> int:
    """The number of a class that is given by name or number."""
    names = [str(name) for name in run.config["data"]["classes"]]
    by_name = {name.lower(): i for i, name in enumerate(names)}
    if label.lower() in by_name:
        return by_name[label.lower()]
    if label.isdecimal():
        return int(label)
    raise UsageError(f"--label {label}: no such class{nearest(label, names)}; there are {', '.join(names)}")


def reconstructions(
    path: Path | str,
    n: int,
    folder: str | None,
    out: Path,
    checkpoint: str,
    device: torch.device,
    *,
    notify: Callable[[str], None],
) -> Path:
    """n test images (or all of a folder's) and their reconstructions: pairs on a sheet, or single reconstructions."""
    model = _vae(path, checkpoint, device)
    images = _images(Run(path), model, folder, device, notify)[: _at_least_one("-n", n)]
    made = model.reconstruct(images)
    if out.suffix.lower() != ".png":
        return write_each(made, out)
    # Pairs side by side, five a row, so that an eye need not travel.
    return write_sheet(torch.stack([images, made], 1).flatten(0, 1), out)


def interpolations(
    path: Path | str,
    rows: int,
    steps: int,
    seed: int,
    out: Path,
    checkpoint: str,
    device: torch.device,
    *,
    notify: Callable[[str], None],
) -> Path:
    """Rows of latent interpolations between pairs of test images that the seed chooses."""
    model = _vae(path, checkpoint, device)
    images = _images(Run(path), model, None, device, notify)
    if len(images) < 2:
        raise UsageError(f"{path}: its test part holds {len(images)} image; an interpolation needs two")
    chosen = torch.randperm(len(images), generator=generator(seed, "interpolate"))[: 2 * _at_least_one("-n", rows)]
    return write(interpolate(model, images[chosen[: len(chosen) // 2 * 2]], steps), out, columns=steps)


def traversals(
    path: Path | str,
    rows: int,
    steps: int,
    seed: int,
    out: Path,
    checkpoint: str,
    device: torch.device,
    *,
    notify: Callable[[str], None],
) -> Path:
    """One row for each active latent unit, on a test image that the seed chooses."""
    model = _vae(path, checkpoint, device)
    images = _images(Run(path), model, None, device, notify)
    units = active_units(activity(model, images[:1_000]))
    if not units:
        raise UsageError(f"{path}: no latent unit is active (the posterior has collapsed onto the prior)")
    shown = units[: _at_least_one("-n", rows)]
    notify(f"{len(units)} active units, shown: {', '.join(map(str, shown))}")
    chosen = torch.randperm(len(images), generator=generator(seed, "traverse"))[:1]
    return write(traverse(model, images[chosen], shown, steps=steps), out, columns=steps)


def _vae(path: Path | str, checkpoint: str, device: torch.device) -> VAETask:
    model = assembly.load(path, checkpoint=checkpoint, device=device)
    if not isinstance(model, VAETask):
        raise UsageError(f"{path}: a {Run(path).recipe.system} has no pictures of this kind; a VAE has")
    return model


def _images(
    run: Run, model: VAETask, folder: str | None, device: torch.device, notify: Callable[[str], None]
) -> Float[Tensor, "n C H W"]:
    """The run's test images, at most a thousand, or those of a folder made to fit the model."""
    if folder is None:
        images = assembly.data_of(run, device, notify).test
    else:
        channels, size, _ = model.shape
        images = data.whole(folder, size=size, channels=channels, device=device, notify=notify)
    return images.batch(torch.arange(min(1_000, len(images)), device=device))


def _at_least_one(option: str, value: int) -> int:
    if value < 1:
        raise UsageError(f"{option} {value}: must be 1 or more")
    return value
