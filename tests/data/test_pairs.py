"""Pairs: every layout found, split honestly, moved alike, and whatever is wrong with them in one clear line."""

import io
import stat
import sys
import types
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from arzhang import cli
from arzhang.data import edges, pairs, sources
from arzhang.data.images import Images
from arzhang.errors import ArzhangError, UsageError
from arzhang.palettes import CITYSCAPES, nearest

RNG = np.random.default_rng(0)
FASHION = sources.locate("fashion-mnist")
needs_data = pytest.mark.skipif(FASHION is None, reason="Fashion-MNIST is not on this machine")
COLOURS = np.array([colour for _, colour in CITYSCAPES], np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ARZHANG_CACHE", str(path))
    return path


def photo(height=12, width=12):
    """A smooth colour image, all of them different."""
    coarse = Image.fromarray(RNG.integers(0, 256, (3, 3, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def segmentation(height=12, width=12):
    """Large patches in the colours of the classes."""
    patches = COLOURS[RNG.integers(0, 19, (4, 4))]
    return patches.repeat(-(-height // 4), 0).repeat(-(-width // 4), 1)[:height, :width]


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def joined(path, n, height=12, width=12, suffix=".png", **options):
    """n side-by-side images, photo left and segmentation right; the two sides."""
    made = []
    for i in range(n):
        sides = photo(height, width), segmentation(height, width)
        save(path / f"{i + 1}{suffix}", np.concatenate(sides, 1), **options)
        made.append(sides)
    return made


def two_folders(path, n, names=("A", "B"), suffixes=(".png", ".png")):
    for i in range(n):
        for name, suffix, array in zip(names, suffixes, (photo(), segmentation()), strict=True):
            save(path / name / f"{i:03d}{suffix}", array)


def load(path, **options):
    said = []
    return pairs.load(data=str(path), notify=said.append, **options), said


def test_files_hardly_wider_than_high_are_cut_with_a_word(tmp_path):
    for i in range(10):
        save(tmp_path / "single" / f"{i}.png", photo(24, 24))
    _, said = load(tmp_path / "single")
    assert any("files of 24×24 pixels are cut into sides of 12×24; single images are no pairs" in line for line in said)
    joined(tmp_path / "double", 10, 24, 24)
    assert not any("cut into" in line for line in load(tmp_path / "double")[1])


def everything(part, **options):
    return part.take(torch.arange(len(part)), **options)


def sides_by_name(parts):
    found = {}
    for part in parts[:3]:
        example = everything(part)
        for i, name in enumerate(part.images.names):
            found[name] = example.images[i], example.inputs[i]
    return found


def chw(array):
    return torch.from_numpy(array.copy()).permute(2, 0, 1) / 255


# -------------------------------------------------------------------------------------------------------- layouts


def test_the_kaggle_layout_at_full_size(tmp_path):
    """Folders train and val of 512×256 JPEGs with halved chroma, photo left, segmentation right."""
    jpeg = {"quality": 85, "subsampling": "4:2:0", "suffix": ".jpg"}
    train = joined(tmp_path / "train", 5, 256, 256, **jpeg)
    val = joined(tmp_path / "val", 3, 256, 256, **jpeg)
    parts, said = load(tmp_path, snap=True)
    assert said == [f"{tmp_path}: 8 pairs of 256×256, split 4/1/3; the right side is given (colour → colour)"]
    assert parts.description == said[0]
    assert sorted(parts.test.names) == [f"val/{i}.jpg" for i in (1, 2, 3)]
    assert (parts.train.shape, parts.train.input_shape) == ((3, 256, 256), (3, 256, 256))
    assert (parts.train.levels, parts.train.range, parts.train.classes_are) == (256, (0.0, 255.0), "inputs")
    assert parts.train.nbytes == 4 * 6 * 256 * 256
    by_name = sides_by_name(parts)
    truth = {f"train/{i + 1}.jpg": sides for i, sides in enumerate(train)}
    truth |= {f"val/{i + 1}.jpg": sides for i, sides in enumerate(val)}
    assert by_name.keys() == truth.keys()
    for name, (image, labels) in by_name.items():
        assert (image - chw(truth[name][0])).abs().mean() < 0.02
        wrong = nearest(labels.permute(1, 2, 0) * 255) != nearest(chw(truth[name][1]).permute(1, 2, 0) * 255)
        assert wrong.float().mean() < 0.03
        colours = (labels * 255).round().byte().permute(1, 2, 0).reshape(-1, 3).unique(dim=0)
        assert {tuple(c) for c in colours.tolist()} <= {colour for _, colour in CITYSCAPES}
    blurred, _ = load(tmp_path)  # as the files are, with colours of no class
    assert len((everything(blurred.train).inputs * 255).byte().permute(0, 2, 3, 1).reshape(-1, 3).unique(dim=0)) > 19
    other, _ = load(tmp_path, direction="left-to-right", snap=True)
    assert other.train.classes_are == "images"
    assert torch.equal(everything(other.test).inputs, everything(parts.test).images)
    assert torch.equal(everything(other.test).images, everything(parts.test).inputs)


@pytest.mark.parametrize(
    ("folders", "split"),
    [
        (["train", "val"], "2/2/4"),
        (["train", "test"], "2/2/4"),
        (["train", "val", "test"], "4/4/4"),
        (["train"], "2/1/1"),
        ([""], "2/1/1"),
        (["deep/er/train", "deep/er/val"], "2/2/4"),
    ],
)
def test_a_sets_own_parts_are_kept(tmp_path, folders, split, monkeypatch):
    for folder in folders:
        joined(tmp_path / "set" / folder, 4)
    # Parts depend on the content; here on its order alone.
    monkeypatch.setattr("arzhang.data.images.split", lambda hashes, path, test=True: list(
        np.array_split(np.arange(len(hashes)), [2, 3] if test else [2])))  # fmt: skip
    parts, _ = load(tmp_path / "set")
    assert f"split {split};" in parts.description
    named = {"test": "test", "val": "test" if "test" not in folders else "validation"}
    for folder in folders:
        where = named.get(folder.split("/")[-1])
        if where:
            held = {name for name in getattr(parts, where).names if name.startswith(folder.split("/")[-1])}
            assert len(held) == 4


def test_validation_is_held_out_by_content(tmp_path):
    joined(tmp_path / "set" / "train", 60)
    joined(tmp_path / "set" / "val", 2)
    before, _ = load(tmp_path / "set")
    (tmp_path / "set" / "train" / "1.png").rename(tmp_path / "set" / "train" / "renamed.png")
    joined(tmp_path / "more" / "train", 20)
    for file in (tmp_path / "more" / "train").iterdir():
        file.rename(tmp_path / "set" / "train" / f"more-{file.name}")
    after, _ = load(tmp_path / "set")
    held = {name.replace("/1.png", "/renamed.png") for name in before.validation.names}
    assert held <= set(after.validation.names)
    assert not held & set(after.train.names)
    assert len(after.train) + len(after.validation) == 80


@pytest.mark.parametrize("names", [("A", "B"), ("photos", "zebra"), ("train/A", "train/B")])
def test_two_folders_of_equal_names(tmp_path, names):
    two_folders(tmp_path / "set", 6, names, (".jpg", ".png"))
    parts, _ = load(tmp_path / "set")
    assert sum(map(len, parts[:3])) == 6
    for name, (image, labels) in sides_by_name(parts).items():
        stem = name.split("/")[-1].split(".")[0]
        with Image.open(tmp_path / "set" / names[0] / f"{stem}.jpg") as left:
            assert torch.equal(image, chw(np.asarray(left)))
        with Image.open(tmp_path / "set" / names[1] / f"{stem}.png") as right:
            assert torch.equal(labels, chw(np.asarray(right)))


def test_a_zip_gives_what_its_folder_gives(tmp_path, cache):
    joined(tmp_path / "set" / "train", 6)
    joined(tmp_path / "set" / "val", 2)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
        for path in sorted((tmp_path / "set").rglob("*.png")):
            file.write(path, f"cityscapes_data/{path.relative_to(tmp_path / 'set')}")
        file.writestr("cityscapes_data/readme.txt", "not an image")
    of_folder, _ = load(tmp_path / "set")
    of_zip, _ = load(tmp_path / "set.zip")
    assert of_zip.sha256 == of_folder.sha256
    for a, b in zip(of_zip[:3], of_folder[:3], strict=True):
        assert torch.equal(everything(a).images, everything(b).images)
    (tmp_path / "set.zip").rename(tmp_path / "renamed.zip")
    load(tmp_path / "renamed.zip")
    assert len([p for p in (cache / "zips").iterdir() if p.is_dir()]) == 1
    assert not list(cache.rglob("readme.txt"))


def test_sizes_colours_and_depths(tmp_path):
    """Labels by nearest neighbour only; grey among colour becomes colour, RGBA lies over white, 16 bits become 8."""
    for i in range(4):
        save(tmp_path / "set" / "A" / f"{i}.png", photo(20, 30))
        save(tmp_path / "set" / "B" / f"{i}.png", segmentation(20, 30))
    clear = np.dstack([np.full((20, 30, 3), 90, np.uint8), np.zeros((20, 30), np.uint8)])
    for name, array in (("clear", clear), ("grey", photo(20, 30)[:, :, 0])):
        save(tmp_path / "set" / "A" / f"{name}.png", array)
        save(tmp_path / "set" / "B" / f"{name}.png", segmentation(20, 30))
    Image.fromarray(np.full((20, 30), 51_400, np.uint16)).save(tmp_path / "set" / "A" / "deep.png")
    save(tmp_path / "set" / "B" / "deep.png", segmentation(20, 30))
    parts, _ = load(tmp_path / "set", size=8)
    found = {name.split("/")[-1]: sides for name, sides in sides_by_name(parts).items()}
    assert len(found) == 7
    assert all(image.shape == labels.shape == (3, 8, 8) for image, labels in found.values())
    assert (found["clear.png"][0] == 1).all()
    assert torch.equal(found["grey.png"][0][0], found["grey.png"][0][2])
    assert (found["deep.png"][0] * 255 == 200).all()
    for _, labels in found.values():
        colours = (labels * 255).round().byte().permute(1, 2, 0).reshape(-1, 3)
        assert {tuple(c) for c in colours.tolist()} <= {colour for _, colour in CITYSCAPES}
    rectangle, _ = load(tmp_path / "set", size=(10, 16))
    assert rectangle.train.shape == (3, 10, 16)


def test_grey_pairs_have_one_channel(tmp_path):
    for i in range(3):
        save(tmp_path / "set" / f"{i}.png", RNG.integers(0, 256, (10, 20), dtype=np.uint8))
    parts, _ = load(tmp_path / "set")
    assert (parts.train.shape, parts.train.input_shape) == ((1, 10, 10), (1, 10, 10))


def test_a_memory_map_gives_what_memory_gives(tmp_path):
    joined(tmp_path / "set", 12)
    resident, _ = load(tmp_path / "set")
    mapped, _ = load(tmp_path / "set", memory_share=1e-12)
    assert (mapped.train.nbytes, mapped.train.images.mapped is None) == (0, False)
    luck = torch.rand(len(resident.train), 4)
    for key in ("images", "inputs"):
        a, b = (getattr(everything(one.train, luck=luck), key) for one in (resident, mapped))
        assert torch.equal(a, b)


# ----------------------------------------------------------------------------------------------------- what moves


def small(n=6, side=16, label_side="inputs", **options):
    images, labels = (torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8) for _ in range(2))
    return pairs.Pairs(Images(images), Images(labels), label_side, **options), images, labels


def textbook(pixels, luck, mode, side=16):
    """One image: the whole enlarged, a part cut out, mirrored."""
    large = round(side * 286 / 256)
    whole = F.interpolate(pixels[None].float(), (large, large), mode=mode)[0] / 255
    top, left = (int(float(draw) * (large - side + 1)) for draw in luck[:2])
    cut = whole[:, top : top + side, left : left + side]
    return cut.flip(2) if luck[2] < 0.5 else cut


def test_jitter_is_the_textbooks_and_the_same_for_both_sides():
    part, images, labels = small(300, jitter=True, mirror=True)
    luck = torch.rand(300, 4, generator=torch.Generator().manual_seed(0))
    luck[0], luck[1] = 0.0, 1 - 2**-24
    found = everything(part, luck=luck)
    for i in range(300):
        bilinear = textbook(images[i], luck[i], "bilinear")
        assert torch.allclose(found.images[i], bilinear, atol=1e-6)
        assert torch.equal(found.inputs[i], textbook(labels[i], luck[i], "nearest-exact"))
    assert len({(int(a * 3), int(b * 3), bool(m < 0.5)) for a, b, m, _ in luck.tolist()}) == 18  # every move occurs


def test_take_is_a_function_of_indices_and_luck():
    part, images, labels = small(jitter=True, mirror=True)
    assert part.augmented
    luck = torch.rand(6, 4)
    whole = everything(part, luck=luck)
    alone = part.take(torch.tensor([4]), luck[4:5])
    assert torch.equal(alone.images[0], whole.images[4])
    assert torch.equal(alone.inputs[0], whole.inputs[4])
    plain = everything(part)
    assert torch.equal(plain.images, images / 255)
    assert torch.equal(plain.inputs, labels / 255)
    assert plain.labels is None
    mirror, images, _ = small(mirror=True)
    found = everything(mirror, luck=luck)
    for i in range(6):
        assert torch.equal(found.images[i], (images[i].flip(2) if luck[i, 2] < 0.5 else images[i]) / 255)
    still, images, _ = small()
    assert not still.augmented
    assert torch.equal(everything(still, luck=luck).images, images / 255)


def test_only_training_is_moved(tmp_path):
    joined(tmp_path / "set", 12)
    parts, _ = load(tmp_path / "set")
    assert [part.augmented for part in parts[:3]] == [True, False, False]
    parts, _ = load(tmp_path / "set", jitter=False, mirror=False)
    assert not parts.train.augmented


# ------------------------------------------------------------------------------------------------------- unpaired


def test_unpaired_sides_share_no_file(tmp_path):
    joined(tmp_path / "set", 40)
    parts, _ = load(tmp_path / "set", unpaired=True)
    train = parts.train
    assert train.unpaired
    assert not set(train.images.names) & set(train.inputs.names)
    assert len(train.images) + len(train.inputs) + sum(
        len(side.names) for part in parts[1:3] for side in (part.images, part.inputs)
    ) == 40  # fmt: skip
    assert len(train) == len(train.images)
    luck = torch.rand(len(train), 4)
    luck[:, 2] = 0.9
    chosen = (luck[:, 3] * len(train.inputs)).long()
    still, _ = load(tmp_path / "set", unpaired=True, jitter=False)
    found = everything(still.train, luck=luck)
    assert torch.equal(found.inputs, still.train.inputs.batch(chosen))
    assert torch.equal(everything(train).inputs, train.inputs.batch(torch.arange(len(train)) % len(train.inputs)))


def test_unpaired_folders_of_other_names_and_numbers(tmp_path):
    for name, n, side in (("trainA", 7, 12), ("trainB", 5, 16), ("testA", 3, 12), ("testB", 2, 16)):
        for i in range(n):
            save(tmp_path / "set" / name / f"{name}{i}.png", photo(side, side))
    parts, _ = load(tmp_path / "set", unpaired=True, label_side="none", size=12)
    assert len(parts.train.images) + len(parts.validation.images) == 7
    assert len(parts.train.inputs) + len(parts.validation.inputs) == 5
    assert sorted(parts.test.images.names) == [f"testA/testA{i}.png" for i in range(3)]
    assert "15" not in parts.description.split("set: ")[1].split("split")[0]
    assert "7 inputs and 10 targets, unpaired," in parts.description


# --------------------------------------------------------------------------------------------------- what is wrong


def refused(capsys, path, *phrases, code=1, words=()):
    capsys.readouterr()
    found = cli.main(["data", "show", str(path), "--pairs", "yes", "--out", str(path.parent / "x.png"), *words])
    error = capsys.readouterr().err
    assert found == code, error
    assert error.startswith("arzhang: ")
    assert error.count("\n") == 1
    for phrase in phrases:
        assert str(phrase) in error


def test_halves_that_are_none(tmp_path, capsys):
    joined(tmp_path / "set", 4)
    save(tmp_path / "set" / "odd.png", photo(12, 25))
    refused(capsys, tmp_path / "set", tmp_path / "set" / "odd.png", "25×12", "odd width")


def test_a_missing_partner(tmp_path, capsys):
    two_folders(tmp_path / "set", 4)
    (tmp_path / "set" / "B" / "002.png").unlink()
    refused(capsys, tmp_path / "set", tmp_path / "set" / "A" / "002.png", "no partner", tmp_path / "set" / "B")
    (tmp_path / "set" / "A" / "002.png").unlink()
    save(tmp_path / "set" / "B" / "lone.png", photo())
    refused(capsys, tmp_path / "set", tmp_path / "set" / "B" / "lone.png", "no partner", tmp_path / "set" / "A")


def test_sizes_that_differ(tmp_path, capsys):
    two_folders(tmp_path / "set", 4)
    save(tmp_path / "set" / "B" / "001.png", photo(12, 14))
    refused(capsys, tmp_path / "set", tmp_path / "set" / "A" / "001.png", "12×12", "14×12")
    joined(tmp_path / "mixed", 3)
    save(tmp_path / "mixed" / "z.png", photo(16, 32))
    refused(capsys, tmp_path / "mixed", tmp_path / "mixed", "give --size", code=2)
    joined(tmp_path / "tiny", 3, 6, 6)
    refused(capsys, tmp_path / "tiny", "6×6", "too small", code=2)
    refused(capsys, tmp_path / "tiny", "--size 4", code=2, words=["--size", "4"])


def test_what_is_no_image_is_named_and_left_out(tmp_path, capsys):
    joined(tmp_path / "set", 6)
    (tmp_path / "set" / "bad.png").write_bytes(b"this is no image")
    whole = (tmp_path / "set" / "1.png").read_bytes()
    (tmp_path / "set" / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert cli.main(["data", "show", str(tmp_path / "set"), "--out", str(tmp_path / "x.png")]) == 0
    out = capsys.readouterr().out
    assert f"unreadable: {tmp_path / 'set' / 'bad.png'}" in out
    assert f"unreadable: {tmp_path / 'set' / 'cut.png'}" in out
    assert "6 pairs" in out
    assert "2 unreadable and named" in out
    assert f"written: {tmp_path / 'x.png'}" in out
    with Image.open(tmp_path / "x.png") as sheet:  # three rows of two, 12 pixels shown as 21 × 12
        assert sheet.size == (2 * (252 + 4) + 4, 3 * (252 + 4) + 4)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "bad.png").write_bytes(b"this is no image")
    refused(capsys, tmp_path / "none", tmp_path / "none", "none of its 1 image files", "bad.png")


def test_fractions_outside_0_to_1_are_unreadable(tmp_path):
    for i in range(4):
        for side in "AB":
            (tmp_path / "set" / side).mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "set" / side / f"{i}.npy", np.full((9, 9), i / 2, np.float32))
    parts, said = load(tmp_path / "set")
    assert sum(map(len, parts[:3])) == 3
    assert any("3.npy" in line and "1.5" in line for line in said)


@pytest.mark.parametrize("kind", ["missing", "empty", "empty side", "one folder", "three folders", "text"])
def test_folders_that_hold_no_pairs(tmp_path, capsys, kind):
    path = tmp_path / "set"
    if kind == "text":
        path.write_text("no zip")
    elif kind != "missing":
        path.mkdir()
    if kind == "empty side":
        two_folders(path, 3)
        for file in (path / "B").iterdir():
            file.unlink()
    if kind == "three folders":
        for name in "ABC":
            save(path / name / "1.png", photo())
    if kind == "one folder":
        (path / "A").mkdir()
    refused(capsys, path, path, code=2)


def packed(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content, *mode in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if mode:
                info.external_attr = mode[0] << 16
            file.writestr(info, content)
    return path


@pytest.mark.parametrize(
    ("member", "phrase"),
    [
        (("../climbed.png", b"x"), "leads out"),
        (("a/../../climbed.png", b"x"), "leads out"),
        (("/climbed.png", b"x"), "leads out"),
        (("C:/climbed.png", b"x"), "leads out"),
        (("link.png", b"/etc/passwd", stat.S_IFLNK | 0o777), "link"),
        (("bomb.png", bytes(60_000_000)), "60,000,000 bytes"),
    ],
)
def test_zips_that_are_not_unpacked(tmp_path, cache, capsys, member, phrase):
    buffer = io.BytesIO()
    Image.fromarray(photo(12, 24)).save(buffer, "png")
    path = packed(tmp_path / "set.zip", *[(f"{i}.png", buffer.getvalue()) for i in range(4)], member)
    refused(capsys, path, path, repr(member[0]), phrase)
    assert not list(tmp_path.rglob("climbed.png"))
    assert not list(cache.rglob("*.png"))


def test_a_damaged_zip(tmp_path, capsys):
    joined(tmp_path / "set", 4)
    members = [(file.name, file.read_bytes()) for file in sorted((tmp_path / "set").iterdir())]
    path = packed(tmp_path / "set.zip", *members)
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(30)
    path.write_bytes(bytes(content))
    refused(capsys, path, path, "damaged zip")


@pytest.mark.parametrize("where", [0, -1], ids=["before the file", "in the list at the end"])
def test_a_zip_with_a_name_that_is_no_text(tmp_path, capsys, where):
    path = packed(tmp_path / "set.zip", *[(f"straße{i}.png", b"x") for i in range(3)])
    name, content = "straße1".encode(), path.read_bytes()
    at = (content.find(name), content.rfind(name))[where] + len("stra")
    path.write_bytes(content[:at] + b"\xff\xff" + content[at + 2 :])
    refused(capsys, path, path, "damaged zip")


def test_options_that_cannot_work():
    with pytest.raises(UsageError, match="no pairs"):
        pairs.load()
    with pytest.raises(UsageError, match="streets, edges2fashion, cityscapes"):
        pairs.load(dataset="street")
    with pytest.raises(UsageError, match="at least one"):
        pairs.load(dataset="streets", scenes=0)


# ------------------------------------------------------------------------------------------------------- built in


@needs_data
def test_edges2fashion():
    root = str(next(iter(FASHION.values())).parent)
    parts = pairs.load(dataset="edges2fashion", data_root=root, notify=lambda line: None)
    assert parts.description.startswith("edges2fashion: 70,000 pairs of 32×32, split 59,800/200/10,000")
    assert (parts.train.shape, parts.train.input_shape, parts.train.classes_are) == ((1, 32, 32), (1, 32, 32), "none")
    photos = sources.read_idx(FASHION["test images"])
    found = parts.test.take(torch.arange(200))
    assert torch.equal((found.images[:, 0, 2:30, 2:30] * 255).byte(), torch.from_numpy(photos[:200].copy()))
    drawn = 1 - found.inputs
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    share = drawn.mean((1, 2, 3))
    assert (share > 0).all()
    assert 0.03 < share.mean() < 0.2  # lines, not surfaces
    assert not set(parts.train.names) & set(parts.validation.names)


def test_canny_draws_the_outline_of_a_square_and_of_a_disc():
    image = np.zeros((2, 24, 24), np.float32)
    image[0, 6:16, 8:18] = 1
    down, across = np.mgrid[:24, :24]
    image[1] = np.clip(8 - np.hypot(down - 12, across - 12), 0, 1)
    square, disc = edges.canny(image)
    assert not square[8:14, 10:16].any()  # nothing within
    assert not square[:5].any()
    assert not square[18:].any()
    assert all(square[row].sum() == 2 for row in range(9, 13))  # one pixel thin on either side
    assert all(square[:, column].sum() == 2 for column in range(11, 15))
    radius = np.hypot(*(np.argwhere(disc) - 12).T)
    assert (np.abs(radius - 7.5) < 1.2).all()
    assert len(radius) > 36
    assert not edges.canny(np.full((1, 9, 9), 0.7, np.float32)).any()
    faint = image[:1] * 0.06  # steps of 0.06: gradients below `high`
    assert not edges.canny(faint).any()


def test_cityscapes_through_kagglehub(tmp_path, monkeypatch, cache):
    joined(tmp_path / "there" / "cityscapes_data" / "train", 4)
    joined(tmp_path / "there" / "cityscapes_data" / "val", 2)
    asked = []
    hub = types.SimpleNamespace(dataset_download=lambda handle: asked.append(handle) or str(tmp_path / "there"))
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    parts = pairs.load(dataset="cityscapes", notify=lambda line: None)
    assert asked == ["dansbecker/cityscapes-image-pairs"]
    assert len(parts.test) == 2

    def fails(handle):
        raise OSError("403 Client Error\nmore")

    hub.dataset_download = fails
    with pytest.raises(ArzhangError, match=r"403 Client Error\).*arzhang\[kaggle\].*--data archive.zip") as caught:
        pairs.load(dataset="cityscapes", notify=lambda line: None)
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(ArzhangError, match="kagglehub is not installed"):
        pairs.load(dataset="cityscapes", notify=lambda line: None)
    joined(cache / "cityscapes" / "train", 4)
    joined(cache / "cityscapes" / "val", 3)
    assert len(pairs.load(data="cityscapes", notify=lambda line: None).test) == 3


def test_the_command_tells_pairs_from_single_images(tmp_path, capsys):
    joined(tmp_path / "pairs" / "train", 4)
    two_folders(tmp_path / "two", 4)
    for i in range(4):
        save(tmp_path / "single" / f"{i}.png", photo())
    for name, paired in (("pairs", True), ("two", True), ("single", False)):
        assert pairs.looks_paired(str(tmp_path / name)) == paired
    assert pairs.looks_paired("streets")
    assert not pairs.looks_paired("fashion-mnist")
    assert cli.main(["data", "list"]) == 0
    assert {"streets", "edges2fashion", "cityscapes"} <= {
        line.split()[0] for line in capsys.readouterr().out.splitlines()
    }
    assert cli.main(["data", "show", "streets", "--size", "32", "--out", str(tmp_path / "s.png")]) == 0
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.size == (2 * 260 + 4, 3 * 260 + 4)
