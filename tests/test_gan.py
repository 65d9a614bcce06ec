"""GANs through the command: trained on class folders and without, measured, sampled from by class, shown."""

import json
from pathlib import Path

import pytest
from command import folder_of_images
from PIL import Image

from arzhang import cli
from arzhang.data import sources

SMALL = [
    "--width",
    2,
    "--latent-dim",
    4,
    "--batch-size",
    8,
    "--epochs",
    2,
    "--preview-every",
    1,
    "--accelerator",
    "cpu",
]
SMALL += ["--choose-by", "last"]


def said(capsys, *words):
    """What the command in this process says, where it does what it should."""
    capsys.readouterr()
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return captured.out


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    path = tmp_path_factory.mktemp("images")
    for seed, name in enumerate(("boxes", "Dots")):
        folder_of_images(path / name, 40, seed=seed)
    return path


@pytest.fixture(scope="module")
def cgan(classes, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "cgan"
    assert cli.main([str(word) for word in ["train", "cgan", "--data", classes, *SMALL, "--out", out]]) == 0
    return out


def test_a_cgan_from_class_folders_to_its_page(cgan, classes, capsys, tmp_path):
    with Image.open(cgan / "samples" / "epoch_0002.png") as shown:
        assert shown.size[1] == 2 * (16 + 2 * 2)  # a row a class
    judge = tmp_path / "classifier"
    said(capsys, "train", "classifier", "--data", classes, "--epochs", 1, "--batch-size", 8, "--out", judge)
    out = said(capsys, "evaluate", cgan, "--classifier", judge, "--metrics", "fid", "-n", 4, "--features", judge)
    assert "told samples" in out
    found = json.loads((cgan / "eval.json").read_text())
    assert {"d_real", "d_fake", "d_accuracy", "made_variety", "fd_samples", "fd_floor"} <= found.keys()
    assert found["told_samples"]["n"] == 400
    assert found["fd_samples"]["protocol"]["network"] == f"classifier of {Path(classes).name}"
    words = ["evaluate", cgan, "--metrics", "inception-score", "-n", "4", "--features", judge]
    assert cli.main([str(word) for word in words]) == 2
    assert "by the FID network's classes, not by classifier of" in capsys.readouterr().err
    by_class = found["told_samples"]["protocol"]["by_class"]
    assert by_class.keys() == {"Dots", "boxes"}
    assert sum(by_class.values()) / 2 == pytest.approx(found["told_samples"]["value"])
    said(capsys, "report", cgan)
    page = (cgan / "report.html").read_text(encoding="utf-8")
    for text in ("Images of each class", "hinge loss", "a classifier takes", "The best class is", "went from"):
        assert text in page
    assert "run." not in page


def test_samples_of_a_class(cgan, capsys, tmp_path):
    found = []
    for label in ("boxes", "BOXES", "1"):
        said(capsys, "sample", cgan, "-n", 3, "--label", label, "--out", tmp_path / label)
        found.append([path.read_bytes() for path in sorted((tmp_path / label).iterdir())])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 3
    assert "class-dots.png" in said(capsys, "sample", cgan, "-n", 3, "--label", "dots")
    assert "samples.png" in said(capsys, "sample", cgan, "-n", 3)


def test_a_gan_of_any_folder(classes, capsys, tmp_path):
    run = tmp_path / "gan"
    said(capsys, "train", "gan", "--data", classes / "boxes", *SMALL, "--adversarial", "vanilla", "--out", run)
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {"d_real", "d_fake", "d_accuracy", "g_adversarial"} <= next(
        line for line in logged if line["split"] == "train"
    ).keys()
    assert any({"made_variety", "real_variety"} <= line.keys() for line in logged)
    said(capsys, "evaluate", run)
    said(capsys, "report", run)
    assert "made of noise" in (run / "report.html").read_text(encoding="utf-8")


def _never(*_, **__):
    pytest.fail("what cannot be trained was read")


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (["train", "cgan", "--data", "ONE"], "one: all of its images lie in class; a cgan needs two classes or more"),
        (
            ["train", "cgan", "--data", "EMPTY"],
            "empty: all of its images lie in full; a cgan needs two classes or more",
        ),
        (["train", "cgan", "--data", "LOOSE"], "class: some of its images lie in no subfolder; a cgan needs two"),
        (["train", "classifier", "--data", "ONE"], "one: all of its images lie in class; a classifier needs two"),
        (["train", "gan", "--data", "ONE", "--size", "30"], "give --size 28 or --size 32"),
        (["train", "cgan", "--size", "200"], "give --size 112 or --size 128"),
        (["sample", "RUN", "--label", "boxs"], "--label boxs: no such class; did you mean boxes?"),
        (["sample", "RUN", "--label", "2"], "--label 2: there are 2, counted from 0"),
        (["sample", "RUN", "--component", "0"], "a run of cgan, which knows no such thing"),
        (["evaluate", "RUN", "--classifier", "RUN"], "not a classifier's run"),
        (["evaluate", "RUN", "--segmenter", "RUN"], "judges what a translator makes"),
        (["translate", "RUN", "ONE"], "translates nothing"),
        (["reconstruct", "RUN"], "a VAE has"),
    ],
)
def test_one_clear_line(cgan, classes, capsys, tmp_path, monkeypatch, words, phrase):
    monkeypatch.chdir(tmp_path)
    folder_of_images(tmp_path / "one" / "class", 30)
    folder_of_images(tmp_path / "empty" / "full", 8)
    (tmp_path / "empty" / "void").mkdir()
    monkeypatch.setattr(sources, "fetch", _never)
    places = {"RUN": str(cgan), "ONE": "one", "EMPTY": "empty", "LOOSE": "one/class"}
    capsys.readouterr()
    assert cli.main([places.get(word, word) for word in words]) == 2
    error = capsys.readouterr().err
    assert phrase in error
    assert error.count("\n") == 1
