"""CycleGAN through the command: on pairs drawn apart and on two folders that share nothing, measured and shown."""

import json

import numpy as np
import pytest
from command import folder_of_images
from PIL import Image

from arzhang import cli
from arzhang.data import streets
from arzhang.palettes import CITYSCAPES

SMALL = ["--width", 2, "--size", 16, "--receptive-field", 16, "--epochs", 1, "--preview-every", 1, "--pool", 3]
SMALL += ["--accelerator", "cpu"]


def run(*words):
    """The command in this process, where it does what it should."""
    assert cli.main([str(word) for word in words]) == 0


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARZHANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Side-by-side images: noise on the left, on the right a map of two classes."""
    path, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    colours = np.array([colour for _, colour in CITYSCAPES[:2]], dtype=np.uint8)
    for i in range(24):
        photo, labels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), colours[rng.integers(0, 2, (16, 16))]
        Image.fromarray(np.concatenate([photo, labels], 1)).save(path / f"{i}.png")
    return path


@pytest.fixture(scope="module")
def trained(pairs, tmp_path_factory, cache):
    out = tmp_path_factory.mktemp("runs") / "cyclegan"
    run("train", "cyclegan", "--data", pairs, *SMALL, "--out", out)
    return out


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Two folders of other names and numbers."""
    path = tmp_path_factory.mktemp("sides")
    folder_of_images(path / "A", 12, seed=1)
    for i, file in enumerate(sorted(folder_of_images(path / "B", 15, seed=2).iterdir())):
        file.rename(path / "B" / f"other{i}.png")
    return path


def test_pairs_drawn_apart(trained, pairs, tmp_path):
    with Image.open(trained / "samples" / "epoch_0001.png") as shown:
        assert shown.size[1] == 6 * 16  # there and back of an input, then of an image
    judge = tmp_path / "segmenter"
    run("train", "segmenter", "--data", pairs, "--size", 16, "--epochs", 1, "--batch-size", 4, "--out", judge)
    run("evaluate", trained, "--segmenter", judge)
    found = json.loads((trained / "eval.json").read_text())
    assert {"l1", "ssim", "class_iou_made", "cycle_l1", "cycle_l1_inputs", "cycle_l1_images"} <= found.keys()
    assert "variety" not in found  # there is no noise
    assert found["l1"]["n"] == found["cycle_l1"]["n"]
    mean = (found["cycle_l1_inputs"]["value"] + found["cycle_l1_images"]["value"]) / 2
    assert found["cycle_l1"]["value"] == pytest.approx(mean)
    run("report", trained)
    page = (trained / "report.html").read_text(encoding="utf-8")
    for said in ("There and back", "What was given, what was made of it", "lsgan loss", "a pool of 3", "FCN-score"):
        assert said in page
    assert "run." not in page


def test_images_of_any_size_are_translated(trained, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (21, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "own.png")
    for fit, size in (("resize", (16, 16)), ("pad", (30, 21)), ("tile", (30, 21))):
        run("translate", trained, tmp_path / "own.png", "--fit", fit, "--out", tmp_path / f"{fit}.png")
        with Image.open(tmp_path / f"{fit}.png") as made:
            assert made.size == size


def test_two_folders_that_share_nothing(apart, tmp_path):
    out = tmp_path / "run"
    run("train", "cyclegan", "--data", apart, *SMALL, "--label-side", "none", "--out", out)
    run("evaluate", out)
    found = json.loads((out / "eval.json").read_text())
    assert found.keys() == {"cycle_l1", "cycle_l1_inputs", "cycle_l1_images"}
    run("report", out)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "There and back" in page
    assert "triplets" not in page


def _never(*_, **__):
    pytest.fail("what cannot be trained was made")


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["train", "cyclegan", "--data", "EMPTY"], "empty/B: no images in this folder"),
        (["train", "cyclegan", "--data", "MISSING"], "trainA: the other side of train is missing"),
        (["train", "cyclegan", "--size", "30"], "30×30 pixels: this network takes multiples of 4"),
        (["train", "cyclegan", "--size", "16"], "16×16 pixels are too small for a receptive field of 70"),
        (["train", "cyclegan", "--data", "UNEQUAL", "--size", "null"], "its two sides are of 16×16 and 24×24 pixels"),
        (["train", "cyclegan", "--data", "COLOUR", "--size", "16", "--receptive-field", "16"], "--identity-weight 0"),
        (["translate", "RUN", "PICTURE", "--dropout"], "--dropout true: CycleGAN has none"),
        (["sample", "RUN"], "a cyclegan makes nothing of noise"),
        (["evaluate", "RUN", "--classifier", "RUN"], "says what a cgan makes"),
    ],
)
def test_one_clear_line(trained, apart, tmp_path, monkeypatch, capsys, words, phrase):
    monkeypatch.chdir(tmp_path)
    folder_of_images(tmp_path / "empty" / "A", 4)
    (tmp_path / "empty" / "B").mkdir()
    folder_of_images(tmp_path / "unequal" / "A", 8)
    for i, file in enumerate(sorted(folder_of_images(tmp_path / "unequal" / "B", 8, size=24, seed=1).iterdir())):
        file.rename(tmp_path / "unequal" / "B" / f"other{i}.png")
    folder_of_images(tmp_path / "colour" / "A", 8)
    (tmp_path / "colour" / "B").mkdir()
    for i in range(8):
        Image.new("RGB", (16, 16), (9 * i, 30, 40)).save(tmp_path / "colour" / "B" / f"{i}.png")
    folder_of_images(tmp_path / "missing" / "trainA", 4)
    monkeypatch.setattr(streets, "made", _never)
    places = {"RUN": str(trained), "EMPTY": "empty", "MISSING": "missing", "UNEQUAL": "unequal", "COLOUR": "colour"}
    places["PICTURE"] = "colour/B/0.png"
    capsys.readouterr()
    assert cli.main([places.get(word, word) for word in words]) == 2
    error = capsys.readouterr().err
    assert phrase in error
    assert error.count("\n") == 1
