"""Two runs side by side: what is said follows the numbers, each way, and only where their errors tell them apart."""

import json

import pytest
from report.made import blurred, boxes, make_run, write_sheet

from arzhang.report import beside, page
from arzhang.report.results import read


def runs(tmp_path, **second):
    """A β-VAE and a CS-VAE made by hand; keywords are (value, uncertainty) of the second's own numbers."""
    paths = [make_run(tmp_path / "plain"), make_run(tmp_path / "cs", prior="mixture", divergence="cauchy-schwarz")]
    own = [{"fd_samples": (20.0, 0.5), "kmeans_accuracy": (0.57, 0.005)}, second]
    for path, more in zip(paths, own, strict=True):
        found = json.loads((path / "eval.json").read_text(encoding="utf-8"))
        for name, (value, error) in more.items():
            found[name] = {"value": value, "uncertainty": error, "n": 150, "unit": "", "protocol": {}}
        (path / "eval.json").write_text(json.dumps(found), encoding="utf-8")
    return paths


@pytest.mark.parametrize(("fd", "which"), [(18.0, "less"), (22.0, "more"), (21.0, "alike")])
@pytest.mark.parametrize(("accuracy", "clusters"), [(0.6, "more"), (0.54, "less"), (0.575, "alike")])
def test_what_is_said_follows_the_numbers(tmp_path, fd, which, accuracy, clusters):
    first, second = runs(tmp_path, fd_samples=(fd, 0.5), component_accuracy=(accuracy, 0.005))
    said = {c["id"]: c["values"] for c in beside.findings(read(first), read(second))}
    assert said[f"beside.samples_{which}"]["second"] == fd
    assert said[f"beside.clusters_{clusters}"]["first"] == 0.57
    assert "beside.detail_alike" in said  # the same sheets


def test_softer_samples_are_called_so(tmp_path):
    first, second = runs(tmp_path)
    write_sheet(second / "figures" / "samples.png", blurred(blurred(boxes(100, seed=1))))
    assert [c["id"] for c in beside.findings(read(first), read(second))] == ["beside.detail_less"]


def test_the_section_stands_on_a_page(tmp_path):
    first, second = runs(tmp_path, fd_samples=(18.0, 0.5), component_accuracy=(0.6, 0.005))
    section = beside.section(first, second, assignment="2b")
    html = page.write_page(tmp_path / "index.html", "two", [section]).read_text(encoding="utf-8")
    assert html.count("<img") == 2
    assert "Cauchy–Schwarz VAE (cs) beside β-VAE (plain)" in html
    assert "lie nearer to the test images" in html
    (first / "figures" / "samples.png").unlink()
    missing = page.write_page(tmp_path / "index.html", "two", [beside.section(first, second)])
    assert "arzhang evaluate plain" in missing.read_text(encoding="utf-8")
