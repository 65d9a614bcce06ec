"""The notebook of the whole assignment: every id with its text, its source and its results, run from top to bottom."""

import inspect
import json
import re

import nbformat
import pytest

from arzhang import cli, reproduce
from arzhang.publish import handin, leave, publish
from arzhang.report import pdf
from arzhang.report.prose import IDS, written
from arzhang.reproduce import answers
from arzhang.training.loop import Loop


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """What `arzhang reproduce` leaves, of a budget that has two parts alone."""
    home = tmp_path_factory.mktemp("home") / "out"
    words = ["study", "divergences", "--out", str(home / "quick" / "divergences")]
    assert cli.main([*words, "--pairs", "20", "--mixture-pairs", "5"]) == 0
    parts = [
        {"name": "divergences", "ids": ["2a"], "state": "done"},
        {"name": "publications", "ids": ["5g"], "state": "done"},
    ]
    (home / "quick" / reproduce.RECORD).write_text(json.dumps({"budget": "quick", "parts": parts}))
    (home / "index.html").write_text("<!doctype html><title>The assignment</title><p>Everything</p>")
    return home


def test_every_id_in_order_with_its_text_and_source():
    book = handin.compose("quick")
    nbformat.validate(book)
    text = [cell.source for cell in book.cells if cell.cell_type == "markdown"]
    heads = [match[1] for source in text if (match := re.match(r"## (\d\w)\. ", source))]
    assert tuple(heads) == IDS
    for id in IDS:
        title, question, explanation, _ = written(id)
        at = text.index(f"## {id}. {title}\n\n{question}")
        assert explanation in text[at + 1] or explanation in text
    code = [cell.source for cell in book.cells if cell.cell_type == "code"]
    assert [source for source in code if source.startswith("answer(")] == [f'answer("{id}", BUDGET, OUT)' for id in IDS]
    assert inspect.getsource(Loop).rstrip() in "\n".join(code)
    assert "Declaration" in text[-1]
    for word in ("Collaborators", "Sources", "Language models"):
        assert f"**{word}**" in text[-1]
    for source in code:
        compile(source, "cell", "exec")


@pytest.mark.slow
def test_it_is_executed_beside_the_results(home, tmp_path):
    made = publish(home, "notebook", tmp_path / "out", notify=lambda line: None)
    book = nbformat.read(made.folder / "assignment.ipynb", as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(one.output_type != "error" for cell in code for one in cell.outputs)
    (shown,) = (cell for cell in code if cell.source.startswith('answer("2a"'))
    assert len([one for one in shown.outputs if "image/png" in one.data]) >= 2
    conclusion = json.loads((home / "quick" / "divergences" / "divergences.json").read_text())["conclusions"][0]
    assert conclusion["values"]
    assert list(made.folder.glob("arzhang-*.whl"))


def test_an_answer_shows_what_there_is_and_makes_what_is_missing(home, monkeypatch):
    shown, asked = [], []
    monkeypatch.setattr(answers.markdown, "display", lambda pieces: shown.append(list(pieces)))
    monkeypatch.setattr(answers, "reproduce", lambda *args, **options: asked.append((args, options)))
    answers.answer("2a", "quick", home)
    assert asked == []
    assert any(not isinstance(piece, str) for piece in shown[0])  # figures
    assert any("D_CS" in piece.replace("\\", "") for piece in shown[0] if isinstance(piece, str))
    answers.answer("2a", "standard", home)
    assert asked == [(("standard", home), {"only": ["2a"], "language": "en"})]
    assert shown[1] == []


def test_what_failed_is_named_in_the_cell(home, monkeypatch):
    def fails(*_, **__):
        raise answers.ArzhangError("vae (3a): the disk is full")

    shown = []
    monkeypatch.setattr(answers.markdown, "display", lambda pieces: shown.append(list(pieces)))
    monkeypatch.setattr(answers, "reproduce", fails)
    answers.answer("3a", "standard", home)
    assert shown == [["vae (3a): the disk is full"]]


def test_what_reproduce_leaves_beside_its_page(home, monkeypatch):
    def book(home, folder, name, notify):
        (folder / handin.NOTEBOOK).write_text("{}")

    monkeypatch.setattr(handin, "write", book)
    monkeypatch.setattr(pdf, "browser", lambda: None)
    said = []
    leave([home / "index.html"], home, notify=said.append)
    assert said[0] == f"written: {home / 'assignment.ipynb'}"
    assert said[1].startswith("not written: a PDF needs Chromium")
    assert (home / "assignment.ipynb").read_text() == "{}"
    assert sorted(path.name for path in home.iterdir()) == ["assignment.ipynb", "index.html", "quick"]
