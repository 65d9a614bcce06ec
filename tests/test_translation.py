"""pix2pix through the command, as a user has it: trained, measured, shown, and used on files of any size."""

import itertools
import json
import re
import shutil

import numpy as np
import pytest
import torch
from command import arzhang
from PIL import Image

from arzhang import assembly, cli, translation
from arzhang.recipes import Pix2Pix
from arzhang.training import checkpoint as checkpoints

SMALL = ["--size", 32, "--width", 4, "--receptive-field", 16, "--scenes", 8, "--validation", 4, "--epochs", 2]
SMALL += ["--preview-every", 1, "--choose-by", "l1", "--accelerator", "cpu"]
KAGGLES = ["--size", 256, "--choose-by", "l1", "--accelerator", "cpu"]
SMALLEST = Pix2Pix(size=32, width=2, receptive_field=16)


def run(*words):
    """The command in this process: its exit code is 0, or the test shows what it said."""
    assert cli.main([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARZHANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory, cache):
    out = tmp_path_factory.mktemp("runs") / "pix2pix"
    run("train", "pix2pix", "--data", "streets", *SMALL, "--out", out)
    return out


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory, cache):
    out = tmp_path_factory.mktemp("runs") / "segmenter"
    run("train", "segmenter", "--size", 32, "--scenes", 8, "--validation", 4, "--epochs", 1, "--batch-size", 4,
        "--accelerator", "cpu", "--out", out)  # fmt: skip
    return out


def picture(path, height, width, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def size_of(path):
    with Image.open(path) as image:
        return image.size


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_run_holds_what_it_should(trained):
    logged = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    train = [entry for entry in logged if entry["split"] == "train"]
    assert {"d_real", "d_fake", "d_accuracy", "g_adversarial", "g_l1"} <= train[-1].keys()
    previews = [entry for entry in logged if entry["split"] == "preview"]
    assert {"made_variety", "real_variety"} <= previews[-1].keys()
    with Image.open(trained / "samples" / "epoch_0002.png") as shown:
        assert shown.size == (3 * 32 + 4 * 2, 3 * (32 + 2 * 2))  # three triplets: columns, each from above
    found = checkpoints.newest_sound(trained / "checkpoints", pytest.fail)
    assert {name.split("/")[0] for name in found.tensors(checkpoints.OPTIMIZERS)} == {"generator", "discriminator"}


def test_evaluated_with_an_fcn_score_and_shown(trained, segmenter, capsys):
    run("evaluate", trained, "--segmenter", segmenter, "--accelerator", "cpu")
    found = json.loads((trained / "eval.json").read_text())
    assert {"l1", "mse", "psnr", "ssim", "variety"} <= found.keys()
    for of in ("made", "real", "grey"):
        for name in ("pixel_accuracy", "class_accuracy", "class_iou"):
            metric = found[f"{name}_{of}"]
            assert 0 <= metric["value"] <= 1
            assert metric["protocol"]["network"] == "segmenter of Arzhang"
    assert found["variety"]["value"] > 0
    run("report", trained)
    page = (trained / "report.html").read_text(encoding="utf-8")
    for said in (
        "What was given, what was made of it",
        "One input, many outputs",
        "FCN-score",
        "--l1-weight",
        "λ = 100",
    ):
        assert said in page
    assert "nats" not in re.sub(r"<[^>]+>", "", page)
    run("evaluate", segmenter, "--accelerator", "cpu")
    assert json.loads((segmenter / "eval.json").read_text()).keys() == {"pixel_accuracy", "class_accuracy", "class_iou"}


def test_images_of_any_size(trained, tmp_path, capsys):
    source = tmp_path / "in"
    picture(source / "own.png", 32, 32)
    picture(source / "deep" / "large.jpg", 70, 90)
    picture(source / "small.png", 20, 45)
    (source / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    for fit, sizes in (
        ("resize", {"own": (32, 32), "large": (32, 32), "small": (32, 32)}),
        ("pad", {"own": (32, 32), "large": (90, 70), "small": (45, 20)}),
        ("tile", {"own": (32, 32), "large": (90, 70), "small": (45, 20)}),
    ):
        out = tmp_path / fit
        run("translate", trained, source, "--out", out, "--fit", fit)
        said = capsys.readouterr().out
        assert "broken.png" in said
        assert "3 images in" in said
        found = {path.stem: size_of(path) for path in out.rglob("*.png")}
        assert found == sizes
        assert (out / "deep" / "large.png").is_file()


def test_neighbours_change_nothing(trained, tmp_path):
    one, many = tmp_path / "one", tmp_path / "many"
    picture(one / "b.png", 32, 32, seed=1)
    for name, seed in (("a.png", 0), ("b.png", 1), ("c.png", 2)):
        picture(many / name, 32, 32, seed)
    run("translate", trained, one, "--out", tmp_path / "alone")
    run("translate", trained, many, "--out", tmp_path / "together")
    alone, together = (pixels_of(tmp_path / where / "b.png") for where in ("alone", "together"))
    assert np.array_equal(alone, together)
    run("translate", trained, one / "b.png", "--out", tmp_path / "file.png", "--seed", 1)
    assert not np.array_equal(alone, pixels_of(tmp_path / "file.png"))


def test_halves_of_side_by_side_files(trained, tmp_path):
    picture(tmp_path / "pair.png", 32, 64)
    whole = pixels_of(tmp_path / "pair.png")
    (tmp_path / "right").mkdir()
    Image.fromarray(whole[:, 32:]).save(tmp_path / "right" / "pair.png")
    run("translate", trained, tmp_path / "pair.png", "--side", "right", "--out", tmp_path / "half.png")
    run("translate", trained, tmp_path / "right" / "pair.png", "--out", tmp_path / "cut.png")
    assert np.array_equal(*(pixels_of(tmp_path / name) for name in ("half.png", "cut.png")))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 64), (80, 100), (5, 200)])
def test_tiles_cover_and_leave_no_seam(height, width, monkeypatch):
    """A model that gives back its input gives back the whole image, however it is cut into tiles."""

    same = assembly.build(SMALLEST, (3, 32, 32), 256, torch.device("cpu"), 0, (3, 32, 32))
    monkeypatch.setattr(same, "translate", lambda images, seed=0, first=0, dropout=None: images.clone())
    image = torch.rand(1, 3, height, width)
    made = translation._tiled(same, image, 0, None)
    assert torch.allclose(made, image, atol=1e-6)
    starts = translation._starts(max(width, 32), 32)
    assert starts[0] == 0
    assert starts[-1] + 32 == max(width, 32)
    assert all(b - a <= 24 for a, b in itertools.pairwise(starts))


def test_weights_of_the_public_port(trained, tmp_path):
    """A generator under the port's names: translated with, and begun from."""
    model = assembly.load(trained)
    depth = len(model.generator.down)
    renamed = {}
    for name, value in model.generator.state_dict().items():
        way, index, part, last = name.split(".")
        level = int(index) if way == "down" else depth - 1 - int(index)
        inner = level == depth - 1
        place = {
            ("down", "conv"): 0 if level == 0 else 1,
            ("down", "norm"): 2,
            ("up", "conv"): 3 if level == 0 or inner else 5,
            ("up", "norm"): 4 if inner else 6,
        }[way, part]
        nest = ".model.".join(map(str, [*([1, *[3] * (level - 1)][:level]), place]))
        renamed[f"model.model.{nest}.{last}"] = value
    torch.save(renamed, tmp_path / "streets_net_G.pth")
    picture(tmp_path / "in.png", 32, 32)
    public = translation.translator(tmp_path / "streets_net_G.pth", "best", "cpu", print)
    image = torch.rand(2, 3, 32, 32)
    assert torch.allclose(public.translate(image, dropout=False), model.translate(image, dropout=False), atol=1e-6)
    run("translate", tmp_path / "streets_net_G.pth", tmp_path / "in.png", "--out", tmp_path / "out.png")
    run(
        "train",
        "pix2pix",
        *SMALL,
        "--epochs",
        1,
        "--init-from",
        tmp_path / "streets_net_G.pth",
        "--out",
        tmp_path / "on",
    )


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["translate", "RUN", "nowhere.png"], "nowhere.png: no such image or folder", 2),
        (["translate", "RUN", "EMPTY"], "no images in this folder", 2),
        (["translate", "RUN", "TEXT"], "could be read as an image", 1),
        (["translate", "EMPTY", "TEXT"], "not a run", 2),
        (["train", "pix2pix", "--size", "100"], "100×100 pixels cannot be halved", 2),
        (["train", "pix2pix", "--adversarial", "none", "--l1-weight", "0"], "nothing is left to train by", 2),
        (["train", "pix2pix", "--receptive-field", "50"], "--receptive-field 50", 2),
        (
            ["train", "pix2pix", "--size", "8", "--scenes", "4", "--validation", "2"],
            "too small for a receptive field",
            2,
        ),
        (["evaluate", "RUN", "--segmenter", "RUN"], "not a segmenter's run", 2),
    ],
)
def test_one_clear_line(trained, tmp_path, words, said, code, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("no image")
    places = {"RUN": str(trained), "EMPTY": "empty", "TEXT": "text.png"}
    assert cli.main([places.get(word, word) for word in words]) == code
    err = capsys.readouterr().err.strip()
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").iterdir())


def kaggle(folder, n):
    """The layout of the Kaggle set: 512×256 JPEGs, photo left, segmentation right, chroma halved."""
    rng = np.random.default_rng(0)
    for part, count in (("train", n), ("val", 2)):
        (folder / part).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (16, 32, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((512, 256), Image.Resampling.NEAREST)
            image.save(folder / part / f"{i + 1}.jpg", quality=90, subsampling="4:2:0")
    return folder


@pytest.mark.slow
def test_the_papers_networks_train(tmp_path, cache):
    """Kaggle's layout at 256² through both full-size networks, a step."""
    data, out = kaggle(tmp_path / "cityscapes", 2), tmp_path / "run"
    run("train", "pix2pix", "--data", data, *KAGGLES, "--epochs", 1, "--out", out)
    saved = checkpoints.newest_sound(out / "checkpoints", pytest.fail)
    assert saved.step == 1
    weights = saved.tensors(checkpoints.WEIGHTS)
    counted = {n: v for n, v in weights.items() if "running" not in n and "num_batches" not in n}
    assert sum(v.numel() for n, v in counted.items() if n.startswith("generator")) == 54_413_955
    assert sum(v.numel() for n, v in counted.items() if n.startswith("discriminator")) == 2_768_705
    shutil.rmtree(out)


def test_pairs_of_the_papers_size_resume_exactly(tmp_path, cache):
    """Through networks of every layer, if of fewer channels: two steps at once, and one, a stop,
    and the other."""
    data, few = kaggle(tmp_path / "cityscapes", 2), ["--width", 8, "--ema", 0.9]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run("train", "pix2pix", "--data", data, *KAGGLES, *few, "--epochs", 2, "--out", whole)
    run("train", "pix2pix", "--data", data, *KAGGLES, *few, "--epochs", 1, "--out", parts)
    run("resume", parts, "--epochs", 2)
    one, two = (checkpoints.newest_sound(path / "checkpoints", pytest.fail) for path in (whole, parts))
    assert one.step == two.step == 2
    for name in (checkpoints.WEIGHTS, checkpoints.AVERAGED, checkpoints.OPTIMIZERS):
        a, b = one.tensors(name), two.tensors(name)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a)


def test_help_names_every_option():
    told = arzhang("train", "pix2pix", "--help").stdout
    for option in ("--l1-weight", "--receptive-field", "--direction", "--jitter", "--test-dropout", "--lambda"):
        assert option in told
