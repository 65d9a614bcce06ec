"""Built-in sets: true content or none, and an IDX reader that garbage cannot upset."""

import gzip
import hashlib
import os
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arzhang.data import sources
from arzhang.errors import ArzhangError, UsageError

HERE = sources.locate("fashion-mnist")
needs_data = pytest.mark.skipif(HERE is None, reason="Fashion-MNIST is not on this machine")


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 2, 3), (0,)])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_comes_back(tmp_path, shape, packed):
    array = np.arange(int(np.prod(shape)), dtype=np.uint8).reshape(shape)
    path = tmp_path / ("x.gz" if packed else "x")
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    assert np.array_equal(sources.read_idx(path), array)


@given(
    data=st.binary(max_size=64) | st.binary(max_size=40).map(lambda rest: b"\0\0\x08\x03" + rest), packed=st.booleans()
)
@settings(max_examples=300, deadline=None)
def test_garbage_is_an_array_or_one_clear_error(tmp_path_factory, data, packed):
    path = tmp_path_factory.getbasetemp() / ("garbage.gz" if packed else "garbage")
    path.write_bytes(data)
    try:
        size = sources.read_idx(path).nbytes
    except ArzhangError as error:
        said = str(error)
    else:
        assert size <= len(data)
        return
    assert str(path) in said


def test_a_header_that_promises_more_than_the_file_holds(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\0\0\x08\x03" + b"\xff" * 12 + b"\0" * 100)
    with pytest.raises(ArzhangError, match="damaged"):
        sources.read_idx(path)


def test_a_truncated_gzip(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(idx(np.zeros((100, 3))))[:-10])
    with pytest.raises(ArzhangError, match="damaged gzip"):
        sources.read_idx(path)


def test_a_gzip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 1_000)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes(100_000)))
    with pytest.raises(ArzhangError, match="more than 1,000 bytes"):
        sources.read_idx(path)


@needs_data
def test_the_real_fashion_mnist():
    assert set(HERE) == set(sources.FILES)
    images, labels = sources.read_idx(HERE["train images"]), sources.read_idx(HERE["train labels"])
    assert images.shape == (60_000, 28, 28)
    assert round(float(images.mean()) / 255, 4) == 0.2860
    assert round(float(images.std()) / 255, 4) == 0.3530
    assert labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert np.bincount(labels).tolist() == [6_000] * 10
    assert sources.read_idx(HERE["test images"]).shape == (10_000, 28, 28)


@needs_data
def test_files_given_by_hand_are_taken_plain_or_packed_and_never_with_a_wrong_content(tmp_path, monkeypatch):
    monkeypatch.setattr(sources.Source, "folders", lambda self, root: [tmp_path])
    for part, path in HERE.items():
        data = sources._content(path)
        (tmp_path / sources.FILES[part]).write_bytes(data)
    assert sources.locate("fashion-mnist", str(tmp_path))["test labels"].parent == tmp_path
    labels = tmp_path / sources.FILES["test labels"]
    data = bytearray(labels.read_bytes())
    data[-1] ^= 1  # one bit
    labels.write_bytes(data)
    assert sources.locate("fashion-mnist", str(tmp_path)) is None


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Nothing here, no network, no Debian."""
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path))
    monkeypatch.setattr(sources.Source, "folders", lambda self, root: [sources.cache_dir() / self.name])

    def refuse(*args, **options):
        raise OSError("no network in this test")

    monkeypatch.setattr(sources, "urlopen", refuse)
    monkeypatch.setattr(sources.shutil, "which", lambda name: None)
    return tmp_path


def test_when_no_way_works_every_way_is_named(nowhere):
    said = []
    with pytest.raises(ArzhangError) as caught:
        sources.fetch("fashion-mnist", notify=said.append)
    message = str(caught.value)
    for phrase in ("no network in this test", "apt-get install dataset-fashion-mnist", "--data-root", str(nowhere)):
        assert phrase in message
    assert "\n" not in message
    assert len(said) == 2
    assert [p.name for p in (nowhere / "fashion-mnist").iterdir()] == [".lock"]


@needs_data
def test_from_mirrors_the_content_is_checked_before_it_is_kept(nowhere, monkeypatch):
    served = []

    def serve(url, path):
        served.append(url)
        part = next(p for p, stem in sources.FILES.items() if stem in url)
        path.write_bytes(gzip.compress(sources._content(HERE[part]), 1))
        if harm and part == "test images":
            path.write_bytes(gzip.compress(b"another file"))

    monkeypatch.setattr(sources, "_download", serve)
    harm = True
    with pytest.raises(ArzhangError, match="checksum"):
        sources.fetch("fashion-mnist", notify=lambda line: None)
    assert sources.locate("fashion-mnist") is None
    harm = False
    found = sources.fetch("fashion-mnist", notify=lambda line: None)
    assert found["train images"].parent == nowhere / "fashion-mnist"
    assert all(url.startswith("http") for url in served)
    served.clear()
    sources.fetch("fashion-mnist", notify=pytest.fail)
    assert not served


def test_kmnist_is_known_by_its_packed_files(tmp_path, monkeypatch):
    monkeypatch.setattr(sources.Source, "folders", lambda self, root: [tmp_path])
    packed = gzip.compress(idx(np.zeros(3)))
    digests = dict.fromkeys(sources.FILES, hashlib.md5(packed).hexdigest())
    for stem in sources.FILES.values():
        (tmp_path / f"{stem}.gz").write_bytes(packed)
    assert sources.locate("kmnist") is None
    monkeypatch.setitem(sources.GZIPPED_MD5, "kmnist", digests)
    assert sources.locate("kmnist") is not None


def test_an_unknown_name():
    with pytest.raises(UsageError, match="fashion-mnist, mnist, kmnist"):
        sources.fetch("imagenet")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("apt-get"), reason="no apt-get here")
def test_debians_package_without_root(tmp_path, monkeypatch):
    probe = subprocess.run(
        ["apt-cache", "policy", "dataset-fashion-mnist"], capture_output=True, text=True, check=False
    )
    if not os.environ.get("ARZHANG_TEST_APT") and "Candidate" not in probe.stdout:
        pytest.skip("this machine's Debian does not carry the package")
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path))
    monkeypatch.setattr(sources.Source, "folders", lambda self, root: [sources.cache_dir() / self.name])
    monkeypatch.setattr(sources, "_from_mirrors", lambda one, beside: (_ for _ in ()).throw(OSError("left out")))
    sources._from_mirrors.__doc__ = "from the public mirrors"
    found = sources.fetch("fashion-mnist", notify=lambda line: None)
    assert {path.parent for path in found.values()} == {tmp_path / "fashion-mnist"}
