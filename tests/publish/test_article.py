"""The article: every picture and link leads somewhere, every number is a result's, nothing is left of its template."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from test_cli import refused

from arzhang import cli
from arzhang.publish import publish
from arzhang.report.results import number, read


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images, self.links, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "img":
            assert found["alt"].strip()
            self.images.append(found["src"])
        if tag == "a":
            self.links.append(found["href"])

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def whole(home, tmp_path_factory):
    """A folder as `arzhang reproduce` leaves one: a study and two runs, some levels down."""
    path = tmp_path_factory.mktemp("whole")
    words = ["study", "divergences", "--out", str(path / "quick" / "divergences")]
    assert cli.main([*words, "--pairs", "20", "--mixture-pairs", "5"]) == 0
    for run, name in ((home.translator, "pix2pix-32"), (home.coder, "vae-0")):
        shutil.copytree(run, path / "quick" / name)
    return path


@pytest.fixture(scope="module", params=["translator", "coder", "whole"])
def article(request, home, whole, tmp_path_factory):
    source, out = whole if request.param == "whole" else getattr(home, request.param), tmp_path_factory.mktemp("out")
    publish(source, "article", out / "article", notify=lambda line: None)
    return out / "article", source


def test_pictures_and_links_lead_somewhere(article):
    folder, _ = article
    shown = Page((folder / "article.html").read_text())
    assert len(shown.images) >= 3
    assert all((folder / name).read_bytes()[:4] == b"\x89PNG" for name in shown.images)
    assert {path.relative_to(folder).as_posix() for path in (folder / "pictures").iterdir()} == set(shown.images)
    assert shown.links
    known = re.compile(r"https://(arxiv\.org/abs/\d{4}\.\d{4,5}|github\.com/arzhang-ml/arzhang)")
    assert all(known.fullmatch(link) for link in shown.links)


def test_markdown_and_html_say_the_same_and_nothing_is_left_open(article):
    folder, _ = article
    markdown = (folder / "article.md").read_text()
    shown = Page((folder / "article.html").read_text())
    assert re.findall(r"!\[[^\]]*\]\(([^)]+)\)", markdown) == shown.images
    assert markdown.startswith("# ")
    for text in (markdown, shown.text):
        assert not re.search(r"\{\{|\{%|\bUndefined\b|<details|\n\|", text)


def test_numbers_are_those_of_the_run(article):
    folder, source = article
    runs = [source] if (source / "config.yaml").is_file() else sorted(source.glob("quick/*/config.yaml"))
    text = Page((folder / "article.html").read_text()).text
    for run in runs:
        results = read(run if run.is_dir() else run.parent)
        for metric in results.evaluation.values():
            assert number(metric) in text


def test_another_run_gives_other_numbers(home, tmp_path):
    changed = shutil.copytree(home.coder, tmp_path / "changed")
    found = json.loads((changed / "eval.json").read_text())
    found["kl"] |= {"value": 12345.678, "uncertainty": 1.0}
    (changed / "eval.json").write_text(json.dumps(found))
    publish(changed, "article", tmp_path / "article", notify=lambda line: None)
    assert "12,345.7\xa0±\xa01.0" in Page((tmp_path / "article" / "article.html").read_text()).text


def test_what_cannot_be_is_one_line(home, tmp_path, capsys):
    out = ["--out", tmp_path / "out"]
    refused(capsys, 2, ["publish", tmp_path, "--to", "article", *out], "neither a run nor a folder with runs")
    refused(capsys, 2, ["publish", tmp_path / "no", "--to", "huggingface", *out], "no such folder")
    refused(capsys, 2, ["publish", tmp_path, "--to", "huggingface", *out], "holds no run")
    refused(capsys, 2, ["publish", home.coder, *out], "give --to kaggle, huggingface, article or notebook")
    refused(capsys, 2, ["publish", home.coder, "--to", "medium", *out], "--to")
    refused(capsys, 2, ["publish", home.coder, "--to", "article", "--push", *out], "Medium takes no uploads")
    refused(capsys, 2, ["publish", home.coder, "--to", "notebook", *out], "holds no results of `arzhang reproduce`")
    refused(capsys, 2, ["publish", home.coder, "--to", "huggingface", "--name", "Bad Name", *out], "--name Bad Name")
    assert not (tmp_path / "out").exists()
