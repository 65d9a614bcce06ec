"""Folders of any images: read right, at their own precision, split honestly; what is broken is named."""

import gc
import os
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from arzhang.data import images as data
from arzhang.data import sources
from arzhang.data.decode import Unreadable, fit, header, read
from arzhang.errors import ArzhangError, UsageError
from arzhang.randomness import permutation

RNG = np.random.default_rng(0)
needs_data = pytest.mark.skipif(sources.locate("fashion-mnist") is None, reason="Fashion-MNIST is not on this machine")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ARZHANG_CACHE", str(path))
    return path


def grey(n, size=10):
    return [RNG.integers(0, 256, (size, size), dtype=np.uint8) for _ in range(n)]


def folder(path, arrays, suffix=".png"):
    path.mkdir(exist_ok=True)
    for i, array in enumerate(arrays):
        Image.fromarray(array).save(path / f"{i:03d}{suffix}")
    return path


def load(path, **options):
    said = []
    return data.load(dataset=None, data=str(path), notify=said.append, **options), said


def by_name(parts):
    return {name: part.batch(torch.tensor([i]))[0] for part in parts[:3] for i, name in enumerate(part.names)}


def test_subfolders_are_classes(tmp_path):
    for name in ("dogs", "cats", "birds"):
        (tmp_path / "all" / name / "deep").mkdir(parents=True)
        folder(tmp_path / "all" / name / "deep", grey(8))
    parts, said = load(tmp_path / "all")
    assert parts.classes == ("birds", "cats", "dogs")
    assert "3 classes by subfolder (birds, cats, dogs)" in said[0]
    for part in parts[:3]:
        told = part.take(torch.arange(len(part))).labels
        assert [parts.classes[i] for i in told] == [name.split("/")[0] for name in part.names]
    mapped, _ = load(tmp_path / "all", memory_share=1e-12)
    assert torch.equal(mapped.train.take(torch.arange(3)).labels, parts.train.take(torch.arange(3)).labels)


def test_one_subfolder_or_images_beside_them_are_no_classes(tmp_path):
    (tmp_path / "all" / "only").mkdir(parents=True)
    folder(tmp_path / "all" / "only", grey(5))
    assert load(tmp_path / "all")[0].classes is None
    folder(tmp_path / "all" / "other", grey(5))
    assert load(tmp_path / "all")[0].classes == ("only", "other")
    folder(tmp_path / "all", grey(5))
    parts, _ = load(tmp_path / "all")
    assert parts.classes is None
    assert parts.train.labels is None


# ------------------------------------------------------------------------------------------------- one file each


def test_every_kind_of_file_is_read_right(tmp_path):
    colour = RNG.integers(0, 256, (12, 9, 3), dtype=np.uint8)
    deep = RNG.integers(0, 65_536, (12, 9), dtype=np.uint16)
    deep_colour = RNG.integers(0, 65_536, (12, 9, 3), dtype=np.uint16)
    fractions = RNG.normal(0, 5, (12, 9)).astype(np.float32)
    for name in ("a.png", "a.bmp", "a.tif"):
        Image.fromarray(colour).save(tmp_path / name)
        assert np.array_equal(read(tmp_path / name), colour), name
    Image.fromarray(colour).save(tmp_path / "a.webp", lossless=True)
    assert np.array_equal(read(tmp_path / "a.webp"), colour)
    Image.fromarray(colour).save(tmp_path / "a.jpg", quality=100, subsampling=0)
    assert np.abs(read(tmp_path / "a.jpg").astype(int) - colour).mean() < 4
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(read(tmp_path / "deep.png")[:, :, 0], deep)
    tifffile.imwrite(tmp_path / "deep.tif", deep_colour)
    assert np.array_equal(read(tmp_path / "deep.tif"), deep_colour)
    tifffile.imwrite(tmp_path / "float.tiff", fractions)
    assert np.array_equal(read(tmp_path / "float.tiff")[:, :, 0], fractions)
    for name, array in (("hwc", deep_colour), ("chw", deep_colour.transpose(2, 0, 1)), ("float", fractions)):
        np.save(tmp_path / f"{name}.npy", array)
        expected = fractions[:, :, None] if name == "float" else deep_colour
        assert np.array_equal(read(tmp_path / f"{name}.npy"), expected), name


def test_a_16_bit_colour_png_keeps_its_depth(tmp_path):
    """Pillow reads it as 8 bits without a word."""
    array = RNG.integers(0, 65_536, (5, 4, 3), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 5, 16, 2, 0, 0, 0))
    content += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "x.png").write_bytes(content)
    assert header(tmp_path / "x.png").dtype == "uint16"
    assert np.array_equal(read(tmp_path / "x.png"), array)


def test_palettes_cmyk_transparency_rotation_and_animation(tmp_path):
    colour = np.zeros((6, 8, 3), np.uint8)
    colour[:, :4] = (255, 0, 0)
    colour[:, 4:] = (0, 0, 255)
    Image.fromarray(colour).convert("P", palette=Image.Palette.ADAPTIVE, colors=4).save(tmp_path / "p.png")
    assert np.array_equal(read(tmp_path / "p.png"), colour)
    Image.fromarray(colour).convert("CMYK").save(tmp_path / "c.tif")
    Image.fromarray(colour).convert("CMYK").save(tmp_path / "c.jpg", quality=100)
    assert np.abs(read(tmp_path / "c.jpg").astype(int) - colour).mean() < 12
    clear = np.dstack([colour, np.full((6, 8), 0, np.uint8)])
    clear[:, 4:, 3] = 255
    Image.fromarray(clear).save(tmp_path / "a.png")
    assert (read(tmp_path / "a.png")[:, :4] == 255).all()
    assert np.array_equal(read(tmp_path / "a.png")[:, 4:], colour[:, 4:])
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    Image.fromarray(colour).save(tmp_path / "r.jpg", exif=exif, quality=100, subsampling=0)
    turned = read(tmp_path / "r.jpg")
    assert turned.shape == (8, 6, 3)
    assert turned[0, 0, 0] > 200
    assert turned[7, 0, 2] > 200
    frames = [Image.fromarray(np.full((5, 5), v, np.uint8)) for v in (10, 200)]
    frames[0].save(tmp_path / "m.gif", save_all=True, append_images=frames[1:])
    assert (read(tmp_path / "m.gif") == 10).all()


class Slow:
    """Garbage whose end lets other threads run, wherever the collector finds it."""

    def __init__(self):
        self.me = self

    def __del__(self):
        time.sleep(0)


def test_threads_read_arrays_whatever_their_depth(tmp_path):
    """Python's parser of literals mixes up threads at different depths of calls when one is interrupted: without our
    lock 1 of 7 of these reads is refused, so that 400 miss it in one run of 10^26."""
    np.save(tmp_path / "x.npy", np.zeros((9, 9), np.float32))

    def deeper(levels):
        if levels:
            return deeper(levels - 1)
        Slow()
        return read(tmp_path / "x.npy").shape

    thresholds = gc.get_threshold()
    gc.set_threshold(20)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(deeper, [i % 7 for i in range(400)])) == {(9, 9, 1)}
    finally:
        gc.set_threshold(*thresholds)


def npy(kind: bytes, shape: bytes) -> bytes:
    """The header of a NumPy file, and nothing behind it."""
    header = (b"{'descr': %b, 'fortran_order': False, 'shape': %b, }" % (kind, shape)).ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.png", b""),
        ("text.png", b"this is no image"),
        ("pickle.npy", npy(b"'|O'", b"(2, 2)")),
        ("huge.npy", npy(b"'|u1'", b"(1000000, 1000000)")),
        ("garbage.tif", b"II*\0\x08\0\0\0" + b"\xff" * 40),
        (
            "bomb.bmp",
            b"BM" + bytes(12) + b"\x28\0\0\0" + (10**5).to_bytes(4, "little") * 2 + b"\x01\0\x18\0" + bytes(24),
        ),
    ],
)
def test_broken_files_are_unreadable_and_nothing_worse(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unreadable):
        read(tmp_path / name)


def test_not_finite_is_unreadable(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[0.5, np.nan]], np.float32))
    with pytest.raises(Unreadable, match="not finite"):
        read(tmp_path / "x.npy")


def test_fit_resizes_the_shorter_side_and_cuts_the_middle():
    image = np.zeros((8, 16, 1), np.uint8)
    image[:, 3:13] = 200
    assert (fit(image, 8) == 200).all()
    small = fit(image, 4)
    assert small.shape == (1, 4, 4)
    assert (small == 200).all()
    deep = fit(np.full((9, 9, 1), 40_001, np.uint16), 4)
    assert deep.dtype == np.uint16
    assert (deep == 40_001).all()


# ------------------------------------------------------------------------------------------------------ folders


def test_a_mixed_folder(tmp_path):
    path = folder(tmp_path / "mixed", grey(20))
    (path / "deeper").mkdir()
    Image.fromarray(RNG.integers(0, 256, (10, 10, 3), dtype=np.uint8)).save(path / "deeper" / "colour.webp")
    whole = (path / "000.png").read_bytes()
    (path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (path / "zero.jpg").write_bytes(b"")
    (path / "notes.txt").write_text("not an image, and not asked about")
    parts, said = load(path)
    assert "21 images, 2 unreadable and named, split" in parts.description
    assert parts.train.shape == (3, 10, 10)
    assert any("cut.png" in line for line in said)
    assert any("zero.jpg" in line for line in said)
    assert sum(len(part) for part in parts[:3]) == 21
    assert all(len(part) >= 1 for part in parts[:3])


def test_depths_are_kept_and_said(tmp_path):
    path = folder(tmp_path / "deep", grey(6))
    deep = RNG.integers(0, 65_536, (10, 10), dtype=np.uint16)
    Image.fromarray(deep).save(path / "deep.png")
    parts, _ = load(path)
    assert "16 bits" in parts.description
    assert (parts.train.levels, parts.train.range) == (65_536, (0.0, 65_535.0))
    found = by_name(parts)
    assert torch.allclose(found["deep.png"][0], torch.from_numpy(deep.astype(np.float32) / 65_535), atol=1e-7)
    shallow = read(path / "000.png")[:, :, 0].astype(np.float32) / 255
    assert torch.allclose(found["000.png"][0], torch.from_numpy(shallow), atol=1e-7)


def test_fractions_keep_their_range(tmp_path):
    path = tmp_path / "float"
    path.mkdir()
    for i in range(40):
        np.save(path / f"{i}.npy", RNG.uniform(-3, 7, (9, 9)).astype(np.float32))
    parts, _ = load(path)
    low, high = parts.train.range
    assert -3 <= low < -2.9
    assert 6.9 < high <= 7
    assert parts.train.levels is None
    batch = parts.train.batch(torch.arange(len(parts.train)))
    assert (batch.min(), batch.max()) == (0, 1)
    name = parts.train.names[0]
    expected = (np.load(path / name) - low) / (high - low)
    assert torch.allclose(batch[0, 0], torch.from_numpy(expected), atol=1e-6)


def test_the_split_is_by_content(tmp_path):
    arrays = grey(200)
    path = folder(tmp_path / "a", arrays)
    parts, _ = load(path)
    assert 150 < len(parts.train) < 199
    for i in range(40):  # the same images under other names
        Image.fromarray(arrays[i]).save(path / f"copy{i}.png")
    again, _ = load(path)
    sides = [{name: side for side, part in enumerate(p[:3]) for name in part.names} for p in (parts, again)]
    assert all(sides[1][f"copy{i}.png"] == sides[1][f"{i:03d}.png"] for i in range(40))
    assert all(sides[1][name] == side for name, side in sides[0].items())
    folder(path, grey(300, 10), ".bmp")
    more, _ = load(path)
    side = {name: s for s, part in enumerate(more[:3]) for name in part.names}
    assert all(side[name] == s for name, s in sides[0].items())


def test_three_different_images_are_the_least(tmp_path):
    path = folder(tmp_path / "few", grey(2))
    with pytest.raises(ArzhangError, match="at least 3"):
        load(path)
    folder(path, grey(3), ".bmp")
    parts, _ = load(path)
    assert [len(part) >= 1 for part in parts[:3]] == [True] * 3


def test_sizes_that_differ_ask_for_one(tmp_path):
    path = folder(tmp_path / "sizes", [*grey(3, 10), *grey(3, 12)])
    with pytest.raises(UsageError, match="give --size"):
        load(path)
    parts, _ = load(path, size=8)
    assert parts.train.shape == (1, 8, 8)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_a_memory_map_gives_what_memory_gives(tmp_path, kind):
    path = tmp_path / kind
    path.mkdir()
    for i in range(30):
        array = (
            RNG.uniform(0, 300, (9, 9)).astype(kind) if kind != "uint16" else RNG.integers(0, 65_536, (9, 9), np.uint16)
        )
        np.save(path / f"{i:02d}.npy", array)
    resident, _ = load(path)
    mapped, _ = load(path, memory_share=1e-12)
    assert mapped.train.mapped is not None
    assert mapped.train.nbytes == 0
    assert resident.train.mapped is None
    for a, b in zip(resident[:3], mapped[:3], strict=True):
        order = permutation(len(a), 0, 3)
        assert torch.equal(a.batch(order), b.batch(order))
    assert len(mapped.train.batch(torch.zeros(0, dtype=torch.int64))) == 0


def test_the_cache_follows_the_files(tmp_path, cache):
    path = folder(tmp_path / "a", grey(10))
    first, _ = load(path)
    built = sorted(p.name for p in (cache / "images").iterdir())
    load(path)
    assert sorted(p.name for p in (cache / "images").iterdir()) == built
    Image.fromarray(grey(1)[0]).save(path / "000.png")
    os.utime(path / "000.png", ns=(1, 1))
    assert load(path)[0].sha256 != first.sha256


def test_a_cache_that_could_not_be_written_leaves_nothing(tmp_path, cache, monkeypatch):
    path = folder(tmp_path / "a", grey(10))
    original = data.fit
    monkeypatch.setattr(data, "fit", lambda image, size: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    monkeypatch.setattr(data, "attempt", lambda reader, file: reader(file))
    with pytest.raises(ArzhangError, match="No space left"):
        load(path)
    assert [p for p in (cache / "images").iterdir() if p.is_dir()] == []
    monkeypatch.undo()
    monkeypatch.setenv("ARZHANG_CACHE", str(cache))
    assert data.fit is original
    assert len(load(path)[0].train) > 0


@pytest.mark.parametrize("kind", ["empty", "text", "missing", "file", "broken"])
def test_folders_that_are_none(tmp_path, kind):
    path = tmp_path / kind
    if kind == "file":
        path.write_text("")
    elif kind != "missing":
        path.mkdir()
    if kind == "text":
        (path / "a.txt").write_text("a")
    if kind == "broken":
        (path / "a.png").write_bytes(b"no")
    with pytest.raises(ArzhangError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------- built in


@needs_data
def test_fashion_mnist_in_three_parts():
    parts = data.load(notify=lambda line: None)
    assert [len(part) for part in parts[:3]] == [55_000, 5_000, 10_000]
    assert parts.description == "Fashion-MNIST: 70,000 images of 28×28, split 55,000/5,000/10,000"
    assert parts.classes[9] == "Ankle boot"
    total = parts.train.pixels.double().sum() + parts.validation.pixels.double().sum()
    assert round(float(total / (60_000 * 784 * 255)), 4) == 0.2860
    assert torch.bincount(torch.cat([parts.train.labels, parts.validation.labels])).tolist() == [6_000] * 10
    batch = parts.test.batch(torch.tensor([3, 0]))
    assert batch.shape == (2, 1, 28, 28)
    assert torch.equal(batch[1] * 255, parts.test.pixels[0].float())
    assert torch.equal(parts.validation.pixels, data.load(notify=print).validation.pixels)
    assert len(data.load(validation=0, notify=print).validation) == 0


@needs_data
def test_validation_must_leave_something():
    with pytest.raises(UsageError, match="--validation 60000"):
        data.load(validation=60_000, notify=print)


def test_order_is_a_permutation_and_a_function_of_its_key():
    assert sorted(permutation(100, 0, 0).tolist()) == list(range(100))
    assert torch.equal(permutation(100, 1, 2), permutation(100, 1, 2))
    assert not torch.equal(permutation(100, 1, 2), permutation(100, 1, 3))
    assert not torch.equal(permutation(100, 1, 2), permutation(100, 2, 2))


def test_a_contact_sheet(tmp_path):
    parts, _ = load(folder(tmp_path / "a", grey(30)))
    data.contact_sheet(parts.train, 20, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (10 * 12 + 2, 2 * 12 + 2)
