"""A page in Persian: right to left, nothing left in English but names, figures and numbers in its digits."""

import json
import re

import pytest
from report.made import make_run
from report.test_page import Text

from arzhang.report import figures, prose, run_page, study_page
from arzhang.wording import words

ARABIC = re.compile("[\u0600-\u06ff]")


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("fa") / "run", beta=4.0)
    return run_page.write(run, language="fa").read_text(encoding="utf-8")


def test_the_page_says_what_it_is(html):
    assert '<html lang="fa" dir="rtl">' in html
    found = Text(html).text.replace("\xa0", " ")
    assert "چه چیزی آموزش دید" in found
    assert "\u2066β = ۴\u2069" in found
    assert "۱٬۲۸۰ برای آموزش" in found
    assert "\u2066۲۴۵٫۰ ± ۱٫۵\u2069" in found
    assert "\u2068--beta\u2069 \u20684.0\u2069" in found  # what one types keeps its digits


def test_what_is_left_in_latin_is_no_sentence(html):
    """Outside of code, options and what the run's own files say, no five Latin words follow one another."""
    shown = re.sub(r"<style>.*?</style>|<(pre|code|bdi|th)\b.*?</\1>", " ", html, flags=re.DOTALL)
    rows = re.findall(r"(?:\b[A-Za-z]{2,}\b[ ,]+){4}\b[A-Za-z]{2,}\b", Text(f"<p>{_body(shown)}</p>").text)
    assert rows == []


def _body(html):
    return re.sub(r"<[^>]+>", " ", html[html.index("<body>") :])


def test_every_alternative_text_is_persian(html):
    described = re.findall(r'(?:alt|aria-label)="([^"]+)"', html)
    assert len(described) > 10
    assert all(ARABIC.search(text) for text in described)


def test_figures_speak_persian(html):
    texts = [text for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL) for text in re.findall(r">([^<>]+)</", svg)]
    numbers = [text for text in texts if re.search(r"\d", text)]
    assert len(numbers) > 20
    assert not re.search("[0-9]", "".join(numbers).replace("L1", ""))
    spoken = [text for text in texts if ARABIC.search(text) and not re.fullmatch("[\u2066\u2069−۰-۹٫]+", text.strip())]
    assert spoken
    assert all(text.strip().startswith("\u2067") and text.strip().endswith("\u2069") for text in spoken)


def test_a_study_draws_in_each_language_and_each_page_takes_its_own(tmp_path):
    @figures.styled()
    def draw():
        figure, (axes,) = figures.panels(1, words("gradients.figure.variances"))
        axes.plot([1, 2], [3, 4])
        axes.set_xlabel(words("gradients.axis.mu"))
        return figures.save(figure, tmp_path, "variances")

    study = {"study": "gradients", "options": {"samples": 1000, "sigma": 1.0, "estimators": ["pathwise"]}}
    study |= {"conclusions": [], "figures": [draw()], "tables": []}
    (tmp_path / "gradients.json").write_text(json.dumps(study), encoding="utf-8")
    english, persian = (study_page.write(tmp_path, code).read_text(encoding="utf-8") for code in ("en", "fa"))
    assert "mean μ" in english
    assert not ARABIC.search(english[english.index("<svg") : english.index("</svg>")])
    assert "میانگین \u2066μ\u2069" in persian
    assert "mean μ" not in persian
    assert "۴٫۰" in persian
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["index.fa.html", "index.html"]


# ------------------------------------------------------------------------------------------------------------ texts


def source(id, language):
    return (prose._folder(language) / f"{id}.md").read_text(encoding="utf-8")


def formulas(text):
    """Displayed formulas in their order, inline ones as a set; code apart."""
    text = re.sub(r"`[^`]*`", "", text)
    shown = [" ".join(one.split()) for one in re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL)]
    rest = re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL)
    return shown, {" ".join(one.split()) for one in re.findall(r"\$([^$]+)\$", rest)}


@pytest.mark.parametrize("id", prose.IDS)
def test_a_text_says_the_same_in_both_languages(id):
    english, persian = source(id, "en"), source(id, "fa")
    (shown, inline), (shown_fa, inline_fa) = formulas(english), formulas(persian)
    assert shown_fa == shown
    assert inline <= inline_fa
    assert set(re.findall(r"\]\(([^)]+)\)", persian)) == set(re.findall(r"\]\(([^)]+)\)", english))
    assert set(re.findall(r"`([^`]+)`", persian)) == set(re.findall(r"`([^`]+)`", english))
    for mark in (r"^---$", r"^- ", r"^\d\. ", r"^\|", r"\*\*"):
        assert len(re.findall(mark, persian, re.MULTILINE)) == len(re.findall(mark, english, re.MULTILINE)), mark
    assert ARABIC.search(prose.answer(id, "fa").title)


@pytest.mark.parametrize("id", prose.IDS)
def test_a_text_leaves_no_number_in_latin_digits_to_a_persian_sentence(id):
    """But in formulas, code, tables of layers, links and references, which stay as they are."""
    apart = re.compile(r"\$\$.+?\$\$|\$[^$]+\$|`[^`]*`|\]\([^)]*\)|^\|[^\n]*$", re.MULTILINE | re.DOTALL)
    text = apart.sub(" ", source(id, "fa"))
    sentence = re.compile("[\u0600-\u06ff] [0-9]+(?:\\.[0-9]+)? [\u0600-\u06ff]")
    assert sentence.search("در 50 دوره")
    assert not sentence.search(text)
