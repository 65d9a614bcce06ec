"""The whole assignment on few images: the table of parts, what a kill or a failure leaves, and the page by its ids."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from report.test_browser import BROKEN, UNREADABLE, chromium, visit  # noqa: F401  (fixtures)
from studies import few
from torch import nn

from arzhang import cli, reproduce
from arzhang.data import images
from arzhang.errors import ArzhangError, UsageError
from arzhang.metrics.features import Extractor
from arzhang.report import assignment, blocks, figures, prose
from arzhang.report.page import page_name
from arzhang.reproduce import making
from arzhang.reproduce.budgets import BUDGETS, Budget, Streets
from arzhang.studies.options import (
    BatchStudy,
    BetaStudy,
    DivergenceStudy,
    GradientStudy,
    MetricStudy,
    PatchStudy,
    TranslationStudy,
    TransposedStudy,
    UpdateStudy,
    VarietyStudy,
)
from arzhang.training.loop import Loop
from arzhang.wording import LANGUAGES

TINY = Budget(
    gradients=GradientStudy(samples=1_000, mu="-1:1:3", f=("square", "step"), n=(1, 10)),
    divergences=DivergenceStudy(pairs=50, mixture_pairs=10),
    batches=BatchStudy(estimators=("pathwise",), batch_sizes=(16, 32), images=64, epochs=1, draws=4, latent_dim=2),
    beta=BetaStudy(
        beta=(0.5, 4.0), seeds=1, epochs=1, latent_dim=4, n=50, sprites_beta=(1.0,), sprites_epochs=1, sprites_seeds=1,
        sprites_size=16, sprites_latent_dim=3,
    ),
    metrics=MetricStudy(n=128, repeats=4), classifier_epochs=1, epochs=2, mixture_epochs=1, weights=(0.5, 2.0), seeds=1,
    samples=2, fid_n=20, gan_epochs=1, gan_width=4, garment_epochs=0,
    streets=(Streets(32, 2, scenes=16, epochs=1, segmenter_epochs=1, validation=20, inception=False),),
    translation=TranslationStudy(
        tables=("objectives", "cyclegan"), arms=("l1", "l1_cgan", "cyclegan"), epochs=1, cycle_epochs=1, seeds=1,
        features="none",
    ),
    variety=VarietyStudy(n=8, outputs=2), patches=PatchStudy(receptive_fields=(70,), n=8), updates=UpdateStudy(steps=2),
    transposed=TransposedStudy(
        side=(1, 4), kernel=(2, 3), stride=(1, 2), padding=(0, 1), output_padding=(0, 1), dilation=(1,),
    ),
)  # fmt: skip
SOME = ("2a", "3g", "5g")
"""Ids whose parts hold a study, trainings that rest on each other, numbers that are added to a run's, and a file."""
BROWSER = pytest.mark.browser


class Killed(BaseException):
    """As if the process had ended here: nothing is written any more."""


def eyes(*_, **__):
    """In place of the Inception network, which takes a while."""
    network = nn.Sequential(nn.Conv2d(1, 1, 7, stride=7), nn.Flatten())
    nn.init.constant_(network[0].weight, 1 / 49)
    protocol = {"network": "FID, stood in for", "resize": "none", "normalisation": "none"}
    return Extractor(network, "FID, stood in for", "none", 16, lambda x: x, protocol)


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "load", few.load)
        patch.setattr(making, "inception_extractor", eyes)
        patch.setattr(reproduce, "at_once", lambda: 1)  # other processes would know nothing of all this
        patch.setitem(BUDGETS, "quick", TINY)
        patch.setattr(figures, "LANGUAGES", {"en": LANGUAGES["en"]})  # drawing is most of what few images take
        patch.setenv("ARZHANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Everything, once; and what was said."""
    out, said = tmp_path_factory.mktemp("whole") / "out", []
    assert reproduce.reproduce("quick", out, language="en", notify=said.append) == out / "index.html"
    return out, said


class Page(HTMLParser):
    """A page's ids, links, and the words of each section."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.words, self.section = [], [], {}, ""
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag, found):
        found = dict(found)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.section = found["id"] if tag == "section" else self.section

    def handle_data(self, data):
        self.words[self.section] = self.words.get(self.section, "") + data


def numbers(home):
    """Every number that the results hold, but for times, machines and paths."""
    found = {}
    for path in sorted(home.rglob("*.json")):
        if path.name != reproduce.RECORD and "checkpoints" not in path.parts:
            text = path.read_text(encoding="utf-8").replace(str(home), "HOME")
            found[str(path.relative_to(home))] = re.sub(r'"seconds": [\d.e+-]+', "", text)
    return found


def states(out):
    record = json.loads((out / "quick" / reproduce.RECORD).read_text(encoding="utf-8"))
    return {part["name"]: part["state"] for part in record["parts"]}


# ------------------------------------------------------------------------------------------------------------ the table


def test_every_id_has_parts_and_the_shares_leave_a_minute():
    for budget in BUDGETS.values():
        parts = [part for part in reproduce.PARTS if not part.of or getattr(budget, part.of)]
        assert {id for part in parts for id in part.ids.split()} == set(prose.IDS)
    assert sum(part.seconds for part in reproduce.PARTS) <= 9 * 60
    names = [part.name for part in reproduce.PARTS]
    for i, part in enumerate(reproduce.PARTS):
        assert set(part.needs) <= set(names[:i]), "what a part rests on is made before it"


def test_only_takes_what_the_ids_rest_on(tmp_path):
    whole = reproduce._Whole("quick", tmp_path, False, ["en"], print)
    assert [part.name for part in whole.wanted(["3g"])] == ["networks", "classifier", "vae", "fid"]
    assert [part.name for part in whole.wanted(["5g", "4h"])] == ["segmenter", "pix2pix", "updates", "publications"]
    assert len(whole.wanted([])) == len(whole.parts)
    with pytest.raises(UsageError, match=r"--only 3i: no such id.*1a, 1b"):
        whole.wanted(["3i"])


# ------------------------------------------------------------------------------------------------------- how it is made


@pytest.mark.slow
def test_everything_is_made_and_timed(whole):
    out, said = whole
    assert set(states(out).values()) == {"done"}
    record = json.loads((out / "quick" / reproduce.RECORD).read_text(encoding="utf-8"))
    assert all(part["seconds"] > 0 for part in record["parts"])
    assert any(line.startswith("vae: done after") for line in said)
    assert any("min left" in line or "minute left" in line for line in said)
    found = json.loads((out / "quick" / "vae-0" / "eval.json").read_text(encoding="utf-8"))
    assert (found["fid_samples"]["n"], found["fd_samples"]["n"]) == (20, 100)  # few by one network, all by the other


def test_a_second_time_makes_nothing(whole):
    out, _ = whole
    results = [path for path in (out / "quick").rglob("*.json") if path.parent.name not in ("networks", "quick")]
    before = {path: path.stat().st_mtime_ns for path in results}
    spent = json.loads((out / "quick" / reproduce.RECORD).read_text(encoding="utf-8"))["parts"]
    reproduce.reproduce("quick", out, only=SOME, language="en", notify=lambda _: None)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert json.loads((out / "quick" / reproduce.RECORD).read_text(encoding="utf-8"))["parts"] == spent


def test_killed_at_several_points_gives_the_same_numbers(whole, tmp_path, monkeypatch):
    out, _ = whole
    renamed, real, update = [0], Path.replace, Loop._update
    left = [0]

    def replaced(path, target):
        if left[0] <= 0:
            raise Killed
        left[0] -= 1
        renamed[0] += 1
        return real(path, target)

    def stepped(loop, batch):
        if left[0] <= 0:
            raise Killed
        left[0] -= 0.25  # within an epoch, too
        return update(loop, batch)

    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Loop, "_update", stepped)
    killed = 0
    for allowed in (2, 20, 40, 8, 6, 5, 4, 10_000):
        left[0] = allowed
        try:
            reproduce.reproduce("quick", tmp_path / "again", only=SOME, language="en", notify=lambda _: None)
        except Killed:
            killed += 1
            assert "done" in (tmp_path / "again" / "index.html").read_text(encoding="utf-8") or killed <= 2
    assert killed >= 5
    made = numbers(tmp_path / "again" / "quick")
    once = {name: text for name, text in numbers(out / "quick").items() if name in made}
    assert {"divergences/divergences.json", "classifier/eval.json", "vae-0/eval.json"} <= made.keys()
    assert made == once


def test_a_part_that_fails_loses_no_other(tmp_path, monkeypatch, capsys):
    def broken(work):
        raise RuntimeError("the disk\nis full")

    table = [
        dataclasses.replace(part, make=broken) if part.name == "networks" else part
        for part in reproduce.PARTS
        if part.name in ("networks", "divergences", "vae", "publications")
    ]
    table = [dataclasses.replace(part, needs=tuple(n for n in part.needs if n == "networks")) for part in table]
    monkeypatch.setattr(reproduce, "PARTS", tuple(table))
    assert cli.main(["reproduce", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "arzhang: networks (3a 4f 4g 5b 5c): RuntimeError: the disk is full"
    assert re.fullmatch(r"arzhang: vae \(3a 3b.*\): waits for networks", said[1])
    assert said[2] == "arzhang: the same command goes on: arzhang reproduce --budget quick --out out"
    assert states(tmp_path / "out") == {
        "networks": "failed", "divergences": "done", "vae": "blocked", "publications": "done",
    }  # fmt: skip
    page = Page(tmp_path / "out" / "index.html")
    assert "The part “networks” failed: RuntimeError: the disk is full" in page.words["4f"]
    assert "arzhang reproduce --budget quick --only 4f --out out" in page.words["4f"]
    assert "the closed form and quadrature" in page.words["2a"].lower()


def test_the_page_is_there_from_the_first_minute(tmp_path, monkeypatch):
    seen = []

    def look(work):
        seen.append(Page(tmp_path / "out" / "index.html").words)

    first, second = (part for part in reproduce.PARTS if part.name in ("networks", "publications"))
    table = (dataclasses.replace(first, make=look, show=lambda *_: {}), dataclasses.replace(second, make=look))
    monkeypatch.setattr(reproduce, "PARTS", table)
    reproduce.reproduce("quick", tmp_path / "out", notify=lambda _: None)
    assert "is being made now" in seen[0]["4f"]
    assert "is not made yet" in seen[0]["5g"]
    assert re.search("done.*being made", seen[1]["parts"], re.DOTALL)
    assert set(prose.IDS) <= seen[0].keys()
    for language in LANGUAGES:  # each page leads to the others
        page = Page(tmp_path / "out" / page_name("index", language))
        assert {page_name("index", other) for other in LANGUAGES if other != language} <= set(page.links)


# ------------------------------------------------------------------------------------------------------------- the page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_id_has_its_text(language):
    assert prose.known(language) == prose.IDS, "a language that lacks a text shows the English one"
    for id in prose.IDS:
        text = prose.answer(id, language)
        assert all((text.title, text.question, text.explanation))
        for part in (text.title, text.question, text.explanation, text.experiment):
            assert not re.search(r"\\[a-zA-Z]|\$", part), f"{id}: LaTeX that became no MathML"
            assert "as expected" not in part


def test_every_id_has_question_explanation_experiment_and_command(whole):
    out, _ = whole
    page = Page(out / "index.html")
    for id in prose.IDS:
        words = page.words[id]
        parts = ["What is asked", "Explanation", "Experiment", "What the numbers say", "Command and hyper-parameters"]
        assert [words.index(part) for part in parts] == sorted(words.index(part) for part in parts)
        assert f"arzhang reproduce --budget quick --only {id} --out out" in words
        assert not re.search("not made yet|are not there yet", words), id
    assert "as expected" not in page.html


def test_all_links_lead_somewhere(whole):
    out, _ = whole
    page = Page(out / "index.html")
    assert len(page.ids) == len(set(page.ids))
    local = [link for link in page.links if not link.startswith(("https://", "#", "data:"))]
    assert {link[-4:] for link in local} == {".csv", ".svg"}
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        elif not link.startswith(("https://", "data:")):
            assert (out / unquote(link)).is_file()


def test_teaching_folds_conclusions_away():
    said = blocks.Findings(["It fell."])
    shown = {"1a": [assignment.Shown((), [said])]}
    for teach in (False, True):
        first = assignment.sections(shown, [], str, {"budget": "", "machine": "", "total": 0}, teach)[0]
        folded = [block for block in first.blocks if isinstance(block, blocks.Details)]
        assert (said in first.blocks) is not teach
        assert [list(block.blocks) for block in folded] == ([[said]] if teach else [])


def test_publications_are_shown_where_they_are_entered(tmp_path):
    out, quiet = tmp_path / "out", lambda _: None
    reproduce.reproduce("quick", out, only=["5g"], notify=quiet)
    assert "publications.yaml" in Page(out / "index.html").words["5g"]
    entered = (
        'Notebook: {link: "https://example.org/n?a=1&b=2", screenshot: shot.png}\nArticle: https://example.org/<a>\n'
    )
    (out / "publications.yaml").write_text(entered, encoding="utf-8")
    reproduce.reproduce("quick", out, only=["5g"], notify=quiet)
    page = Page(out / "index.html")
    assert {"https://example.org/n?a=1&b=2", "https://example.org/<a>"} <= set(page.links)
    assert "shot.png is not there" in page.words["5g"]
    (out / "publications.yaml").write_text("Notebook: {link: 'javascript:alert(1)'}", encoding="utf-8")
    with pytest.raises(ArzhangError, match=r"publications.yaml: Notebook: give it as"):
        reproduce.reproduce("quick", out, only=["5g"], notify=quiet)


@BROWSER
@pytest.mark.parametrize("width", [380, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(visit, whole, width, scheme):  # noqa: F811
    opened = visit(whole[0] / "index.html", width, scheme)
    for folded in (True, False):
        overflow = opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow == 0, f"{overflow} px too wide, folded: {folded}"
        seen, unreadable = opened.evaluate(UNREADABLE)
        assert seen > 1_000
        assert [
            line for line in unreadable if not re.match(r"\d+%: ", line)
        ] == []  # shares stand on cells of their own
        opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert opened.evaluate(BROKEN) == 0
    assert opened.locator("math").count() > 200
    figures = "[...document.querySelectorAll('svg[role=img]')].map(f => f.getAttribute('aria-label'))"
    assert all(alt and len(alt) > 10 for alt in opened.evaluate(figures))
