"""Bundles tell nothing of the machine, stand in nobody's way, and know the licence of their data."""

import re
import shutil
import sys
import zipfile

import pytest
from publish.conftest import SECRETS, TOKEN, USER

from arzhang.errors import ArzhangError, UsageError
from arzhang.publish import bundle


def leaks(folder, *needles):
    """(file, needle) for all that is found in a bundle's bytes, those of archives' members among them."""
    found = []
    for path in (p for p in folder.rglob("*") if p.is_file()):
        parts = [path.read_bytes()]
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as archive:
                parts += map(archive.read, archive.namelist())
        found += [(path.name, needle) for part in parts for needle in needles if needle.encode() in part]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["huggingface", "article", "kaggle"])
def test_nothing_of_this_machine_is_in_a_bundle(home, kind):
    out = home.bundle(kind)
    needles = (USER, str(home.path), str(home.path.parent), sys.prefix, *SECRETS.values())
    assert leaks(out, *needles) == []
    assert leaks(out, "arzhang")  # the search finds what is there


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("see {home}/runs/1", "a path of this machine"),
        ('{{"data": "{home}"}}', "a path of this machine"),
        ("/home/zaphod-q7/x", "the user's name"),
        ("the key is 0123456789abcdef", "a secret"),
        (f"token: {TOKEN}", "what looks like an access token"),
    ],
)
def test_a_bundle_that_would_tell_is_not_written(tmp_path, monkeypatch, content, what):
    monkeypatch.setenv("HOME", str(tmp_path / "house"))
    monkeypatch.setenv("LOGNAME", USER)
    monkeypatch.setenv("SOME_API_KEY", "0123456789abcdef")
    out = tmp_path / "out"
    with pytest.raises(ArzhangError, match=re.escape(f"page.md: holds {what}")) as caught, bundle.fresh(out) as folder:
        (folder / "page.md").write_text(content.format(home=tmp_path / "house"))
    assert "0123456789abcdef" not in str(caught.value)
    assert not out.exists()
    assert list(tmp_path.iterdir()) == []  # nor is anything left beside it


def test_a_path_in_an_archive_is_found_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "house"))
    with zipfile.ZipFile(tmp_path / "a.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/y.py", f"path = '{tmp_path}/house/secret'" * 10)
    with pytest.raises(ArzhangError, match=r"a\.whl: x/y\.py: holds a path"), bundle.fresh(tmp_path / "out") as folder:
        shutil.copy(tmp_path / "a.whl", folder)


def test_only_a_bundle_is_written_over(tmp_path):
    out = tmp_path / "out"
    for content in ("first", "second"):
        with bundle.fresh(out) as folder:
            (folder / "a.txt").write_text(content)
    assert (out / "a.txt").read_text() == "second"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="is no bundle"), bundle.fresh(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine" / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("recipe", "free"),
    [
        ({"dataset": "streets", "data": None}, True),
        ({"dataset": "streets", "data": "streets"}, True),
        ({"dataset": "fashion-mnist", "data": None}, True),
        ({"dataset": "cityscapes", "data": None}, False),
        ({"dataset": "streets", "data": "/somewhere/Cityscapes_Data"}, False),
        ({"dataset": "fashion-mnist", "data": "my/pictures"}, False),
    ],
)
def test_licences(recipe, free):
    found = bundle.licence(recipe)
    assert (found.warning == "") is free
    assert (found.id != "other") is free
    named = "cityscapes" in str(recipe).lower()
    assert ("forbids redistribution" in found.warning) is named
