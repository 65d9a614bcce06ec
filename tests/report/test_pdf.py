"""A page on paper: every fold open, nothing cut, no way back to this machine; a clear line where nothing can print."""

import re
import shutil
import zlib

import pytest
from test_cli import refused

from arzhang import cli
from arzhang.errors import ArzhangError
from arzhang.report import pdf, run_page

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")


def content(path):
    """The bytes of a PDF with its streams unpacked."""
    raw = path.read_bytes()
    parts = [raw]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.DOTALL):
        try:
            parts.append(zlib.decompress(match[1]))
        except zlib.error:
            continue
    return b"\n".join(parts)


@pytest.mark.browser
@needs_chromium
def test_a_run_as_pdf(run, capsys):
    assert cli.main(["report", str(run), "--pdf"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"written: {run / 'report.pdf'}"
    made = content(run / "report.pdf")
    assert made.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", made)) >= 3
    assert re.search(rb"/MediaBox\s*\[0 0 59[456][\d.]* 84[12]", made)  # A4
    assert b"file://" not in made
    assert str(run.parent).encode() not in made


def test_folds_are_opened_and_links_beside_the_page_taken_out(run):
    html = run_page.write(run).read_text(encoding="utf-8")
    assert "<details>" in html
    printed = pdf.unfolded(html)
    assert printed.count("<details open>") == html.count("<details>")
    assert "<details>" not in printed
    text = '<a class="file" href="x.svg" download>SVG</a><a href="index.fa.html" lang="fa">F</a><a href="https://a.b">b</a>'
    assert pdf.unfolded(text) == '<a lang="fa">F</a><a href="https://a.b">b</a>'


def test_without_a_browser(run, monkeypatch, capsys):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    refused(capsys, 2, ["report", run, "--pdf"], "a PDF needs Chromium or Chrome, and there is none here")
    assert (run / "report.html").exists()


def test_a_browser_that_prints_nothing(run, monkeypatch, tmp_path):
    false = shutil.which("false")
    monkeypatch.setattr(pdf, "browser", lambda: false)
    with pytest.raises(ArzhangError, match=r"report\.pdf: false did not print it \(without a word\)"):
        pdf.write(run_page.write(run))
    assert not (run / "report.pdf").exists()
