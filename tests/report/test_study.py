"""A study's section: found by its JSON, whatever it holds besides; damage is one clear line."""

import json

import pytest
from PIL import Image

from arzhang.errors import ArzhangError, UsageError
from arzhang.report import figures, page, study_page


@pytest.fixture
def folder(tmp_path):
    with figures.styled():
        figure, (axes,) = figures.panels(1, "A title")
        axes.plot([1, 2], [3, 4], color=figures.SERIES[0])
        figures.legend(figure, [("a", figures.SERIES[0], "o", "-")])
        figures.save(figure, tmp_path, "variances")
    cost = {"estimator": "pathwise", "nanoseconds": 3.0, "evaluations": 1}
    rows = [["pathwise", -0.25], ["x", None]]
    study = {
        "study": "gradients",
        "options": {"samples": 1000, "sigma": 1.0, "estimators": ["pathwise", "score-function"]},
        "conclusions": [{"id": "gradients.cost", "values": cost}],
        "figures": ["variances", "lost"],
        "tables": [{"id": "gradients.at_one", "columns": ["estimator", "variance"], "rows": rows}],
        "pictures": [
            {"file": name, "id": "beta.traversal_images", "values": {"told": "β = 4", "units": 7}}
            for name in ("sheet.png", "gone.png", "half.png")
        ],
    }
    Image.new("L", (40, 20)).save(tmp_path / "sheet.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "sheet.png").read_bytes()[:60])
    (tmp_path / "gradients.json").write_text(json.dumps(study), encoding="utf-8")
    return tmp_path


def test_a_section_says_draws_and_tabulates(folder, tmp_path):
    section = study_page.section(folder, assignment="1d")
    html = page.write_page(tmp_path / "index.html", section.title, [section]).read_text(encoding="utf-8")
    assert "pathwise (α) takes 3 ns" in html
    assert "var(--series-0" in html
    assert "−0.25" in html
    assert "lost.svg" in html
    assert "assignment 1d" in html
    assert "arzhang study gradients --samples=1000" in html
    assert html.count("<img") == 1
    assert 'alt="β = 4: each of 7 active units' in html
    assert "gone.png" in html
    assert "half.png" in html


def test_files_of_a_figure_have_its_own_colours(folder):
    svg = (folder / "variances.svg").read_text(encoding="utf-8")
    assert figures.SERIES[0] in svg
    assert "var(" not in svg
    assert (folder / "variances.png").read_bytes()[:4] == b"\x89PNG"


def test_damage_is_one_clear_line(folder, tmp_path_factory):
    with pytest.raises(UsageError, match="no study has written here"):
        study_page.section(tmp_path_factory.mktemp("empty"))
    (folder / "gradients.json").write_text("{", encoding="utf-8")
    with pytest.raises(ArzhangError, match="not JSON"):
        study_page.section(folder)
    (folder / "gradients.json").write_text('{"study": "gradients"}', encoding="utf-8")
    with pytest.raises(ArzhangError, match="are missing"):
        study_page.section(folder)
